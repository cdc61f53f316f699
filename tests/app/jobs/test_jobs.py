"""The queue's promises: nothing acknowledged is lost, one runner at a time, nothing published twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update
from support.registry_rows import finish_adapter, finish_ticket, make_adapter, make_ticket, reap, take

from app import jobs
from app.errors import CancelRequested, JobFinished, JobNotFound, LeaseLost
from app.jobs.workers import forget_worker, forget_workers
from app.storage.database import Database
from app.storage.models import AdapterRow, DriftRow, JobRow, TicketRow, WorkerRow


def state(db: Database, job_id: str) -> JobRow:
    with db.read() as session:
        return session.get_one(JobRow, job_id)


def end(db: Database, claim: jobs.Claim, *, max_attempts: int = 3) -> str:
    with db.write() as session:
        return jobs.end_attempt(session, claim, code="worker_lost", detail="gone", max_attempts=max_attempts)


def test_a_claim_takes_the_oldest_job_and_starts_its_lease(db: Database) -> None:
    first, second = (make_ticket(db)[2] for _ in range(2))
    claim = take(db, owner="w")
    assert (claim.job_id, claim.attempt) == (first.id, 1)
    running = state(db, first.id)
    assert running.status == "running"
    assert running.owner == "w"
    assert 55 < (running.lease_until - running.started_at).total_seconds() <= 61
    assert state(db, second.id).status == "queued"


def test_ten_concurrent_claims_of_one_job_give_one_execution(db: Database) -> None:
    job = make_ticket(db)[2]

    def attempt(number: int) -> jobs.Claim | None:
        with db.write() as session:
            return jobs.claim(session, owner=f"w{number}", lease_s=60)

    with ThreadPoolExecutor(10) as pool:
        claims = [claim for claim in pool.map(attempt, range(10)) if claim]
    assert len(claims) == 1
    assert state(db, job.id).owner == claims[0].owner


def test_only_the_kinds_a_runner_serves_are_claimed(db: Database) -> None:
    ticket = make_ticket(db)[2]
    adapter = make_adapter(db)[1]
    with db.write() as session:
        claim = jobs.claim(session, owner="w", lease_s=60, kinds=("adapter",))
        assert claim is not None
        assert claim.job_id == adapter.id
        assert jobs.waiting(session)
        assert not jobs.waiting(session, kinds=("adapter",))
    assert state(db, ticket.id).status == "queued"


def test_an_expired_lease_goes_to_another_runner_and_fences_the_first(db: Database) -> None:
    job = make_adapter(db)[1]
    stale = take(db, owner="first", lease_s=-1)
    assert reap(db, except_job=job.id) == []
    assert reap(db, except_job="another") == [job.id]
    fresh = take(db, owner="second")
    assert fresh.attempt == 2
    with pytest.raises(LeaseLost), db.write() as session:
        jobs.heartbeat(session, stale, lease_s=60)
    with pytest.raises(LeaseLost), db.write() as session:
        jobs.record_progress(session, stale, phase="x", step=1, total=2, metrics={}, eta_s=None)
    with pytest.raises(LeaseLost):
        finish_adapter(db, stale)
    assert finish_adapter(db, fresh).version == 1
    with pytest.raises(LeaseLost):
        finish_adapter(db, fresh)


def test_a_heartbeat_keeps_the_lease(db: Database) -> None:
    job = make_ticket(db)[2]
    claim = take(db, lease_s=-1)
    with db.write() as session:
        beat = jobs.heartbeat(session, claim, lease_s=60)
        assert not beat.cancel_requested
        again = jobs.heartbeat(session, claim, lease_s=60)
        assert again.reported == beat.reported
    with db.write() as session:
        jobs.record_progress(session, claim, phase="x", step=1, total=2, metrics={}, eta_s=None)
        assert jobs.heartbeat(session, claim, lease_s=60).reported != beat.reported
    assert reap(db) == []
    assert state(db, job.id).status == "running"


def test_a_job_without_a_lease_is_reaped_too(db: Database) -> None:
    job = make_ticket(db)[2]
    take(db)
    with db.write() as session:
        session.execute(update(JobRow).values(lease_until=None))
    assert reap(db) == [job.id]


def test_attempts_run_out(db: Database) -> None:
    drift, ticket, job = make_ticket(db)
    assert [end(db, take(db)) for _ in range(3)] == ["queued", "queued", "failed"]
    failed = state(db, job.id)
    assert failed.error_code == "worker_lost"
    assert "attempt 3 of 3" in (failed.error_detail or "")
    with db.read() as session:
        assert session.get_one(TicketRow, ticket.id).status == "failed"
        assert session.get_one(DriftRow, drift.id).status == "failed"
        last = jobs.events_after(session, job.id)[-1]
    assert (last.kind, last.data["status"], last.data["error"]["code"]) == ("done", "failed", "worker_lost")


def test_handing_back_costs_no_attempt_and_keeps_the_place_in_the_queue(db: Database) -> None:
    first, _ = (make_ticket(db)[2] for _ in range(2))
    for round_ in range(5):
        claim = take(db, owner=f"w{round_}")
        assert (claim.job_id, claim.attempt) == (first.id, 1)
        with db.write() as session:
            jobs.release(session, claim)
        with pytest.raises(LeaseLost), db.write() as session:
            jobs.heartbeat(session, claim, lease_s=60)
    assert state(db, first.id).status == "queued"


def test_cancelling_a_queued_job_settles_what_it_was_to_make(db: Database) -> None:
    drift, ticket, job = make_ticket(db)
    with db.write() as session:
        assert jobs.cancel(session, tenant="default", job_id=job.id).status == "cancelled"
    with db.write() as session:
        assert jobs.claim(session, owner="w", lease_s=60) is None
        assert session.get_one(TicketRow, ticket.id).status == session.get_one(DriftRow, drift.id).status == "cancelled"
    with pytest.raises(JobFinished), db.write() as session:
        jobs.cancel(session, tenant="default", job_id=job.id)


def test_after_a_cancellation_is_accepted_nothing_is_published(db: Database) -> None:
    adapter, job = make_adapter(db)
    claim = take(db)
    with db.write() as session:
        assert jobs.cancel(session, tenant="default", job_id=job.id).status == "running"
        assert jobs.heartbeat(session, claim, lease_s=60).cancel_requested
    with pytest.raises(CancelRequested):
        finish_adapter(db, claim)
    with db.write() as session:
        jobs.mark_cancelled(session, claim)
    assert state(db, job.id).status == "cancelled"
    with db.read() as session:
        assert session.get_one(AdapterRow, adapter.id).status == "cancelled"


@pytest.mark.parametrize("way", ["reap", "end_attempt", "hand_back"])
def test_a_job_to_be_cancelled_is_not_tried_again(db: Database, way: str) -> None:
    job = make_adapter(db)[1]
    claim = take(db, lease_s=-1)
    with db.write() as session:
        jobs.cancel(session, tenant="default", job_id=job.id)
    if way == "reap":
        reap(db)
        assert state(db, job.id).status == "cancelled"
        return
    with db.write() as session:
        if way == "hand_back":
            jobs.release(session, claim)
        else:
            jobs.end_attempt(session, claim, code="crashed", detail="", max_attempts=3)
    assert state(db, job.id).status == "cancelled"


def test_another_tenants_job_does_not_exist(db: Database) -> None:
    job = make_ticket(db, tenant="other")[2]
    with db.write() as session:
        with pytest.raises(JobNotFound):
            jobs.get(session, tenant="default", job_id=job.id)
        with pytest.raises(JobNotFound):
            jobs.cancel(session, tenant="default", job_id=job.id)
        assert jobs.list_jobs(session, tenant="default").items == []


@pytest.mark.slow
def test_events_are_numbered_and_bounded_and_logs_stay(db: Database) -> None:
    job = make_ticket(db)[2]
    claim = take(db)
    with db.write() as session:
        jobs.log(session, claim, "starting")
        for step in range(1300):
            jobs.record_progress(
                session, claim, phase="mlm", step=step, total=1300, metrics={"loss": float("nan")}, eta_s=1.5
            )
    finish_ticket(db, claim)
    with db.read() as session:
        events = jobs.events_after(session, job.id, limit=5000)
        assert jobs.events_after(session, job.id, events[-2].seq) == [events[-1]]
    assert [events[0].kind, events[-1].kind] == ["log", "done"]
    assert events[-1].seq == 1303
    assert 1000 <= len(events) <= 1105
    assert events[-2].data["metrics"] == {"loss": None}
    assert len({event.seq for event in events}) == len(events)


def test_taking_everything_back_is_for_a_runner_that_is_alone(db: Database) -> None:
    job = make_ticket(db)[2]
    take(db, lease_s=1000)
    with db.write() as session:
        assert jobs.requeue_all_running(session, max_attempts=3) == [job.id]
    assert state(db, job.id).status == "queued"


def test_runners_come_and_go(db: Database) -> None:
    with db.write() as session:
        for worker in ("w1", "w1", "w2"):
            jobs.see_worker(session, worker_id=worker, host="h", device="cpu", job_id=None)
    with db.write() as session:
        assert [row.id for row in jobs.list_workers(session).items] == ["w2", "w1"]
        forget_workers(session, unseen_s=60)
        forget_worker(session, "w1")
        assert session.scalars(select(WorkerRow.id)).all() == ["w2"]
        forget_workers(session, unseen_s=-60)
        assert jobs.list_workers(session).items == []


def test_a_job_that_has_published_is_shown_as_done_to_its_last_step(db: Database) -> None:
    """Reports are throttled: the last one that was written tells of a part."""
    job = make_ticket(db)[2]
    claim = take(db, job_id=job.id)
    with db.write() as session:
        jobs.record_progress(session, claim, phase="publish", step=39, total=100, metrics={}, eta_s=2.0)
    finish_ticket(db, claim)
    done = state(db, job.id)
    assert (done.status, done.phase, done.step, done.total, done.eta_s) == ("succeeded", "publish", 100, 100, None)
    with db.read() as session:
        *_, last, end = jobs.events_after(session, job_id=job.id, seq=0)
    assert (last.kind, last.data["step"], last.data["eta_s"], end.kind) == ("progress", 100, 0.0, "done")
