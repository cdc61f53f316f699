"""Many watch one job: it is looked at once for all of them, each sees everything, and nobody holds all streams."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event
from support.raw_connection import RawConnection
from support.registry_rows import make_ticket, take
from support.running_service import Service, refused, running, settings_for, wait_until
from support.service_with_keys import ADMIN_KEY, UNLIMITED, bearer, make_key

from app import jobs
from app.api.job_watchers import KEPT

pytestmark = pytest.mark.process

OF_KEY, OF_ADDRESS = 3, 5
WATCHED_S = 2.0


@pytest.fixture
def keyed(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    settings = settings_for(
        tmp_path / "data",
        migrated_sqlite,
        tiny_backbone_dir,
        **UNLIMITED,
        max_key_streams=OF_KEY,
        max_address_streams=OF_ADDRESS,
    )
    with running(settings) as started:
        yield started


def watch(service: Service, job: str, secret: str = ADMIN_KEY, *, address: str | None = None) -> RawConnection:
    wire = RawConnection(service.port, address=address)
    return wire.head("GET", f"/jobs/{job}/events", authorization=f"Bearer {secret}")


def is_open(wire: RawConnection) -> bool:
    wait_until(wire.has_answered, 20)
    with wire.socket.makefile("rb", buffering=0) as stream:
        return b"200" in stream.readline()


def test_a_key_and_an_address_have_so_many_streams(keyed: Service) -> None:
    _, _, job = make_ticket(keyed.app.state.db)
    secrets = [make_key(keyed, "read")["secret"] for _ in range(3)]
    with ExitStack() as stack:
        mine = [stack.enter_context(watch(keyed, job.id, secrets[0])) for _ in range(OF_KEY)]
        assert all(map(is_open, mine))
        body = refused(stack.enter_context(watch(keyed, job.id, secrets[0])).answer(), 429, "too_many_streams")
        assert "MAX_KEY_STREAMS" in body["detail"]
        theirs = [stack.enter_context(watch(keyed, job.id, secrets[1])) for _ in range(OF_ADDRESS - OF_KEY)]
        assert all(map(is_open, theirs))
        answer = stack.enter_context(watch(keyed, job.id, secrets[2])).answer()
        assert "MAX_ADDRESS_STREAMS" in refused(answer, 429, "too_many_streams")["detail"]
        assert int(answer.headers["Retry-After"]) >= 1
        assert is_open(stack.enter_context(watch(keyed, job.id, secrets[2], address="127.0.0.2")))
        assert keyed.http.get("/jobs", headers=bearer(secrets[0])).status_code == 200
        mine[0].socket.close()
        wait_until(lambda: open_streams(keyed) == OF_ADDRESS, 20)
        assert is_open(stack.enter_context(watch(keyed, job.id, secrets[0])))
    wait_until(lambda: open_streams(keyed) == 0, 20)
    assert not keyed.app.state.job_watchers._watched


def open_streams(service: Service) -> int:
    """Streams that are open, by the count of the addresses."""
    return sum(count for share, count in service.app.state.stream_shares._open.items() if share.startswith("address"))


def test_a_refusal_and_a_head_hold_no_share(keyed: Service) -> None:
    _, _, job = make_ticket(keyed.app.state.db)
    with httpx.Client(base_url=keyed.url, headers=bearer(ADMIN_KEY), trust_env=False) as http:
        for _ in range(2 * OF_ADDRESS):
            assert http.head(f"/jobs/{job.id}/events").status_code == 200
            refused(http.get(f"/jobs/{job.id[:-4]}0000/events"), 404, "job_not_found")
    assert open_streams(keyed) == 0


@contextmanager
def looks(service: Service) -> Iterator[list[str]]:
    """Collect the statements that ask for events."""
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if "FROM job_events" in statement:
            seen.append(statement)

    engine = service.app.state.db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_job_is_looked_at_as_often_for_many_as_for_one(service: Service) -> None:
    _, _, job = make_ticket(service.app.state.db)
    counted = []
    for watchers in (1, 16):
        with ExitStack() as stack:
            wires = [stack.enter_context(watch(service, job.id)) for _ in range(watchers)]
            assert all(map(is_open, wires))
            with looks(service) as seen:
                time.sleep(WATCHED_S)
            counted.append(len(seen))
    assert counted[1] <= counted[0] + 2, f"looks for one watcher and for sixteen: {counted}"


def numbers(service: Service, job_id: str, last: int = 0) -> list[int]:
    """Read a stream to its end and return the numbers of its events."""
    with httpx.stream(
        "GET", f"{service.url}/jobs/{job_id}/events", headers={"Last-Event-ID": str(last)}, timeout=60, trust_env=False
    ) as response:
        return [int(line.removeprefix("id: ")) for line in response.iter_lines() if line.startswith("id: ")]


def test_everyone_sees_every_event_whenever_they_join(service: Service) -> None:
    db = service.app.state.db
    _, _, job = make_ticket(db)
    claim = take(db)

    def log(count: int) -> None:
        with db.write() as session:
            for number in range(count):
                jobs.log(session, claim, f"line {number}")

    with ThreadPoolExecutor(6) as pool:
        log(3)
        joined = [pool.submit(numbers, service, job.id), pool.submit(numbers, service, job.id, 2)]
        wait_until(lambda: job.id in service.app.state.job_watchers._watched, 20)
        log(KEPT + 50)
        joined += [pool.submit(numbers, service, job.id), pool.submit(numbers, service, job.id, KEPT)]
        time.sleep(1)
        log(1)
        joined.append(pool.submit(numbers, service, job.id))
        with db.write() as session:
            jobs.mark_cancelled(session, claim)
        seen = [future.result(60) for future in joined]
    everything = list(range(1, KEPT + 56))
    assert seen == [everything, everything[2:], everything, everything[KEPT:], everything]


def test_a_stream_that_is_cut_off_leaves_the_others_alone(service: Service) -> None:
    db = service.app.state.db
    _, _, job = make_ticket(db)
    with watch(service, job.id) as first, watch(service, job.id) as second:
        assert is_open(first)
        assert is_open(second)
        first.socket.close()
        wait_until(lambda: service.app.state.job_watchers._watched[job.id].watchers == 1, 20)
        service.http.post(f"/jobs/{job.id}/cancel")
        with second.socket.makefile("rb") as stream:
            data = next(line for line in stream if line.startswith(b"data: "))
        assert json.loads(data.removeprefix(b"data: "))["status"] == "cancelled"
    wait_until(lambda: not service.app.state.job_watchers._watched, 20)
