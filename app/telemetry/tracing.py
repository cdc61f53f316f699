"""OpenTelemetry traces of this process: off unless the standard `OTEL_*` variables ask for them.

Spans carry ids and numbers, never a text, nor an error's message, which may quote one. The provider is this process's
own and not OpenTelemetry's global one, so that no library adds spans of what it handles. Finished spans wait in a
bounded queue that a thread empties: a collector that is away costs nobody anything, and what finds no room is dropped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal

import structlog

from app.settings import variable
from ltp.release import release

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Link, Span, SpanContext, Tracer

log = structlog.get_logger(__name__)

FLUSH_S = 3.0
"""How long a process that ends may take to send what it has; a collector that is away holds nobody up for longer."""
SCOPE = "ltp"
"""What the spans' instrumentation scope, and the service where nobody names it, are called."""
EXPORTERS = "opentelemetry_traces_exporter"
"""Entry points by which OpenTelemetry's distributions offer their exporters."""

Process = Literal["api", "runner", "job"]
Attributes = Mapping[str, str | int | float | bool]


class CannotTrace(Exception):
    """What the variables ask for cannot be had here; the message says why, and what to do."""


@dataclass(frozen=True)
class Period:
    """When something began and ended, by this process's monotonic clock."""

    began: float
    ended: float = field(default_factory=time.monotonic)

    def in_epoch(self) -> tuple[int, int]:
        """Return both as nanoseconds since 1970, as the clock of the day is now."""
        ahead = time.time_ns() - time.monotonic_ns()
        return ahead + int(self.began * 1e9), ahead + int(self.ended * 1e9)


class OpenSpan:
    """A span that lasts until `end`. `traceparent` is what its children, and what links to it, are given."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.traceparent = _written(span.get_span_context())

    def end(self, name: str, attributes: Attributes, *, error: str | None = None) -> None:
        """Name it, describe it and end it; `error` is a code or the name of a class."""
        self._span.update_name(name)
        self._span.set_attributes(dict(attributes))
        _mark(self._span, error)
        self._span.end()


class Tracing:
    """Makes spans; does nothing without a provider, and then imports nothing."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._provider = provider
        self._tracer: Tracer | None = None if provider is None else provider.get_tracer(SCOPE, release())

    @property
    def on(self) -> bool:
        """Whether spans are made."""
        return self._tracer is not None

    def request(self, traceparent: str) -> OpenSpan:
        """Begin a request's span, in the trace that the caller named, if that is one."""
        from opentelemetry.trace import NoOpTracer, SpanKind

        tracer = self._tracer or NoOpTracer()
        return OpenSpan(tracer.start_span("request", context=_context(traceparent), kind=SpanKind.SERVER))

    def root(self, name: str, *, caused_by: str) -> OpenSpan:
        """Begin a trace of its own that links to the span which caused it."""
        from opentelemetry.context import Context
        from opentelemetry.trace import NoOpTracer, SpanKind

        tracer = self._tracer or NoOpTracer()
        span = tracer.start_span(name, context=Context(), kind=SpanKind.CONSUMER, links=_links(caused_by))
        return OpenSpan(span)

    def add(self, name: str, period: Period, attributes: Attributes, *, parent: str, error: str | None = None) -> str:
        """Make a span of what is over, below `parent`; return its own traceparent. Nothing where nothing is traced."""
        if self._tracer is None or not parent:
            return ""
        began, ended = period.in_epoch()
        span = self._tracer.start_span(name, context=_context(parent), start_time=began, attributes=dict(attributes))
        _mark(span, error)
        span.end(ended)
        return _written(span.get_span_context())

    def close(self) -> None:
        """Send what is left, and make no more spans; give up after `FLUSH_S`."""
        provider, self._provider, self._tracer = self._provider, None, None
        if provider is not None:
            sending = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
            sending.start()
            sending.join(FLUSH_S)


def from_environment(process: Process, *, say: bool = True) -> Tracing:
    """Return the tracing that the `OTEL_*` variables ask for; what cannot be had is one warning, if `say`."""
    wanted = _wanted()
    if wanted is None:
        return Tracing()
    asked_by, names = wanted
    try:
        return Tracing(_provider(process, names))
    except CannotTrace as why:
        if say:
            log.warning(f"no traces are sent, though {asked_by} asks for them: {why}")
        return Tracing()


def _wanted() -> tuple[str, Sequence[str]] | None:
    """Which variable asks for traces, and which exporters it means; None for no traces."""
    disabled = variable("OTEL_SDK_DISABLED")
    if disabled is not None and disabled[1].strip().lower() == "true":
        return None
    asked = variable("OTEL_TRACES_EXPORTER")
    if asked is not None:
        names = [name for each in asked[1].split(",") if (name := each.strip()) not in ("", "none")]
        return (asked[0], names) if names else None
    endpoint = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return None if endpoint is None else (endpoint[0], ["otlp"])


def _provider(process: Process, names: Sequence[str]) -> TracerProvider:
    """Put a provider together; sampler, queue, headers and the rest are read from the environment by the SDK itself.

    Raises:
        CannotTrace: the SDK or an exporter is not installed, or refuses a variable.
    """
    try:
        return _assembled(process, names)
    except CannotTrace:
        raise
    except ImportError as missing:
        wanted = f"{missing.name or 'a part of OpenTelemetry'} is not installed here"
        raise CannotTrace(f"{wanted}; `pip install 'ltp-nli[telemetry]'`") from missing
    except Exception as refused:  # the SDK reads variables, and exporters what they like; neither may end the service
        raise CannotTrace(f"OpenTelemetry refuses a variable: {type(refused).__name__}: {refused}") from refused


def _assembled(process: Process, names: Sequence[str]) -> TracerProvider:
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = Resource.create()
    if str(named.attributes.get(SERVICE_NAME, "unknown_service")).startswith("unknown_service"):
        named = named.merge(Resource({SERVICE_NAME: SCOPE}))
    ours = Resource({SERVICE_VERSION: release(), "ltp.process": process})
    provider = TracerProvider(resource=ours.merge(named), shutdown_on_exit=False)
    for name in names:
        provider.add_span_processor(BatchSpanProcessor(_exporter(name)))
    return provider


def _exporter(name: str) -> SpanExporter:
    """Make the exporter of this name; `otlp` is the one of the protocol that the environment names."""
    protocol = variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    over = "grpc" if protocol is not None and protocol[1].strip() == "grpc" else "http"
    entry = f"otlp_proto_{over}" if name == "otlp" else name
    found = next(iter(entry_points(group=EXPORTERS, name=entry)), None)
    if found is None:
        there = ", ".join(sorted({each.name for each in entry_points(group=EXPORTERS)}))
        raise CannotTrace(
            f"there is no exporter {entry!r} here, but {there or 'none at all'}; name one of those, or unset "
            f"OTEL_EXPORTER_OTLP_PROTOCOL for otlp over http/protobuf"
        )
    exporter: type[SpanExporter] = found.load()
    return exporter()


def _context(traceparent: str) -> Context:
    """The context that is written there; an empty one if it is none. Nothing else that a client sent comes along."""
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent}, context=Context())


def _links(traceparent: str) -> list[Link]:
    from opentelemetry.trace import Link, get_current_span

    caused_by = get_current_span(_context(traceparent)).get_span_context()
    return [Link(caused_by)] if caused_by.is_valid else []


def _written(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _mark(span: Span, error: str | None) -> None:
    if error is not None:
        from opentelemetry.trace import StatusCode

        span.set_status(StatusCode.ERROR)
        span.set_attribute("error.type", error)
