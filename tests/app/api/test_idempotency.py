"""`Idempotency-Key`: one key starts one job, whatever happens around it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update
from support.running_service import Service, refused, wait_until

from app.storage.models import IdempotencyKeyRow
from app.storage.table import now

TICKET = {"corpus": {"texts": ["One line.", "Another line."]}, "mlm": {"epochs": 1}}


@pytest.fixture(autouse=True)
def _described(service: Service) -> None:
    wait_until(lambda: service.http.get("/backbone").status_code == 200, 60)


def jobs_of(service: Service) -> list[str]:
    return [job["id"] for job in service.http.get("/jobs").json()["items"]]


def test_the_same_body_replays_the_stored_answer(service: Service) -> None:
    headers = {"Idempotency-Key": "first"}
    first = service.http.post("/tickets", json=TICKET, headers=headers)
    assert first.status_code == 202
    assert first.headers["Location"] == f"/jobs/{first.json()['job']['id']}"
    respelled = json.dumps(dict(reversed(TICKET.items())), indent=3)
    again = service.http.post("/tickets", content=respelled, headers={**headers, "Content-Type": "application/json"})
    assert (again.status_code, again.json(), again.headers["Location"]) == (
        202,
        first.json(),
        first.headers["Location"],
    )
    assert len(jobs_of(service)) == 1


def test_the_stored_answer_outlives_what_it_was_about(service: Service) -> None:
    headers = {"Idempotency-Key": "first"}
    first = service.http.post("/tickets", json=TICKET, headers=headers).json()
    assert service.http.post(f"/jobs/{first['job']['id']}/cancel").status_code == 202
    assert service.http.delete(f"/tickets/{first['ticket']['id']}").status_code == 204
    assert service.http.post("/tickets", json=TICKET, headers=headers).json() == first


def test_another_body_is_a_conflict(service: Service) -> None:
    headers = {"Idempotency-Key": "first"}
    service.http.post("/tickets", json=TICKET, headers=headers)
    refused(service.http.post("/tickets", json={**TICKET, "name": "x"}, headers=headers), 422, "idempotency_conflict")
    assert len(jobs_of(service)) == 1


def test_uploads_are_compared_by_content_not_by_boundary(service: Service) -> None:
    def upload(text: bytes):  # type: ignore[no-untyped-def]
        files = {"corpus": ("c.txt", text), "request": (None, json.dumps({"mlm": {"epochs": 1}}))}
        return service.http.post("/tickets", files=files, headers={"Idempotency-Key": "upload"})

    first = upload(b"One line.\nAnother.\n")
    assert first.status_code == 202
    assert upload(b"One line.\nAnother.\n").json() == first.json()
    refused(upload(b"One line.\nA different one.\n"), 422, "idempotency_conflict")


def test_concurrent_twins_make_one_job(service: Service) -> None:
    def twin(_: int):  # type: ignore[no-untyped-def]
        return service.http.post("/tickets", json=TICKET, headers={"Idempotency-Key": "twins"})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(twin, range(32)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["job"]["id"] for answer in answers}) == 1
    assert len(jobs_of(service)) == 1
    assert len(service.http.get("/tickets").json()["items"]) == 1


def test_without_a_key_and_with_other_keys_work_is_repeated(service: Service) -> None:
    for headers in ({}, {}, {"Idempotency-Key": "a"}, {"Idempotency-Key": "b"}):
        service.http.post("/tickets", json=TICKET, headers=headers)
    assert len(jobs_of(service)) == 4


def test_a_refused_request_leaves_its_key_free(service: Service) -> None:
    headers = {"Idempotency-Key": "first"}
    pairs = [{"premise": f"Premise {index}.", "hypothesis": "B.", "label": index % 3} for index in range(6)]
    adapter = {"lang": "en", "examples": pairs}
    refused(service.http.post("/adapters", json=adapter, headers=headers), 409, "no_ticket")
    assert service.http.post("/adapters", json={**adapter, "method": "pt"}, headers=headers).status_code == 202


def test_a_key_is_forgotten_after_a_day(service: Service) -> None:
    headers = {"Idempotency-Key": "first"}
    first = service.http.post("/tickets", json=TICKET, headers=headers).json()
    with service.app.state.db.write() as session:
        session.execute(update(IdempotencyKeyRow).values(created_at=now(session) - timedelta(hours=25)))
    again = service.http.post("/tickets", json={**TICKET, "name": "x"}, headers=headers)
    assert again.status_code == 202
    assert again.json()["job"]["id"] != first["job"]["id"]


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_a_length(service: Service, key: str) -> None:
    refused(service.http.post("/tickets", json=TICKET, headers={"Idempotency-Key": key}), 422, "invalid_request")
