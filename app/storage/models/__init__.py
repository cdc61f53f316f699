"""The tables. Ids are UUIDv7 as text; every row that belongs to somebody carries its `tenant`.

Lineage: adapter -> ticket -> drift -> dataset (corpus), and adapter -> dataset (examples). Resources are `pending`
until the job that makes them publishes; blobs are `staging` until then. `jobs` is the queue itself.
"""

from app.storage.models.access import ApiKey, AuditEvent, Counter, Tenant
from app.storage.models.content import Blob, BlobChunk, Dataset
from app.storage.models.registry import Adapter, Alias, Drift, LanguageVersion, Prediction, Ticket
from app.storage.models.work import IdempotencyKey, Job, JobEvent, Worker

__all__ = [
    "Adapter",
    "Alias",
    "ApiKey",
    "AuditEvent",
    "Blob",
    "BlobChunk",
    "Counter",
    "Dataset",
    "Drift",
    "IdempotencyKey",
    "Job",
    "JobEvent",
    "LanguageVersion",
    "Prediction",
    "Tenant",
    "Ticket",
    "Worker",
]
