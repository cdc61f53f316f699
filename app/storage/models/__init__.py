"""The tables. Ids are UUIDv7 as text; every row that belongs to a tenant carries its `tenant`.

Lineage: adapter -> ticket -> drift -> dataset (corpus), adapter -> language delta -> dataset (corpus), and adapter ->
dataset (examples). Resources are `pending`
until the job that makes them publishes; blobs are `staging` until then. `jobs` is the queue itself.
"""

from app.storage.models.access import ApiKeyRow, AuditEventRow, CounterRow, TenantRow
from app.storage.models.content import BlobChunkRow, BlobRow, DatasetRow
from app.storage.models.registry import (
    AdapterRow,
    AliasRow,
    DriftRow,
    LanguageDeltaRow,
    LanguageDeltaVersionRow,
    LanguageVersionRow,
    PredictionAdapterRow,
    PredictionRow,
    TicketRow,
)
from app.storage.models.webhooks import WebhookDeliveryRow, WebhookRow
from app.storage.models.work import IdempotencyKeyRow, JobEventRow, JobRow, TenantTurnRow, WorkerRow

__all__ = [
    "AdapterRow",
    "AliasRow",
    "ApiKeyRow",
    "AuditEventRow",
    "BlobChunkRow",
    "BlobRow",
    "CounterRow",
    "DatasetRow",
    "DriftRow",
    "IdempotencyKeyRow",
    "JobEventRow",
    "JobRow",
    "LanguageDeltaRow",
    "LanguageDeltaVersionRow",
    "LanguageVersionRow",
    "PredictionAdapterRow",
    "PredictionRow",
    "TenantRow",
    "TenantTurnRow",
    "TicketRow",
    "WebhookDeliveryRow",
    "WebhookRow",
    "WorkerRow",
]
