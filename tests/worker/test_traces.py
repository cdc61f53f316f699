"""The trace of an attempt: which phases it had and when, and how its span says that it ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.otlp_receiver import Receiver, receiving
from support.running_service import LINES, running, settings_for, wait_until

from app import jobs
from app.jobs import Claim
from app.storage.database import Database
from app.telemetry.tracing import Tracing, from_environment
from app.trace_context import IN_ENVIRONMENT, TRACEPARENT
from worker.job import attempt_job
from worker.traces import PhaseTimings, traced, traced_phases

PARENT = f"00-{1:032x}-{2:016x}-01"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        yield receiver


@pytest.fixture
def claim(db: Database) -> Claim:
    """A job that a traced request made, taken."""
    token = TRACEPARENT.set(PARENT)
    with db.write() as session:
        jobs.submit(session, tenant="default", kind="ticket", resource_kind="ticket", resource_id="t-1")
    TRACEPARENT.reset(token)
    with db.write() as session:
        claimed = jobs.claim(session, owner="test", lease_s=600)
    assert claimed is not None
    return claimed


def test_a_phase_that_comes_again_is_one_with_its_seconds_added_up() -> None:
    timings = PhaseTimings()
    for _ in range(2):
        with timings("train"):
            time.sleep(0.01)
        with timings("validate"):
            pass
    train, validate = timings.phases["train"], timings.phases["validate"]
    assert (train.pieces, validate.pieces) == (2, 2)
    assert train.seconds == pytest.approx(timings.seconds["train"])
    assert train.began < validate.began < train.ended < validate.ended
    assert train.seconds <= train.ended - train.began


def test_what_an_earlier_attempt_spent_counts_in_the_report_and_is_no_phase_of_this_one() -> None:
    timings = PhaseTimings()
    timings.go_on({"train": 100.0}, ["train", "validate"])
    assert timings.seconds == {"train": 100.0}
    assert timings.phases == {}


@pytest.mark.process
def test_a_job_links_to_the_request_that_made_it_and_says_how_it_ended(
    receiver: Receiver, db: Database, claim: Claim
) -> None:
    tracing = from_environment("runner")
    with traced(tracing, db, claim) as attempt:
        with db.write() as session:
            jobs.fail(session, claim, code="out_of_memory", detail="the words of a text")
        attempt.end, attempt.code = "exited", 0
    tracing.close()
    (span,) = receiver.spans
    assert (span.name, span.parent, span.links) == ("job ticket", "", [f"{2:016x}"])
    assert span.trace != f"{1:032x}"
    assert attempt.traceparent.startswith(f"00-{span.trace}-{span.id}-")
    assert span.attributes.pop("ltp.job.waited_s") >= 0
    assert {
        "ltp.job.id": claim.job_id,
        "ltp.job.attempt": 1,
        "ltp.job.kind": "ticket",
        "ltp.job.status": "failed",
        "ltp.job.end": "exited",
        "ltp.ticket.id": "t-1",
        "process.exit.code": 0,
        "error.type": "out_of_memory",
    }.items() <= span.attributes.items()
    assert b"the words of a text" not in b"".join(receiver.bodies)


@pytest.mark.process
def test_a_runner_that_stumbles_ends_its_span_all_the_same(receiver: Receiver, db: Database, claim: Claim) -> None:
    tracing = from_environment("runner")
    with pytest.raises(OSError, match="no process"), traced(tracing, db, claim):
        raise OSError("no process could be started")
    tracing.close()
    (span,) = receiver.spans
    assert span.attributes["ltp.job.end"] == "crashed"


def test_without_traces_an_attempt_costs_no_look_at_the_database(db: Database) -> None:
    with traced(Tracing(), db, Claim("there is no such job", 1, "test")) as attempt:
        pass
    assert attempt.traceparent == ""


@pytest.mark.process
def test_phases_are_sent_below_the_runners_span_also_when_the_job_raises(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    timings = PhaseTimings()
    with traced_phases(timings):  # the runner told of no span
        timings.add("spawn", 0.5)
    monkeypatch.setenv(IN_ENVIRONMENT, PARENT)
    with pytest.raises(ValueError, match="unknown"), traced_phases(timings), timings("imports"):
        raise ValueError("unknown")
    spans = {span.name: span for span in receiver.spans}
    assert set(spans) == {"spawn", "imports"}
    assert {(span.trace, span.parent) for span in spans.values()} == {(f"{1:032x}", f"{2:016x}")}
    assert spans["spawn"].attributes == {"ltp.phase.seconds": 0.5, "ltp.phase.pieces": 1}


@pytest.mark.process
@pytest.mark.slow
def test_a_ticket_a_language_delta_and_a_file_have_their_phases(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> None:
    mlm = {"corpus": {"texts": LINES}, "mlm": {"epochs": 1, "batch_size": 8}}
    with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir)) as service:
        wait_until(lambda: service.http.get("/backbone").status_code == 200, 60)

        def phases_of(path: str, **request: Any) -> set[str]:
            accepted = service.http.post(path, **request)
            assert accepted.status_code == 202, accepted.text
            timings = PhaseTimings()
            with service.app.state.db.write() as session:
                claimed = jobs.claim(session, owner="test", lease_s=600)
            assert claimed is not None
            assert attempt_job(service.settings, service.app.state.db, claimed, timings=timings) == 0
            assert service.http.get(accepted.headers["Location"]).json()["status"] == "succeeded"
            return set(timings.phases)

        ticket = phases_of("/tickets", json={**mlm, "active_ratio": 0.3})
        assert ticket == {"imports", "corpus", "backbone", "mlm", "select", "publish"}
        delta = phases_of("/languages/sw/text", json=mlm)
        assert delta == {"imports", "corpus", "backbone", "mlm", "publish"}
        service.train("en", method="pt")
        pairs = "premise,hypothesis\nthe dog runs,the dog is red\n"
        sent = {"file": ("pairs.csv", pairs), "request": (None, json.dumps({"lang": "en"}))}
        file = phases_of("/predictions", files=sent)
        assert file == {"imports", "file", "backbone", "engine", "predict", "publish"}
