"""Which variables ask for traces, what is said when they cannot be had, and what a collector that is away costs."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.otlp_receiver import Receiver, receiving
from support.running_service import running, settings_for

from app.telemetry.tracing import Period, from_environment

PARENT = f"00-{1:032x}-{2:016x}-01"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of whoever runs the tests asks for traces."""
    for name in ("OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        yield receiver


@pytest.mark.parametrize(
    ("variables", "on"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": NOWHERE}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE}, False),
        ({"OTEL_SDK_DISABLED": "True", "OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE}, False),
        ({"OTEL_SDK_DISABLED": "false", "OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE}, True),
    ],
    ids=str,
)
def test_traces_are_off_unless_a_standard_variable_asks_for_them(
    variables: dict[str, str], on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    tracing = from_environment("api")
    assert tracing.on is on
    tracing.close()
    assert not tracing.on


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_ENDPOINT asks for them: there is no exporter 'otlp_proto_grpc' here, but ",
        ),
        (
            {"OTEL_TRACES_EXPORTER": "jaeger"},
            "OTEL_TRACES_EXPORTER asks for them: there is no exporter 'jaeger' here, but ",
        ),
    ],
    ids=["grpc", "jaeger"],
)
def test_an_exporter_that_is_not_there_is_named_with_those_that_are(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with capture_logs() as said:
        assert not from_environment("api").on
    (line,) = said
    assert f"no traces are sent, though {sentence}" in line["event"]
    assert "otlp_proto_http" in line["event"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"),  # read when the SDK is imported
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "nobody"),
    ],
)
def test_a_variable_that_opentelemetry_refuses_is_a_warning_and_no_more(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.sdk.trace", raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", NOWHERE)
    monkeypatch.setenv(name, value)
    with capture_logs() as said:
        assert not from_environment("api").on
    (line,) = said
    assert "OTEL_EXPORTER_OTLP_ENDPOINT asks for them: OpenTelemetry refuses a variable: " in line["event"]


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)  # as Python has it for what cannot be imported
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", NOWHERE)
    with capture_logs() as said:
        assert not from_environment("api").on
        assert not from_environment("runner", say=False).on
    (line,) = said
    assert "OTEL_EXPORTER_OTLP_ENDPOINT asks for them" in line["event"]
    assert "pip install 'ltp-nli[telemetry]'" in line["event"]
    assert line["log_level"] == "warning"


@pytest.mark.process
def test_what_is_over_is_sent_at_the_end_with_its_times_under_its_parent(receiver: Receiver) -> None:
    tracing = from_environment("job")
    made = tracing.add("phase", Period(100.0, 100.5), {"n": 3}, parent=PARENT, error="OutOfMemory")
    assert tracing.add("phase", Period(100.0), {}, parent="") == "", "what is not traced has no span"
    tracing.close()
    (span,) = receiver.spans
    assert (span.trace, span.parent) == (f"{1:032x}", f"{2:016x}")
    assert made == f"00-{span.trace}-{span.id}-01"
    assert span.seconds == pytest.approx(0.5, abs=1e-6)
    assert span.attributes == {"n": 3, "error.type": "OutOfMemory"}


@pytest.mark.process
def test_the_sdks_own_variables_count_sampling_and_the_services_name_among_them(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "judges")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    tracing = from_environment("api")
    tracing.request("").end("GET /untraced", {})
    tracing.request("nonsense").end("GET /untraced-either", {})
    tracing.request(PARENT).end("GET /traced", {})
    tracing.close()
    (span,) = receiver.spans
    assert (span.name, span.service) == ("GET /traced", "judges")


@pytest.mark.process
@pytest.mark.slow
def test_a_collector_that_never_answers_costs_no_request_its_answer_nor_the_service_its_end(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as deaf:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
        monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "600")
        with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir)) as service:
            assert service.app.state.tracing.on
            answers = [service.http.get("/version").status_code for _ in range(60)]
            thread = service.thread
        assert answers == [200] * 60
        assert not thread.is_alive(), "the service has ended, though nothing could be sent"
