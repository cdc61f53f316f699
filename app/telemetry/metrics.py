"""What Prometheus reads from this process; other sources of figures join as collectors.

No label names a tenant, a language or an id: their number is unbounded.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.registry import Collector
from starlette.types import Scope

SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LAGS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
PAIRS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The process's counters, with a registry of their own so that two applications can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Histogram(
            "ltp_request_seconds",
            "Duration of requests",
            ["method", "route", "status"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.pairs = Counter("ltp_pairs_total", "Pairs predicted", registry=self.registry)
        self.batches = Histogram(
            "ltp_batch_pairs", "Pairs the engine was given at once", buckets=PAIRS, registry=self.registry
        )
        self.queue_seconds = Histogram(
            "ltp_queue_seconds", "Time a request waited for the engine", buckets=SECONDS, registry=self.registry
        )
        self.compute_seconds = Histogram(
            "ltp_compute_seconds",
            "Time from a request's first pair to its last",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.lag = Histogram(
            "ltp_event_loop_lag_seconds",
            "How much later than asked for the event loop woke",
            buckets=LAGS,
            registry=self.registry,
        )
        self.queued = Gauge("ltp_queue_pairs", "Pairs waiting for the engine", registry=self.registry)
        self.refusals = Counter(
            "ltp_queue_refusals_total", "Requests refused because too many pairs waited", registry=self.registry
        )

    def request(self, scope: Scope, *, status: int, seconds: float) -> None:
        """Count one request under its route's template; status 0 means that the caller left."""
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self.requests.labels(method, route, str(status)).observe(seconds)

    def register(self, collector: Collector) -> None:
        """Let another source of figures be asked at each scrape."""
        self.registry.register(collector)

    def render(self) -> bytes:
        """Return Prometheus' text format."""
        return generate_latest(self.registry)
