"""When a blob is in use and when it may go: references, publication inside a transaction, and erasing a text."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import Conflict, CorruptBlob
from app.storage.blob_places import is_whole
from app.storage.models import (
    AdapterRow,
    BlobChunkRow,
    BlobRow,
    DatasetRow,
    DriftRow,
    JobRow,
    LanguageDeltaRow,
    PredictionRow,
    TicketRow,
)
from app.storage.table import now

REFERENCES = (
    DatasetRow.blob_id,
    DriftRow.blob_id,
    TicketRow.blob_id,
    LanguageDeltaRow.blob_id,
    AdapterRow.blob_id,
    AdapterRow.answers_blob_id,
    PredictionRow.result_blob_id,
)
UNREFERENCED = and_(*(~exists().where(column == BlobRow.id) for column in REFERENCES))


def locked(session: Session, blob_id: str) -> BlobRow | None:
    """Lock a blob, so that nothing refers to it and nobody erases it until the transaction ends; None if it is gone.

    What is asked about it afterwards is true until then: a statement that has waited for the lock looks at what was
    there before it waited, the next one at what is there now.
    """
    return session.scalar(
        select(BlobRow).where(BlobRow.id == blob_id).with_for_update().execution_options(populate_existing=True)
    )


def use(session: Session, blob_id: str) -> str:
    """Make a staged blob `ready` inside the transaction that refers to it; return the id to refer to.

    Another ready blob of the same content is taken instead, and held until the transaction ends. Raises `Conflict`
    when what was staged is gone, and `CorruptBlob` when chunks are missing.
    """
    blob = locked(session, blob_id)
    if blob is None or blob.status == "deleting":
        raise Conflict("what was uploaded was removed before it was used; send the request again")
    stored = session.scalar(
        select(func.coalesce(func.sum(BlobChunkRow.size), 0)).where(BlobChunkRow.blob_id == blob_id)
    )
    if blob.status == "corrupt" or blob.sha256 is None or not is_whole(blob, stored or 0):
        raise CorruptBlob(f"blob {blob_id} is not complete: {stored} of {blob.size} bytes are stored")
    if blob.status == "ready":
        return blob.id
    try:
        with session.begin_nested():
            twin = ready_twin(session, blob)
            blob.status = "ready" if twin is None else "deleting"
    except IntegrityError:  # the twin was published by a transaction that ran at the same time, and locked no tenant
        twin = ready_twin(session, blob)
        blob.status = "ready" if twin is None else "deleting"
    return blob.id if twin is None else twin.id


def erase_text(session: Session, blob_id: str) -> None:
    """Delete an uploaded text in the transaction that forgets it, unless something else has the same content.

    Copies that were sent again, and not needed, go with it if they have not gone yet. What lies in a store cannot go
    with a transaction: the next sweep deletes it.
    """
    blob = locked(session, blob_id)
    if blob is None or not is_unreferenced(session, blob_id):
        return
    copies = select(BlobRow.id).where(
        BlobRow.tenant == blob.tenant, BlobRow.sha256 == blob.sha256, BlobRow.status == "deleting"
    )
    session.execute(delete(BlobChunkRow).where(or_(BlobChunkRow.blob_id == blob_id, BlobChunkRow.blob_id.in_(copies))))
    if blob.digests is None:
        session.execute(delete(BlobRow).where(BlobRow.id == blob_id))
    else:
        blob.status = "deleting"


def is_unreferenced(session: Session, blob_id: str) -> bool:
    """Tell whether nothing refers to a blob; it stays so where the caller has it `locked`."""
    return session.scalar(select(BlobRow.id).where(BlobRow.id == blob_id, UNREFERENCED)) is not None


def ready_twin(session: Session, blob: BlobRow) -> BlobRow | None:
    """Return the ready blob of the same tenant and content, locked."""
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


def is_garbage(session: Session, blob_id: str, grace_s: float) -> bool:
    """Tell whether a blob may go now."""
    return session.scalar(select(BlobRow.id).where(BlobRow.id == blob_id, garbage(session, grace_s))) is not None
