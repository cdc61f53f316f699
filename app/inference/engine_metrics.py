"""The engine's metrics for Prometheus: the adapters in memory, hits, misses and evictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.inference.predictor import Predictor

CACHES = ("fused", "compact")
HELD = {
    "entries": ("ltp_engine_adapters", "Adapters in memory"),
    "bytes": ("ltp_engine_bytes", "Bytes of adapters in memory"),
    "capacity": ("ltp_engine_capacity_bytes", "Bytes of adapters that may stay in memory"),
}
COUNTED = {
    "hits": ("ltp_engine_hits", "Adapters that were in memory when they were needed"),
    "misses": ("ltp_engine_misses", "Adapters that had to be fetched, or made ready, or answered as published"),
    "evictions": ("ltp_engine_evictions", "Adapters that left to make room"),
}


class EngineMetrics(Collector):
    """Reads the engine at each scrape; `fused` adapters are ready to answer, `compact` ones as published."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; before the engine is there, readiness alone."""
        yield GaugeMetricFamily(
            "ltp_ready", "Whether predictions are served", value=self.predictor.ready and not self.predictor.draining
        )
        figures = self.predictor.figures()
        if not figures:
            return
        for figure, (name, words) in HELD.items():
            yield _filled(GaugeMetricFamily(name, words, labels=["cache"]), figure, figures)
        for figure, (name, words) in COUNTED.items():
            yield _filled(CounterMetricFamily(name, words, labels=["cache"]), figure, figures)


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, figure: str, figures: Mapping[str, float]
) -> GaugeMetricFamily | CounterMetricFamily:
    for cache in CACHES:
        family.add_metric([cache], figures[f"{cache}_{figure}"])
    return family
