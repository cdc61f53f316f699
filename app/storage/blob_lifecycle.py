"""When a blob is in use and when it may go: references, publication inside a transaction, and erasing a text."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import BlobNotFound, CorruptBlob
from app.storage.models import AdapterRow, BlobChunkRow, BlobRow, DatasetRow, DriftRow, JobRow, PredictionRow, TicketRow
from app.storage.table import now

REFERENCES = (DatasetRow.blob_id, DriftRow.blob_id, TicketRow.blob_id, AdapterRow.blob_id, PredictionRow.result_blob_id)
UNREFERENCED = and_(*(~exists().where(column == BlobRow.id) for column in REFERENCES))


def use(session: Session, blob_id: str) -> str:
    """Make a staged blob `ready` inside the transaction that refers to it; return the id to refer to.

    Another ready blob of the same content is taken instead. Raises `CorruptBlob` when chunks are missing.
    """
    blob = session.scalar(select(BlobRow).where(BlobRow.id == blob_id).with_for_update())
    if blob is None or blob.status == "deleting":
        raise BlobNotFound(blob_id)
    stored = session.scalar(
        select(func.coalesce(func.sum(BlobChunkRow.size), 0)).where(BlobChunkRow.blob_id == blob_id)
    )
    if blob.status == "corrupt" or blob.sha256 is None or stored != blob.size:
        raise CorruptBlob(f"blob {blob_id} is not complete: {stored} of {blob.size} bytes are stored")
    if blob.status == "ready":
        return blob.id
    try:
        with session.begin_nested():
            twin = ready_twin(session, blob)
            blob.status = "ready" if twin is None else "deleting"
    except IntegrityError:  # Postgres: the twin was published by a transaction that ran at the same time
        twin = ready_twin(session, blob)
        blob.status = "ready" if twin is None else "deleting"
    return blob.id if twin is None else twin.id


def erase_text(session: Session, blob_id: str) -> None:
    """Delete an uploaded text in the transaction that forgets it, unless something else has the same content."""
    doomed = select(BlobRow.id).where(BlobRow.id == blob_id, UNREFERENCED)
    session.execute(delete(BlobChunkRow).where(BlobChunkRow.blob_id.in_(doomed)))
    session.execute(delete(BlobRow).where(BlobRow.id == blob_id, UNREFERENCED))


def ready_twin(session: Session, blob: BlobRow) -> BlobRow | None:
    """Return the ready blob of the same tenant and content."""
    return session.scalar(
        select(BlobRow)
        .where(
            BlobRow.tenant == blob.tenant,
            BlobRow.sha256 == blob.sha256,
            BlobRow.status == "ready",
            BlobRow.id != blob.id,
        )
        .with_for_update()
    )


def garbage(session: Session, grace_s: float) -> ColumnElement[bool]:
    """Select what may go: staged by a job that is over, or by no job and long ago; unreferenced; half deleted."""
    old = BlobRow.created_at < now(session) - timedelta(seconds=grace_s)
    at_work = exists().where(JobRow.id == BlobRow.job_id, JobRow.status == "running")
    abandoned = and_(BlobRow.status == "staging", or_(and_(BlobRow.job_id.is_not(None), ~at_work), old), ~at_work)
    unused = and_(BlobRow.status.in_(("ready", "corrupt")), old)
    return or_(BlobRow.status == "deleting", and_(UNREFERENCED, or_(abandoned, unused)))
