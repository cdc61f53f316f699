"""Progress is throttled, estimates the time left, and stops a job that is no longer its own."""

from __future__ import annotations

import pytest
from support.registry_rows import TENANT, make_ticket, take

from app import jobs
from app.errors import CancelRequested, LeaseLost
from app.jobs import Claim
from app.storage.database import Database
from ltp.progress import Progress
from worker.progress import ProgressReporter


class Clock:
    """A clock that is moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def events(db: Database, job_id: str) -> list[tuple[str | None, int, float | None]]:
    with db.read() as session:
        return [
            (event.data["phase"], event.data["step"], event.data["eta_s"])
            for event in jobs.events_after(session, job_id, limit=5000)
        ]


@pytest.fixture
def claim(db: Database) -> Claim:
    make_ticket(db)
    return take(db)


def test_progress_is_written_once_a_second_and_when_a_phase_is_new(db: Database, claim: Claim) -> None:
    clock = Clock()
    report = ProgressReporter(db, claim, clock=clock)
    for step in range(100):
        report(Progress("mlm", step, 100, {"loss": 1.0}))
        report(Progress("validating", 1, 1))  # between any two steps
        clock.now += 0.1
    report(Progress("select", 0, 1))
    written = [(phase, step) for phase, step, _ in events(db, claim.job_id)]
    assert written[:2] == [("mlm", 0), ("validating", 1)]
    assert written[-1] == ("select", 0)
    assert 11 <= len(written) <= 14


def test_a_figure_of_a_call_that_was_not_written_comes_with_the_next(db: Database, claim: Claim) -> None:
    clock = Clock()
    report = ProgressReporter(db, claim, clock=clock)
    report(Progress("training", 1, 4, {"loss": 1.0}))
    report(Progress("training", 2, 4, {"loss": 0.9, "dev_accuracy": 0.5}))  # too soon to be written
    clock.now += 2
    report(Progress("training", 3, 4, {"loss": 0.8}))
    with db.read() as session:
        last = jobs.events_after(session, claim.job_id, limit=10)[-1]
    assert last.data["metrics"] == {"loss": 0.8, "dev_accuracy": 0.5}


def test_every_epoch_that_ended_is_told_of_once(db: Database, claim: Claim) -> None:
    clock = Clock()
    report = ProgressReporter(db, claim, clock=clock)
    for epoch in (1, 2, 3, 4):
        ended = {"seed": 0.0, "epoch": float(epoch), "dev_accuracy": epoch / 10, "dev_loss": float("inf")}
        report(Progress("training", epoch * 2, 8, ended))
        report(Progress("training", epoch * 2, 8, ended))  # folds tell it again and again
        report(Progress("training", epoch * 2 + 1, 8, {"loss": 0.5, "seed": 0.0, "epoch": float(epoch)}))
        clock.now += 0.6
    report(Progress("training", 8, 8, {"seed": 1.0, "epoch": 4.0, "dev_accuracy": 0.9}))
    clock.now += 2
    report(Progress("training", 8, 8))
    with db.read() as session:
        told = [event.data.get("epochs") for event in jobs.events_after(session, claim.job_id, limit=50)]
    assert [None if each is None else [(e["seed"], e["epoch"]) for e in each] for each in told] == [
        [(0, 1)],
        [(0, 2), (0, 3)],
        [(0, 4), (1, 4)],
        None,
    ]
    assert told[0] == [{"seed": 0, "epoch": 1, "dev_accuracy": 0.1, "dev_loss": None}]


def test_the_time_left_follows_the_pace_since_this_attempt_began(db: Database, claim: Claim) -> None:
    clock = Clock()
    report = ProgressReporter(db, claim, clock=clock)
    report(Progress("mlm", 40, 100))  # resumed: the first forty steps cost this attempt nothing
    clock.now += 10
    report(Progress("mlm", 60, 100))
    assert [eta for _, _, eta in events(db, claim.job_id)] == [None, pytest.approx(20)]


def test_a_lost_lease_or_a_cancellation_stops_the_work(db: Database, claim: Claim) -> None:
    report = ProgressReporter(db, claim)
    with db.write() as session:
        jobs.cancel(session, tenant=TENANT, job_id=claim.job_id)
    with pytest.raises(CancelRequested):
        report(Progress("mlm", 1, 2))
    with db.write() as session:
        jobs.mark_cancelled(session, claim)
    with pytest.raises(LeaseLost):
        report(Progress("select", 1, 2))
    with pytest.raises(LeaseLost):
        report.log("still there?")


def test_a_database_that_does_not_answer_does_not_stop_the_work(db: Database, claim: Claim) -> None:
    report = ProgressReporter(Database("postgresql+psycopg://nobody@127.0.0.1:1/none"), claim)
    report(Progress("mlm", 1, 2))
    report.log("anyone?")
    assert events(db, claim.job_id) == []
