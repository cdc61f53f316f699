"""What `ltp serve` sends to a collector: a request's queue, batch and adapters; a job's phases; and never a text."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import select
from support.needs import PROCESS, needs
from support.otlp_receiver import Received, Receiver, receiving
from support.running_service import EXAMPLES
from support.service_processes import Stack, wait_for

from app.storage.models import WorkerRow

CALLER = f"00-{0xABC:032x}-{0xDEF:016x}-01"
PAIR = {"premise": "the horse eats in the market", "hypothesis": "the horse is sleeping"}


class Traced(NamedTuple):
    receiver: Receiver
    adapter_id: str
    job_id: str
    logs: str


def _done(http: httpx.Client, accepted: httpx.Response) -> dict[str, Any]:
    assert accepted.status_code == 202, accepted.text

    def ended() -> dict[str, Any] | None:
        job: dict[str, Any] = http.get(accepted.headers["Location"]).json()
        return job if job["status"] in ("succeeded", "failed", "cancelled") else None

    job = wait_for(ended, timeout_s=240)
    assert job["status"] == "succeeded", job
    return job


def _use(stack: Stack) -> tuple[str, str]:
    with httpx.Client(base_url=f"http://127.0.0.1:{stack.settings.port}", timeout=60, trust_env=False) as http:
        wait_for(lambda: _is_ready(http), timeout_s=240)
        asked = {"traceparent": CALLER, "X-Request-ID": "asked-by-a-test"}
        body = {"lang": "sw", "method": "pt", "examples": EXAMPLES, "training": {"epochs": 1}}
        trained = http.post("/adapters", json=body, headers=asked)
        job = _done(http, trained)
        for _ in range(3):
            judged = http.post("/predict", json={"lang": "sw", "pairs": [PAIR, PAIR]}, headers=asked)
            assert judged.status_code == 200, judged.text
        refused = http.post("/predict", json={"lang": PAIR["premise"], "pairs": [PAIR, {"premise": PAIR["premise"]}]})
        assert refused.status_code == 422
        assert http.get(f"/{PAIR['premise'].replace(' ', '-')}").status_code == 404
        return trained.json()["adapter"]["id"], job["id"]


def _is_ready(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _is_free(stack: Stack) -> bool:
    with stack.db.read() as session:
        return session.scalars(select(WorkerRow)).one().job_id is None


@pytest.fixture(scope="module")
@needs(PROCESS)
def traced(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> Iterator[Traced]:
    """All that a service sent until it had ended."""
    directory = tmp_path_factory.mktemp("traced")
    with receiving() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        stack = Stack(directory / "data", tiny_backbone_dir, log_level="info", precision="fp32").migrate()
        try:
            with (directory / "log").open("wb") as log:
                serve = stack.serve(log=log)
                adapter_id, job_id = _use(stack)
                wait_for(lambda: _is_free(stack), message="the runner did not see its job end")
                serve.send_signal(signal.SIGTERM)
                assert serve.wait(timeout=60) == 0
        finally:
            stack.close()
        yield Traced(receiver, adapter_id, job_id, (directory / "log").read_text("utf-8", errors="replace"))


def only(spans: list[Received]) -> Received:
    (span,) = spans
    return span


pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_request_has_its_queue_its_batch_and_the_adapter_that_was_made_ready(traced: Traced) -> None:
    asked = traced.receiver.named("POST /predict")
    assert len(asked) == 4  # one of them was refused
    judged = [span for span in asked if span.attributes["http.response.status_code"] == 200]
    for request in judged:
        assert request.process == "api"
        assert (request.trace, request.parent) == (f"{0xABC:032x}", f"{0xDEF:016x}"), "the caller's trace goes on"
        assert request.attributes["ltp.request.id"] == "asked-by-a-test"
        queue, batch = sorted(traced.receiver.below(request), key=lambda span: span.name, reverse=True)
        assert (queue.name, batch.name) == ("queue", "batch")
        assert queue.attributes == {"ltp.request.pairs": 2}
        assert 0 <= queue.seconds < request.seconds
        assert {
            "ltp.batch.pairs": 2,
            "ltp.batch.requests": 1,
            "ltp.batch.adapters": 1,
        }.items() <= batch.attributes.items()
        assert only(traced.receiver.below(batch)).attributes["ltp.adapter.id"] == traced.adapter_id
    numbers = [span.attributes["ltp.batch.number"] for span in traced.receiver.named("batch")]
    assert sorted(set(numbers)) == sorted(numbers)


def test_an_adapter_answers_as_stored_first_and_is_fused_when_it_is_used_again(traced: Traced) -> None:
    uses = sorted(traced.receiver.named("adapter"), key=lambda each: each.span.start_time_unix_nano)
    known = [(each.attributes["ltp.adapter.tier"], each.attributes["ltp.adapter.fused"]) for each in uses]
    assert known == [("compact", False), ("fused", True), ("fused", False)]
    assert [each.attributes["ltp.adapter.loaded"] for each in uses[1:]] == [False, False]


def test_a_job_has_a_trace_of_its_phases_that_links_to_the_request(traced: Traced) -> None:
    job, request = only(traced.receiver.named("job adapter")), only(traced.receiver.named("POST /adapters"))
    assert job.process == "runner"
    assert job.links == [request.id]
    assert job.parent == ""
    assert job.trace != request.trace
    said = {
        "ltp.job.id": traced.job_id,
        "ltp.job.attempt": 1,
        "ltp.job.status": "succeeded",
        "ltp.job.end": "exited",
    }
    assert {name: job.attributes.get(name) for name in said} == said
    assert job.attributes["ltp.job.waited_s"] >= 0
    below = {span.name: span for span in traced.receiver.below(job)}
    assert {"spawn", "imports", "examples", "backbone", "training", "save", "publish"} <= set(below)
    for span in below.values():
        assert span.process == "job"
        assert span.attributes["ltp.phase.seconds"] <= span.seconds + 0.001
        assert span.attributes["ltp.phase.pieces"] >= 1


def test_no_word_that_was_sent_is_in_what_is_exported(traced: Traced) -> None:
    texts = [value for pair in (*EXAMPLES, PAIR) for value in pair.values() if isinstance(value, str)]
    words = {word for text in texts for word in text.split() if len(word) > 3}
    assert {"horse", "market", "sleeping"} <= words
    sent = b"".join(traced.receiver.bodies)
    assert {"POST /predict", "job adapter"} <= {span.name for span in traced.receiver.spans}
    assert sorted(word for word in words if word.encode() in sent) == []
    assert "other" in {span.attributes.get("http.route") for span in traced.receiver.spans}, "a path is a text, too"


def test_the_service_is_called_ltp_unless_somebody_names_it_and_probes_leave_nothing(traced: Traced) -> None:
    spans = traced.receiver.spans
    assert {span.service for span in spans} == {"ltp"}
    assert {span.process for span in spans} == {"api", "runner", "job"}
    assert not [span for span in spans if span.name.endswith(("/readyz", "/healthz"))]


def test_an_error_is_marked_by_its_class_and_its_message_stays_here(traced: Traced) -> None:
    assert "Traceback" not in traced.logs
    refused = [
        each for each in traced.receiver.named("POST /predict") if each.attributes["http.response.status_code"] == 422
    ]
    assert not only(refused).span.events
