"""What Prometheus reads from the database: jobs, runners, blobs, and the counters every process adds to.

Each API process gives the same answer, so a dashboard takes the largest of them, not their sum. No label names a
tenant. When the database does not answer, `ltp_database_up` is 0 and the rest is missing; nothing is made up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from app.jobs.queue import KINDS
from app.storage.counters import BOUNDS, BUCKET, SEPARATOR, SUM
from app.storage.database import Database
from app.storage.job_status import UNFINISHED
from app.storage.models import BlobRow, CounterRow, JobRow, WorkerRow
from app.storage.table import now

log = structlog.get_logger(__name__)

STORED = ("staging", "ready", "corrupt", "deleting")
COUNTED = {
    "job_attempts": ("Attempts at jobs that were begun", ("kind",)),
    "job_attempts_lost": ("Attempts that ended without a result, by reason", ("kind", "reason")),
    "lease_losses": ("Jobs taken from a runner that was not heard any more", ("kind",)),
}
Totals = Mapping[str, Mapping[tuple[str, ...], float]]


class DatabaseMetrics(Collector):
    """Counts anew at each scrape."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def collect(self) -> Iterator[Metric]:
        """Give every figure; those of the database only while it answers."""
        yield self._connections()
        up = GaugeMetricFamily("ltp_database_up", "Whether the database answers")
        try:
            with self.db.read() as session:
                metrics = [*_jobs(session), *_durations(totals := _totals(session)), *_counted(totals)]
                metrics += [_workers(session), *_blobs(session)]
        except SQLAlchemyError as error:
            log.warning("no figures from the database", error=error)
            metrics = []
        up.add_metric([], bool(metrics))
        yield up
        yield from metrics

    def _connections(self) -> Metric:
        """Count this process's connections, before this collector takes one for itself."""
        family = GaugeMetricFamily("ltp_database_connections", "Connections of this process", labels=["state"])
        pool = self.db.engine.pool
        if isinstance(pool, QueuePool):
            family.add_metric(["in_use"], pool.checkedout())
            family.add_metric(["idle"], pool.checkedin())
        return family


def _jobs(session: Session) -> Iterator[Metric]:
    rows = select(JobRow.kind, JobRow.status, func.count(), func.min(JobRow.created_at)).where(
        JobRow.status.in_(UNFINISHED)
    )
    groups = {(kind, status): (number, oldest) for kind, status, number, oldest in
             session.execute(rows.group_by(JobRow.kind, JobRow.status))}  # fmt: skip
    moment = now(session)
    jobs = GaugeMetricFamily("ltp_jobs", "Unfinished jobs", labels=["kind", "status"])
    age = GaugeMetricFamily("ltp_oldest_queued_job_seconds", "Age of the oldest queued job", labels=["kind"])
    for kind in KINDS:
        for status in UNFINISHED:
            jobs.add_metric([kind, status], groups.get((kind, status), (0, None))[0])
        oldest = groups.get((kind, "queued"), (0, None))[1]
        age.add_metric([kind], 0 if oldest is None else (moment - oldest).total_seconds())
    yield from (jobs, age)


def _totals(session: Session) -> Totals:
    """Return the counters: for each name, the values by label."""
    totals: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for name, label, value in session.execute(select(CounterRow.name, CounterRow.label, CounterRow.value)):
        totals[name][tuple(label.split(SEPARATOR))] = value
    return totals


def _durations(totals: Totals) -> Iterator[Metric]:
    """Give the histogram of job durations: the buckets stored are disjoint, Prometheus' are cumulative."""
    family = HistogramMetricFamily("ltp_job_seconds", "From a job's first start to its end", labels=["kind", "status"])
    buckets = totals.get("job_seconds" + BUCKET, {})
    bounds = sorted({f"{bound:g}" for bound in BOUNDS} | {bound for *_, bound in buckets} | {"+Inf"}, key=float)
    for labels, seconds in sorted(totals.get("job_seconds" + SUM, {}).items()):
        running, cumulative = 0.0, []
        for bound in bounds:
            running += buckets.get((*labels, bound), 0)
            cumulative.append((bound, running))
        family.add_metric(labels, cumulative, sum_value=seconds)
    yield family


def _counted(totals: Totals) -> Iterator[Metric]:
    for name, (words, labels) in COUNTED.items():
        family = CounterMetricFamily(f"ltp_{name}", words, labels=labels)
        for values, total in sorted(totals.get(name, {}).items()):
            family.add_metric(values, total)
        yield family


def _workers(session: Session) -> Metric:
    family = GaugeMetricFamily("ltp_workers", "Runners heard lately, by device", labels=["device"])
    for device, number in session.execute(select(WorkerRow.device, func.count()).group_by(WorkerRow.device)):
        family.add_metric([device], number)
    return family


def _blobs(session: Session) -> Iterator[Metric]:
    rows = select(BlobRow.status, func.count(), func.sum(BlobRow.size)).group_by(BlobRow.status)
    by_status = {status: (number, size) for status, number, size in session.execute(rows)}
    blobs = GaugeMetricFamily("ltp_blobs", "Contents stored, by status", labels=["status"])
    size = GaugeMetricFamily("ltp_blob_bytes", "Bytes of complete contents, by status", labels=["status"])
    for status in STORED:
        number, bytes_ = by_status.get(status, (0, 0))
        blobs.add_metric([status], number)
        size.add_metric([status], float(bytes_ or 0))
    yield from (blobs, size)
