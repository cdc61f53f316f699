"""What a tenant may have: unfinished jobs, and bytes in storage. Counted exactly, with the tenant's row locked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from app.errors import QuotaExceeded, TooManyJobs
from app.settings import MIB
from app.storage.blob_lifecycle import UNREFERENCED
from app.storage.job_status import UNFINISHED
from app.storage.locks import lock_tenant
from app.storage.models import AdapterRow, BlobRow, JobRow, TicketRow
from app.storage.stored_rows import bytes_of_rows

RETRY_AFTER_S = 10
"""Jobs take a while; asking again sooner is no use."""


def unfinished_jobs(session: Session, tenant: str) -> int:
    """Count a tenant's jobs that are queued or running."""
    unfinished = select(func.count()).select_from(JobRow).where(JobRow.tenant == tenant, JobRow.status.in_(UNFINISHED))
    return session.scalar(unfinished) or 0


def check_jobs(session: Session, *, tenant: str, most: int) -> None:
    """Raise TooManyJobs for a tenant that has `most` unfinished jobs. Exact where the caller holds the lock."""
    count = unfinished_jobs(session, tenant)
    if count >= most:
        what = f"{count} jobs of yours are unfinished, and {most} may be"
        raise TooManyJobs(f"{what}; wait for some to end, or cancel some", retry_after=RETRY_AFTER_S)


@dataclass(frozen=True)
class StorageQuota:
    """The most bytes that are kept for a tenant: uploads, artefacts, and the rows that tell of them.

    What was deleted does not count, even before it is swept, nor do adapters that came with the program.
    """

    most: int

    def left(self, session: Session, tenant: str) -> int:
        """Return how many bytes more the tenant may store."""
        kept = or_(BlobRow.status == "staging", and_(BlobRow.status == "ready", ~UNREFERENCED))
        shared = [select(AdapterRow.blob_id).where(AdapterRow.shared, AdapterRow.blob_id.is_not(None)), _masks()]
        kept = and_(kept, *(BlobRow.id.not_in(each) for each in shared))
        sizes = select(func.coalesce(func.sum(BlobRow.size), 0)).where(BlobRow.tenant == tenant, kept)
        return self.most - int(session.scalar(sizes) or 0) - bytes_of_rows(session, tenant)

    def check(self, session: Session, tenant: str) -> None:
        """Raise QuotaExceeded when the transaction has stored too much; no two of a tenant are here at once."""
        lock_tenant(session, tenant)
        session.flush()
        if self.left(session, tenant) < 0:
            raise self.exceeded(tenant)

    def exceeded(self, tenant: str) -> QuotaExceeded:
        """Say that the tenant has no room for this."""
        kept = f"{self.most // MIB:,} MB of uploads, artefacts and records"
        what = f"tenant {tenant!r} may keep {kept}, and this would be more"
        return QuotaExceeded(f"{what}; delete what is not needed")


def _masks() -> Select[Any]:
    """The masks under adapters that are shared."""
    on = select(TicketRow.blob_id).join(AdapterRow, AdapterRow.ticket_id == TicketRow.id)
    return on.where(AdapterRow.shared, TicketRow.blob_id.is_not(None))
