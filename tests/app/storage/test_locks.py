"""What another transaction has overtaken is told from a fault of the program, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from support.registry_rows import TENANT, ready_adapter

from app.http.error_responses import refuse
from app.storage.database import Database
from app.storage.locks import is_overtaken
from app.storage.models import AdapterRow, AliasRow, DatasetRow, JobEventRow
from app.storage.table import Base, new_id, now


def alias(db: Database, adapter_id: str) -> AliasRow:
    with db.read() as session:
        return AliasRow(tenant=TENANT, lang="sw", alias="a", adapter_id=adapter_id, updated_at=now(session))


def violated(db: Database, *rows: Base) -> IntegrityError:
    """What the database says to these rows."""
    with pytest.raises(IntegrityError) as caught, db.write() as session:
        session.add_all(rows)
    return caught.value


def status_of(error: Exception) -> int:
    scope = {"type": "http", "method": "PUT", "path": "/", "headers": [], "state": {"request_id": "r"}}
    return refuse(Request(scope), error).status_code


def test_what_was_deleted_or_made_meanwhile_is_a_conflict(db: Database) -> None:
    first, second = ready_adapter(db), ready_adapter(db)
    with db.write() as session:
        session.add(alias(db, first.id))
    for error in (
        violated(db, JobEventRow(job_id=new_id(), seq=1, kind="log", data={}, created_at=first.created_at)),
        violated(db, alias(db, second.id)),
    ):
        assert is_overtaken(error)
        assert status_of(error) == 409


def test_what_no_other_transaction_can_be_to_blame_for_stays_a_fault(db: Database) -> None:
    adapter = ready_adapter(db)
    with db.read() as session:
        dataset = session.get_one(DatasetRow, adapter.dataset_id)
    copied = {"tenant": TENANT, "blob_id": dataset.blob_id, "count": 1, "created_at": dataset.created_at}
    for wrong in ({"kind": "nonsense", "sha256": "a"}, {"kind": "pairs", "sha256": None}):
        error = violated(db, DatasetRow(id=new_id(), **copied, **wrong))
        assert not is_overtaken(error)
        assert status_of(error) == 500
    assert not is_overtaken(ValueError("no error of a database"))
    with db.read() as session:
        assert session.get_one(AdapterRow, adapter.id).status == "ready"
