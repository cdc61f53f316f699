"""A runner takes only what it can do, and a job that no live runner can do says what it waits for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import Any, get_type_hints

import pytest
from sqlalchemy import update
from support.registry_rows import BACKBONE, make_adapter, make_prediction, make_ticket, ready_adapter, take

from app import jobs
from app.jobs.form import FORM
from app.jobs.queue import KINDS
from app.jobs.workers import forget_workers
from app.storage.database import Database
from app.storage.models import JobRow, WorkerRow
from ltp.backbone.strategy import STRATEGIES
from ltp.config import LABEL_SPACES, AdapterConfig, MLMConfig, TicketConfig
from ltp.model.methods import METHODS

OTHER = "c" * 64
FORMS = {1: "e74fa633998431cd", 2: "27ab6013a9f155b9", 3: "1e3e77caca3a6be5", 4: "fb620018600e6de6"}
"""What each form of a job can say, as a hash. Never change one that was released: raise `FORM`, and add a line."""


def claim(db: Database, **able: Any) -> jobs.Claim | None:
    with db.write() as session:
        return jobs.claim(session, owner="w", lease_s=60, **able)


def reason(db: Database, job: JobRow, *, within_s: float = 60) -> str | None:
    with db.read() as session:
        return jobs.why_waiting(session.get_one(JobRow, job.id), jobs.heard_lately(session, within_s=within_s))


def seen(db: Database, name: str = "w", **able: Any) -> None:
    with db.write() as session:
        jobs.see_worker(session, worker_id=name, host="h", device="cpu", job_id=None, **able)


def test_every_kind_of_job_is_for_runners_with_its_backbone(db: Database) -> None:
    queued = [make_ticket(db)[2], make_adapter(db)[1], make_prediction(db, ready_adapter(db))[1]]
    assert {job.backbone for job in queued} == {BACKBONE}
    assert claim(db, backbone=OTHER) is None
    with db.read() as session:
        assert jobs.waiting(session, backbone=OTHER) == []
    taken = [claim(db, backbone=BACKBONE) for _ in queued]
    assert {claimed.job_id for claimed in taken if claimed} == {job.id for job in queued}


def test_a_job_that_names_no_backbone_is_for_any_runner(db: Database) -> None:
    job = make_ticket(db)[2]
    with db.write() as session:
        session.execute(update(JobRow).values(backbone="", format=0))  # as a release before wrote it
    assert reason(db, job) is not None
    seen(db, kinds=KINDS, backbone=OTHER)
    assert reason(db, job) is None
    assert claim(db, backbone=OTHER) is not None


def test_a_job_of_a_newer_form_is_left_to_a_newer_runner(db: Database) -> None:
    newer, job = make_ticket(db)[2], make_ticket(db)[2]
    with db.write() as session:
        session.execute(update(JobRow).where(JobRow.id == newer.id).values(format=FORM + 1))
    assert take(db).job_id == job.id
    assert claim(db) is None
    seen(db, kinds=KINDS, backbone=BACKBONE)
    assert "older release" in (reason(db, newer) or "")


@pytest.mark.parametrize(
    ("able", "words"),
    [
        (None, "no worker was heard lately"),
        ({"kinds": ("adapter", "prediction"), "backbone": BACKBONE}, "of kind ticket"),
        ({"kinds": KINDS, "backbone": OTHER}, f"the backbone it needs ({BACKBONE[:12]}...)"),
        ({"kinds": KINDS, "backbone": ""}, "the backbone it needs"),
        ({"kinds": KINDS, "backbone": BACKBONE}, None),
        ({}, None),
    ],
)
def test_a_job_says_what_it_waits_for(db: Database, able: dict[str, Any] | None, words: str | None) -> None:
    job = make_ticket(db)[2]
    if able is not None:
        seen(db, **able)
    why = reason(db, job)
    assert (why is None) == (words is None)
    assert words is None or words in str(why)
    take(db)
    assert reason(db, job) is None, "a running job waits for nobody"


def test_a_runner_seen_in_the_future_was_seen_before_the_clock_was_set_back(db: Database) -> None:
    job = make_ticket(db)[2]
    seen(db, kinds=KINDS, backbone=BACKBONE)
    assert reason(db, job) is None
    with db.write() as session:
        row = session.get_one(WorkerRow, "w")
        row.last_seen = row.last_seen.replace(year=row.last_seen.year + 1)
    assert "no worker was heard" in (reason(db, job) or "")
    with db.write() as session:
        forget_workers(session, unseen_s=60)
        assert session.get(WorkerRow, "w") is None


def test_what_a_job_can_say_changes_only_with_its_form() -> None:
    """A worker of an older release must know from the number alone that it could not read the job."""
    said = {
        stage.__name__: {
            field.name: str(get_type_hints(stage, include_extras=True)[field.name]) for field in fields(stage)
        }
        for stage in (MLMConfig, TicketConfig, AdapterConfig)
    }
    said |= {"kinds": list(KINDS), "methods": sorted(METHODS), "strategies": sorted(STRATEGIES)}  # type: ignore[dict-item]
    said |= {"label_spaces": {space: list(labels) for space, labels in LABEL_SPACES.items()}}
    said |= {"examples": ["label_space", "verbalizer"], "predictions": ["as"]}  # type: ignore[dict-item]
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
    assert max(FORMS) == FORM
    assert digest == FORMS[FORM], "raise FORM in app/jobs/form.py, and add a line to FORMS"
