"""What one key, one address and one tenant may use up, and what they are told when they have."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.running_service import EXAMPLES, Service, refused, running, settings_for, wait_until
from support.service_with_keys import ADMIN_KEY, UNLIMITED, admin_of, bearer, holding, make_key

from app.settings import MIB

pytestmark = pytest.mark.process

NOBODYS = "ltp_" + "A" * 43


@contextmanager
def limited(directory: Path, template: Path, backbone: Path, **changes: Any) -> Iterator[Service]:
    with running(settings_for(directory / "data", template, backbone, **{**UNLIMITED, **changes})) as service:
        service.http.headers.update(bearer(ADMIN_KEY))
        yield service


@pytest.fixture
def place(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> tuple[Path, Path, Path]:
    return tmp_path, migrated_sqlite, tiny_backbone_dir


def too_often(response: httpx.Response, *, window_s: int) -> None:
    refused(response, 429, "rate_limited")
    assert 1 <= int(response.headers["Retry-After"]) <= window_s


def test_a_key_that_asks_too_often_waits_and_others_do_not(place: tuple[Path, Path, Path]) -> None:
    with limited(*place, rate_limit="5/hour") as service:
        with holding(service, "read") as busy, holding(service, "read") as calm:
            assert [busy.get("/jobs").status_code for _ in range(5)] == [200] * 5
            too_often(busy.get("/jobs"), window_s=3600)
            too_often(busy.get("/tickets"), window_s=3600)
            assert calm.get("/jobs").status_code == 200
            assert busy.get("/healthz").status_code == 200, "what needs no key is not counted"
        assert [service.http.get("/jobs").status_code for _ in range(4)] == [200, 200, 200, 429], "two made the keys"


def test_an_address_that_guesses_is_stopped_and_locks_nobody_out(place: tuple[Path, Path, Path]) -> None:
    with limited(*place, auth_failures="4/hour") as service:
        known, fresh = (bearer(make_key(service, "read")["secret"]) for _ in range(2))
        assert service.http.get("/jobs", headers=known).status_code == 200
        for number in range(4):
            guess = bearer(NOBODYS[:-1] + str(number))
            refused(service.http.get("/jobs", headers=guess), 401, "unauthorized")
        for guess in (bearer(NOBODYS), bearer("nonsense")):
            too_often(service.http.get("/jobs", headers=guess), window_s=3600)
        assert service.http.get("/jobs", headers=fresh).status_code == 200, "never seen here, and right"
        assert service.http.get("/jobs", headers=known).status_code == 200
        assert service.http.get("/jobs").status_code == 200, "ADMIN_KEY is always looked at"


def test_repeating_a_wrong_key_asks_the_database_once(place: tuple[Path, Path, Path]) -> None:
    from sqlalchemy import event

    with limited(*place) as service:
        asked: list[str] = []
        engine = service.app.state.db.engine
        event.listen(engine, "before_cursor_execute", lambda *told: asked.append(str(told[2])))
        for _ in range(20):
            refused(service.http.get("/jobs", headers=bearer(NOBODYS)), 401, "unauthorized")
            refused(service.http.get("/jobs", headers=bearer("malformed")), 401, "unauthorized")
    assert sum("FROM api_keys" in statement for statement in asked) == 1


def test_a_tenant_has_so_many_unfinished_jobs(place: tuple[Path, Path, Path]) -> None:
    ticket = {"corpus": {"texts": ["one line", "another line"]}}
    with limited(*place, max_queued_jobs=2) as service:
        service.wait_ready()
        first = service.http.post("/tickets", json=ticket, headers={"Idempotency-Key": "first"})
        assert [first.status_code, service.http.post("/tickets", json=ticket).status_code] == [202, 202]
        full = service.http.post("/tickets", json=ticket)
        refused(full, 429, "too_many_jobs")
        assert int(full.headers["Retry-After"]) >= 1
        again = service.http.post("/tickets", json=ticket, headers={"Idempotency-Key": "first"})
        assert (again.status_code, again.json()) == (202, first.json()), "what was accepted is still answered"
        with holding(service, "train", tenant="another") as other:
            assert other.post("/tickets", json=ticket).status_code == 202
        assert service.http.post(f"{first.headers['Location']}/cancel").status_code == 202
        assert service.http.post("/tickets", json=ticket).status_code == 202


RECORDS = 16_384
"""About what the rows of a ticket take: job, drift, dataset, blob, the trail."""


def corpus_of(size: int) -> dict[str, Any]:
    lines = b"".join(b"%07d\n" % number for number in range(size // 8))
    return {"corpus": ("corpus.txt", lines), "request": (None, "{}")}


def test_a_tenant_keeps_so_many_bytes_of_uploads_and_of_what_jobs_make(place: tuple[Path, Path, Path]) -> None:
    with limited(*place, max_stored_mb=1) as service, admin_of(service) as service.http:
        service.wait_ready()
        exported = foreign_export(service)
        assert service.http.post("/tickets", files=corpus_of(MIB - RECORDS - 30_000)).status_code == 202
        refused(service.http.post("/tickets", files=corpus_of(32_000)), 409, "quota_exceeded")
        refused(service.bring_in(exported), 409, "quota_exceeded")
        for job in service.http.get("/jobs").json()["items"]:
            service.http.post(f"/jobs/{job['id']}/cancel")

        adapter = {"lang": "en", "method": "ft", "examples": EXAMPLES, "training": {"epochs": 1}}
        accepted = service.http.post("/adapters", json=adapter)
        assert accepted.status_code == 202, accepted.text
        service.work()
        job = service.http.get(accepted.headers["Location"]).json()
        assert (job["status"], job["error"]["code"]) == ("failed", "quota_exceeded")
        assert service.http.get(f"/adapters/{accepted.json()['adapter']['id']}").json()["status"] == "failed"


def foreign_export(service: Service) -> bytes:
    """An export of some 90 kB, every parameter in it, made by another tenant."""
    with holding(service, "train", "read", tenant="another") as other:
        body = {"lang": "en", "method": "ft", "examples": EXAMPLES, "training": {"epochs": 1}}
        accepted = other.post("/adapters", json=body)
        assert accepted.status_code == 202, accepted.text
        service.work()
        exported = other.get(f"/adapters/{accepted.json()['adapter']['id']}/export")
        assert exported.status_code == 200, exported.text
        return exported.content


LONG = "x" * 41
SHORT = {"premise": "a dog runs", "hypothesis": "x" * 40}
JSON_LINE = f'{{"premise": "{LONG}", "hypothesis": "b"}}'
ROWS = [f"a dog runs\t{'x' * 40}\t{label}" for label in ("entailment", "neutral", "contradiction")]


@pytest.fixture(scope="module")
def brief(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    """A service that reads texts of at most 40 characters."""
    directory = tmp_path_factory.mktemp("brief") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir, max_characters=40)) as service:
        service.wait_ready()
        service.train("en", method="pt")
        yield service


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/predict", {"lang": "en", "pairs": [SHORT, {**SHORT, "premise": LONG}]}, "pairs.1.premise"),
        ("/tickets", {"corpus": {"texts": ["short", "short too", LONG]}}, "corpus.texts.2"),
        (
            "/adapters",
            {"lang": "en", "method": "pt", "examples": EXAMPLES, "dev_examples": [{**EXAMPLES[0], "hypothesis": LONG}]},
            "dev_examples.0.hypothesis",
        ),
    ],
)
def test_a_long_text_in_json_is_refused_by_its_field(brief: Service, path: str, body: Any, field: str) -> None:
    faults = refused(brief.http.post(path, json=body), 422, "invalid_request")["fields"]
    assert faults[0]["path"] == field
    assert "41 characters; at most 40" in faults[0]["message"]


@pytest.mark.parametrize(
    ("path", "part", "lines", "place"),
    [
        ("/predictions", "file", ["premise\thypothesis", "a\tb", f"a\t{LONG}"], "line 3, column 3"),
        (
            "/predictions",
            "file",
            ['{"premise": "a", "hypothesis": "b"}', f'{{"premise": "{LONG}", "hypothesis": "b"}}'],
            "line 2",
        ),
        ("/adapters", "examples", [*ROWS, f"{LONG}\tb\tneutral"], "line 4, column 1"),
        ("/tickets", "corpus", ["short", "", LONG], "line 3"),
    ],
)
def test_a_long_text_in_a_file_is_refused_by_its_line(
    brief: Service, path: str, part: str, lines: list[str], place: str
) -> None:
    request = {"/predictions": '{"lang": "en"}', "/adapters": '{"lang": "en", "method": "pt"}', "/tickets": "{}"}[path]
    files: dict[str, Any] = {part: ("file", "\n".join(lines).encode()), "request": (None, request)}
    fault = refused(brief.http.post(path, files=files), 422, "invalid_request")["fields"][0]
    assert fault["path"] == part
    assert place in fault["message"]
    assert "41 characters; at most 40" in fault["message"]


def test_texts_of_exactly_the_limit_are_read(brief: Service) -> None:
    assert brief.http.post("/predict", json={"lang": "en", "pairs": [SHORT]}).status_code == 200
    files = {"examples": ("file", "\n".join(ROWS).encode()), "request": (None, '{"lang": "en", "method": "pt"}')}
    assert "characters" not in brief.http.post("/adapters", files=files).text
    corpus = {"corpus": ("file", ("x" * 40 + "\n").encode() * 3), "request": (None, "{}")}
    assert brief.http.post("/tickets", files=corpus).status_code == 202


def test_keys_of_a_tenant_share_what_it_may_ask_and_are_so_many(place: tuple[Path, Path, Path]) -> None:
    with limited(*place, rate_limit="10/hour", tenant_rate_limit="25/hour", max_keys=8) as service:
        for _ in range(8):
            make_key(service, "read", tenant="team")
        too_many = service.http.post("/keys", json={"name": "ninth", "scopes": ["read"], "tenant": "team"})
        refused(too_many, 409, "quota_exceeded")
    with limited(place[0] / "b", *place[1:], rate_limit="10/hour", tenant_rate_limit="25/hour", max_keys=8) as service:
        made = [make_key(service, "read", tenant="team") for _ in range(8)]
        assert make_key(service, "read", tenant="another")["tenant"] == "another"
        answers = [
            service.http.get("/jobs", headers=bearer(key["secret"])).status_code for key in made for _ in range(5)
        ]
        assert answers == [200] * 25 + [429] * 15
        too_often(service.http.get("/jobs", headers=bearer(made[7]["secret"])), window_s=3600)


def test_right_keys_pass_a_flood_of_wrong_ones_from_their_address(place: tuple[Path, Path, Path]) -> None:
    with limited(*place, auth_failures="4/hour") as service:
        fresh = [make_key(service, "read")["secret"] for _ in range(8)]
        over = threading.Event()
        refusals: Counter[int] = Counter()

        def guess(number: int) -> None:
            with httpx.Client(base_url=service.url, timeout=60, trust_env=False) as client:
                while not over.is_set():
                    wrong = "ltp_" + secrets.token_urlsafe(32)
                    refusals[client.get("/jobs", headers=bearer(wrong)).status_code] += 1

        threads = [threading.Thread(target=guess, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: refusals[429] > 0, 60)
            seen = [service.http.get("/jobs", headers=bearer(secret)).status_code for secret in fresh]
        finally:
            over.set()
            for thread in threads:
                thread.join()
        assert seen == [200] * 8
        assert set(refusals) <= {401, 429}, refusals
        assert refusals[401] == 4, "the rest is 429"
        assert refusals[429] > 10, "it was a flood"


def test_however_many_keys_are_tried_one_query_is_under_way(place: tuple[Path, Path, Path]) -> None:
    from sqlalchemy import event

    with limited(*place) as service:
        engine = service.app.state.db.engine
        under_way, most, queries = 0, 0, 0

        def begin(*told: object) -> None:
            nonlocal under_way, most, queries
            if "FROM api_keys" in str(told[2]):
                queries, under_way = queries + 1, under_way + 1
                most = max(most, under_way)
                time.sleep(0.02)  # a database that is not next door

        def end(*told: object) -> None:
            nonlocal under_way
            under_way -= "FROM api_keys" in str(told[2])

        event.listen(engine, "before_cursor_execute", begin)
        event.listen(engine, "after_cursor_execute", end)

        def guess(number: int) -> int:
            wrong = bearer("ltp_" + f"{number:043d}")
            return httpx.get(f"{service.url}/jobs", headers=wrong, trust_env=False, timeout=60).status_code

        with ThreadPoolExecutor(16) as pool:
            answers = Counter(pool.map(guess, range(60)))
        assert (dict(answers), most) == ({401: 60}, 1)
        assert queries <= 45, "those who wait are asked for together"
