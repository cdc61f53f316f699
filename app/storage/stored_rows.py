"""What a tenant's rows take in the database, so that its quota holds everything that is kept for it.

Rows are counted and taken for so many bytes each, with their index entries; estimates, rounded
up. What may be larger says so in a column of its own.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.storage.models import (
    AdapterRow,
    AliasRow,
    ApiKeyRow,
    AuditEventRow,
    BlobRow,
    DatasetRow,
    DriftRow,
    IdempotencyKeyRow,
    JobRow,
    LanguageDeltaRow,
    LanguageDeltaVersionRow,
    LanguageVersionRow,
    PredictionAdapterRow,
    PredictionRow,
    TenantTurnRow,
    TicketRow,
    WebhookDeliveryRow,
    WebhookRow,
)
from app.storage.table import Base

ROW_BYTES: dict[type[Base], int] = {
    AdapterRow: 1024,
    AliasRow: 512,
    ApiKeyRow: 512,
    AuditEventRow: 512,
    BlobRow: 512,
    DatasetRow: 1024,
    DriftRow: 24576,
    IdempotencyKeyRow: 4096,
    JobRow: 2048,
    LanguageDeltaRow: 16384,
    LanguageDeltaVersionRow: 256,
    LanguageVersionRow: 256,
    PredictionAdapterRow: 512,
    PredictionRow: 10240,
    TenantTurnRow: 128,
    TicketRow: 4096,
    WebhookDeliveryRow: 2048,
    WebhookRow: 3072,
}
"""Of every table whose rows belong to a tenant."""
SIZES: tuple[InstrumentedAttribute[int], ...] = (AdapterRow.notes_bytes, JobRow.event_bytes)
"""Bytes beyond that."""


def bytes_of_rows(session: Session, tenant: str) -> int:
    """Return what a tenant's rows take, contents of blobs aside."""
    more = {size.class_: func.coalesce(func.sum(size), 0) for size in SIZES}
    taken = [
        select(func.count() * each + more.get(table, 0)).select_from(table).where(table.tenant == tenant)  # type: ignore[attr-defined]
        for table, each in ROW_BYTES.items()
    ]
    return sum(int(taken) for taken in session.execute(select(*(each.scalar_subquery() for each in taken))).one())
