"""Jobs over HTTP: lists and pages, looking, cancelling, and watching events as they happen."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.registry_rows import BACKBONE, make_ticket, take
from support.running_service import Service, refused

from app import jobs
from app.storage.table import new_id


def events(service: Service, job_id: str, **headers: str) -> Iterator[dict[str, Any]]:
    """Read a job's stream to its end."""
    with service.http.stream("GET", f"/jobs/{job_id}/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if line == "" and event:
                yield event
                event = {}
            elif name in ("id", "event", "data"):
                event[name] = json.loads(value) if name == "data" else value


def report(service: Service, claim: jobs.Claim, step: int) -> None:
    with service.app.state.db.write() as session:
        jobs.record_progress(session, claim, phase="mlm", step=step, total=9, metrics={"loss": 1.5}, eta_s=3.0)


def test_a_job_is_shown_as_documented(service: Service) -> None:
    _, ticket, job = make_ticket(service.app.state.db)
    body = service.http.get(f"/jobs/{job.id}").json()
    assert set(body) == {
        "id", "kind", "status", "progress", "attempt", "waiting_for", "error", "resource", "created_at",
        "started_at", "finished_at",
    }  # fmt: skip
    assert body["resource"] == {"kind": "ticket", "id": ticket.id, "lang": "en", "name": None}
    assert body["progress"] == {"phase": None, "step": 0, "total": 0, "eta_s": None, "metrics": {}}
    assert body["created_at"].endswith("Z")
    claim = take(service.app.state.db)
    report(service, claim, 4)
    body = service.http.get(f"/jobs/{job.id}").json()
    assert (body["status"], body["attempt"]) == ("running", 1)
    assert body["progress"] == {"phase": "mlm", "step": 4, "total": 9, "eta_s": 3.0, "metrics": {"loss": 1.5}}
    with service.app.state.db.write() as session:
        jobs.fail(session, claim, code="training_diverged", detail="the loss became NaN")
    body = service.http.get(f"/jobs/{job.id}").json()
    assert (body["status"], body["error"]) == ("failed", {"code": "training_diverged", "detail": "the loss became NaN"})
    assert service.http.get(f"/tickets/{ticket.id}").json()["status"] == "failed"


@pytest.mark.parametrize("limit", [1, 3, 7, 200])
def test_pages_hold_every_job_once_newest_first(service: Service, limit: int) -> None:
    made = [make_ticket(service.app.state.db)[2].id for _ in range(7)]
    found, cursor = [], None
    while True:
        page = service.http.get("/jobs", params={"limit": limit} | ({"cursor": cursor} if cursor else {})).json()
        assert len(page["items"]) <= limit
        found += [job["id"] for job in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        make_ticket(service.app.state.db)  # what is newer does not disturb the pages that follow
    assert found == made[::-1]


def test_lists_are_filtered(service: Service) -> None:
    _, _, job = make_ticket(service.app.state.db)
    make_ticket(service.app.state.db)
    service.http.post(f"/jobs/{job.id}/cancel")
    cancelled = service.http.get("/jobs?status=cancelled").json()["items"]
    assert [found["id"] for found in cancelled] == [job.id]
    assert len(service.http.get("/jobs?kind=ticket").json()["items"]) == 2
    assert service.http.get("/jobs?kind=adapter").json() == {"items": [], "next_cursor": None}


def test_a_queued_job_is_cancelled_at_once_and_only_once(service: Service) -> None:
    _, ticket, job = make_ticket(service.app.state.db)
    response = service.http.post(f"/jobs/{job.id}/cancel")
    assert (response.status_code, response.json()["status"]) == (202, "cancelled")
    assert service.http.get(f"/tickets/{ticket.id}").json()["status"] == "cancelled"
    refused(service.http.post(f"/jobs/{job.id}/cancel"), 409, "job_finished")


def test_a_running_job_is_asked_to_stop(service: Service) -> None:
    _, _, job = make_ticket(service.app.state.db)
    claim = take(service.app.state.db)
    assert service.http.post(f"/jobs/{job.id}/cancel").json()["status"] == "running"
    with service.app.state.db.write() as session:
        assert jobs.heartbeat(session, claim, lease_s=60).cancel_requested


def test_events_arrive_while_they_happen_and_end_with_done(service: Service) -> None:
    db = service.app.state.db
    _, _, job = make_ticket(db)

    def work() -> None:
        time.sleep(0.3)
        claim = take(db)
        for step in (1, 2, 3):
            report(service, claim, step)
            time.sleep(0.2)
        with db.write() as session:
            jobs.log(session, claim, "nearly\ndone: ünïcödé")
        with db.write() as session:
            jobs.mark_cancelled(session, claim)

    worker = threading.Thread(target=work)
    worker.start()
    seen = list(events(service, job.id))
    worker.join()
    assert [event["event"] for event in seen] == ["progress", "progress", "progress", "log", "done"]
    assert [int(event["id"]) for event in seen] == sorted(int(event["id"]) for event in seen)
    assert seen[0]["data"]["metrics"] == {"loss": 1.5}
    assert seen[3]["data"]["message"] == "nearly\ndone: ünïcödé"
    assert seen[4]["data"]["status"] == "cancelled"


def test_a_stream_resumes_after_the_last_event_seen(service: Service) -> None:
    db = service.app.state.db
    _, _, job = make_ticket(db)
    claim = take(db)
    for step in range(1, 6):
        report(service, claim, step)
    with db.write() as session:
        jobs.fail(session, claim, code="x", detail="y")
    everything = list(events(service, job.id))
    assert len(everything) == 6
    for place in range(6):
        resumed = events(service, job.id, **{"Last-Event-ID": everything[place]["id"]}) if place < 5 else iter(())
        assert list(resumed) == everything[place + 1 :]
    over = service.http.get(f"/jobs/{job.id}/events", headers={"Last-Event-ID": everything[-1]["id"]})
    assert (over.status_code, over.content) == (204, b"")


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "99999999999999999999"])
def test_an_impossible_last_event_is_refused(service: Service, last: str) -> None:
    _, _, job = make_ticket(service.app.state.db)
    response = service.http.get(f"/jobs/{job.id}/events", headers={"Last-Event-ID": last})
    refused(response, 422, "invalid_request")


def test_watching_ends_when_the_service_does(service: Service) -> None:
    _, _, job = make_ticket(service.app.state.db)
    ended = threading.Event()

    def watch() -> None:
        list(events(service, job.id))
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    time.sleep(0.5)
    assert service.http.get("/readyz").status_code in (200, 503)
    service.app.state.predictor.drain()
    body = refused(service.http.get("/readyz"), 503, "not_ready")
    assert "shutting down" in body["detail"]
    assert ended.wait(5)


def test_workers_are_listed(service: Service) -> None:
    with service.app.state.db.write() as session:
        jobs.see_worker(
            session, worker_id="0199f3a2-7c1e-7d40-9c55-3f0f6f1f2a11", host="here", device="cpu", job_id=None
        )
    (worker,) = service.http.get("/workers").json()["items"]
    assert set(worker) == {"id", "host", "device", "job", "kinds", "backbone", "code", "last_seen"}
    assert (worker["host"], worker["device"], worker["job"]) == ("here", "cpu", None)


def test_a_queued_job_says_what_it_waits_for(service: Service) -> None:
    _, _, job = make_ticket(service.app.state.db)
    for answer in (service.http.get(f"/jobs/{job.id}").json(), service.http.get("/jobs").json()["items"][0]):
        assert (answer["status"], answer["waiting_for"]) == (
            "queued",
            "no worker was heard lately; start one with `ltp worker`",
        )
    able = {"kinds": ["ticket"], "backbone": BACKBONE, "code": "1+abc"}
    with service.app.state.db.write() as session:
        jobs.see_worker(session, worker_id=new_id(), host="here", device="cpu", job_id=None, **able)
    (worker,) = service.http.get("/workers").json()["items"]
    assert {name: worker[name] for name in able} == able
    assert service.http.get(f"/jobs/{job.id}").json()["waiting_for"] is None
