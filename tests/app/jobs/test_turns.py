"""Whose turn it is: tenants take turns, whatever each has queued, and a claim at work holds up no other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, event, text
from support.registry_rows import finish_adapter, make_adapter, take

from app import jobs
from app.jobs import Claim
from app.storage.database import Database
from app.storage.models import JobRow, TenantTurnRow


def queue(db: Database, *tenants: str) -> list[str]:
    return [make_adapter(db, tenant=tenant)[1].id for tenant in tenants]


def tenant_of(db: Database, claim: Claim | None) -> str:
    assert claim is not None
    with db.read() as session:
        return session.get_one(JobRow, claim.job_id).tenant


def test_one_runner_serves_tenants_in_turn_however_many_jobs_one_has_queued(db: Database) -> None:
    queue(db, *6 * ["amber"], "birch", "cedar", "birch")
    order = []
    for _ in range(9):
        claim = take(db)
        order.append(tenant_of(db, claim))
        finish_adapter(db, claim)
    assert order[:3] == ["amber", "birch", "cedar"]
    assert order[3:5] == ["amber", "birch"]
    assert order[5:] == 4 * ["amber"]


def test_the_tenant_with_the_fewest_running_jobs_comes_first(db: Database) -> None:
    ids = queue(db, *4 * ["amber"])
    assert [take(db, owner=f"w{number}").job_id for number in range(3)] == ids[:3]
    queue(db, "birch", "birch")
    assert [tenant_of(db, take(db, owner=f"v{number}")) for number in range(3)] == ["birch", "birch", "amber"]


def test_jobs_of_a_release_that_knows_no_turns_are_served(db: Database) -> None:
    queue(db, "amber", "birch", "amber")
    with db.write() as session:
        session.execute(delete(TenantTurnRow))
    served = []
    for _ in range(3):
        claim = take(db)
        served.append(tenant_of(db, claim))
        finish_adapter(db, claim)
    assert served == ["amber", "birch", "amber"]


def test_claims_at_once_give_every_job_once_and_serve_tenants_alike(db: Database) -> None:
    queue(db, *8 * ["amber"], *4 * ["birch"])

    def attempt(number: int) -> Claim | None:
        with db.write() as session:
            return jobs.claim(session, owner=f"w{number}", lease_s=60)

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(attempt, range(8)))
    taken = [tenant_of(db, claim) for claim in claims]
    assert len({claim.job_id for claim in claims if claim}) == 8
    assert taken.count("birch") >= 3, taken


@pytest.mark.parametrize("db", ["postgres"], indirect=True)  # SQLite has one writer at a time
def test_a_claim_that_does_not_end_holds_up_neither_other_tenants_nor_other_jobs(db: Database) -> None:
    amber, birch, second = queue(db, "amber", "birch", "amber")
    with db.write() as frozen:
        held = jobs.claim(frozen, owner="frozen", lease_s=60)
        assert held is not None
        assert held.job_id == amber
        assert [take(db, owner=owner).job_id for owner in ("v", "w")] == [birch, second]
        with db.write() as session:
            assert jobs.claim(session, owner="x", lease_s=60) is None


def test_what_waits_is_found_in_an_index_and_not_by_reading_the_queue(db: Database) -> None:
    queue(db, "amber", "birch")
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    with db.read() as session:
        assert [each.tenant for each in jobs.waiting(session, backbone="b" * 64)] == ["amber", "birch"]
    postgres = db.engine.dialect.name == "postgresql"
    with db.engine.connect() as connection:
        if postgres:
            connection.execute(text("SET enable_seqscan = off"))  # a table of two rows is read whole otherwise
        plans = []
        for statement, parameters in [each for each in asked if "jobs" in each[0]]:
            explained = f"EXPLAIN {'' if postgres else 'QUERY PLAN '}{statement}"
            plans += [str(row) for row in connection.exec_driver_sql(explained, parameters)]  # type: ignore[arg-type]
    assert not [line for line in plans if "SCAN jobs" in line or "Seq Scan on jobs" in line], plans
    assert any("ix_jobs_queue" in line for line in plans)
