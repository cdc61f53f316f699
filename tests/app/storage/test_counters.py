"""Counters grow with what is committed, however many count at once; the census shows them as Prometheus expects."""

from __future__ import annotations

import threading

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select
from sqlalchemy.orm import Session
from support.registry_rows import finish_adapter, make_adapter, make_ticket, ready_adapter, reap, take

from app import jobs
from app.storage import counters
from app.storage.database import Database
from app.storage.models import CounterRow
from app.telemetry.database_metrics import DatabaseMetrics

Sample = tuple[str, tuple[tuple[str, str], ...]]


def stored(db: Database) -> dict[tuple[str, str], float]:
    with db.read() as session:
        return {(row.name, row.label): row.value for row in session.scalars(select(CounterRow))}


def scraped(db: Database) -> tuple[dict[Sample, float], dict[str, str]]:
    """What a scrape says, read back by Prometheus' own parser: samples, and types by family."""
    registry = CollectorRegistry()
    registry.register(DatabaseMetrics(db))
    families = list(text_string_to_metric_families(generate_latest(registry).decode()))
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }
    assert all(family.documentation for family in families)
    return samples, {family.name: family.type for family in families}


def test_what_is_rolled_back_was_not_counted(db: Database) -> None:
    def count_and_fail(session: Session) -> None:
        counters.count(session, "lease_losses", "ticket")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), db.write() as session:
        count_and_fail(session)
    assert stored(db) == {}
    with db.write() as session:
        with session.begin_nested():
            counters.count(session, "lease_losses", "ticket")
        counters.count(session, "lease_losses", "ticket", by=2)
    assert stored(db) == {("lease_losses", "ticket"): 3}


def test_many_count_at_once_in_any_order_and_none_is_lost_or_waits_for_ever(db: Database) -> None:
    names = ["a", "b", "c", "d"]

    def count(first: int) -> None:
        for turn in range(10):
            with db.write() as session:
                for index in range(len(names)):
                    counters.count(session, names[(first + turn + index) % len(names)], "x")

    threads = [threading.Thread(target=count, args=(first,)) for first in range(len(names))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert stored(db) == {(name, "x"): 40.0 for name in names}


def test_a_job_is_counted_where_its_fate_is_decided(db: Database) -> None:
    ready_adapter(db)
    make_ticket(db)
    for _ in range(2):
        lost = take(db, lease_s=-1)
        assert reap(db, max_attempts=2) == [lost.job_id]
    waiting = make_adapter(db)[1]
    with db.write() as session:
        jobs.cancel(session, tenant="default", job_id=waiting.id)
    samples, _ = scraped(db)
    assert samples["ltp_job_attempts_total", (("kind", "ticket"),)] == 2
    assert samples["ltp_job_attempts_total", (("kind", "adapter"),)] == 1
    assert samples["ltp_lease_losses_total", (("kind", "ticket"),)] == 2
    assert samples["ltp_job_attempts_lost_total", (("kind", "ticket"), ("reason", "worker_lost"))] == 2
    ended = {labels: value for (name, labels), value in samples.items() if name == "ltp_job_seconds_count"}
    assert ended == {
        (("kind", "adapter"), ("status", "succeeded")): 1,
        (("kind", "ticket"), ("status", "failed")): 1,
    }, "what never ran has no duration"


def test_durations_are_a_histogram_whose_buckets_add_up(db: Database) -> None:
    seconds = [0.2, 1, 1.5, 59, 61, 100_000]
    with db.write() as session:
        for each in seconds:
            counters.observe(session, "job_seconds", "ticket", "succeeded", seconds=each)
    samples, types = scraped(db)
    assert types["ltp_job_seconds"] == "histogram"
    labels = (("kind", "ticket"), ("status", "succeeded"))
    buckets = {dict(found)["le"]: value for (name, found), value in samples.items() if name == "ltp_job_seconds_bucket"}
    assert list(buckets.values()) == sorted(buckets.values())
    assert (buckets["1"], buckets["2.5"], buckets["60"], buckets["86400"], buckets["+Inf"]) == (2, 3, 4, 5, 6)
    assert samples["ltp_job_seconds_count", labels] == len(seconds)
    assert samples["ltp_job_seconds_sum", labels] == pytest.approx(sum(seconds))


def test_queues_runners_and_blobs_are_counted_by_kind(db: Database) -> None:
    make_ticket(db)
    ready_adapter(db, content=b"12345")
    running = make_adapter(db, lang="ur")[1]
    claimed = take(db, job_id=running.id)
    for number in range(3):
        with db.write() as session:
            jobs.see_worker(session, worker_id=f"w{number}", host="h", device="cuda" if number else "cpu", job_id=None)
    samples, types = scraped(db)
    queued = {labels: value for (name, labels), value in samples.items() if name == "ltp_jobs"}
    assert len(queued) == 8, "a kind without jobs is 0, not missing"
    assert queued[("kind", "ticket"), ("status", "queued")] == queued[("kind", "adapter"), ("status", "running")] == 1
    assert sum(queued.values()) == 2
    assert samples["ltp_oldest_queued_job_seconds", (("kind", "ticket"),)] > 0
    assert samples["ltp_oldest_queued_job_seconds", (("kind", "adapter"),)] == 0
    assert samples["ltp_workers", (("device", "cuda"),)] == 2
    assert samples["ltp_blobs", (("status", "ready"),)] >= 2
    before = samples["ltp_blob_bytes", (("status", "ready"),)]
    finish_adapter(db, claimed, content=b"1234567")
    samples, _ = scraped(db)
    assert samples["ltp_blob_bytes", (("status", "ready"),)] == before + 7
    assert types["ltp_job_attempts"] == "counter"
    assert types["ltp_jobs"] == types["ltp_blob_bytes"] == "gauge"


def test_without_its_database_the_census_says_so_and_no_more(db: Database) -> None:
    assert scraped(db)[0]["ltp_database_up", ()] == 1
    gone = Database("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=2")
    samples, _ = scraped(gone)
    assert samples["ltp_database_up", ()] == 0
    assert {name for name, _ in samples} == {"ltp_database_up", "ltp_database_connections"}
