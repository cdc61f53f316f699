"""Predictions: a file of pairs, and the same file with labels and probabilities added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from sqlalchemy import ColumnElement, delete, exists, or_, select
from sqlalchemy.orm import Session

from app import jobs
from app.errors import InUse, NotReadyYet, PredictionNotFound
from app.registry import datasets
from app.registry.aliases import ResolvedAdapter
from app.storage import audit, blob_lifecycle
from app.storage.blobs import BlobStore
from app.storage.locks import lock_tenant
from app.storage.models import AdapterRow, JobRow, PredictionAdapterRow, PredictionRow
from app.storage.pagination import DEFAULT_LIMIT, Page, read_page
from app.storage.table import new_id, now
from ltp.config import LabelSpace


def create(
    session: Session,
    *,
    tenant: str,
    request: dict[str, Any],
    dataset_id: str,
    adapter: ResolvedAdapter,
    pairs: int,
    named: Mapping[str, ResolvedAdapter] = MappingProxyType({}),
) -> tuple[PredictionRow, JobRow]:
    """Add a pending prediction and queue it.

    `adapter` is what the request's own reference means when the request is accepted, `named` what each reference of
    the file does, the request's among them. `request` is what was asked for: `{lang | adapter, fallback,
    min_confidence}`.
    """
    prediction_id = new_id()
    backbone = session.scalars(select(AdapterRow.backbone).where(AdapterRow.id == adapter.id)).one()
    job = jobs.submit(
        session,
        tenant=tenant,
        kind="prediction",
        resource_kind="prediction",
        resource_id=prediction_id,
        backbone=backbone,
    )
    prediction = PredictionRow(
        id=prediction_id,
        tenant=tenant,
        status="pending",
        request=request,
        dataset_id=dataset_id,
        adapter_id=adapter.id,
        fallback=adapter.fallback,
        pairs=pairs,
        summary={},
        job_id=job.id,
        created_at=now(session),
    )
    session.add(prediction)
    session.flush()
    session.add_all(
        PredictionAdapterRow(
            prediction_id=prediction_id,
            reference=reference,
            tenant=tenant,
            adapter_id=meant.id,
            lang=meant.lang,
            version=meant.version,
            fallback=meant.fallback,
        )
        for reference, meant in named.items()
    )
    session.flush()
    audit.set_subject(session, "prediction", prediction_id)
    return prediction, job


SAMPLE = "sample"
"""Where a prediction's summary keeps the first rows of its result."""


def get(session: Session, *, tenant: str, prediction_id: str) -> PredictionRow:
    """Return a prediction of the tenant. Raises `PredictionNotFound`."""
    prediction = session.scalar(
        select(PredictionRow).where(PredictionRow.id == prediction_id, PredictionRow.tenant == tenant)
    )
    if prediction is None:
        raise PredictionNotFound(prediction_id)
    return prediction


def list_page(
    session: Session, *, tenant: str, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[PredictionRow]:
    """List the tenant's predictions, newest first."""
    rows = select(PredictionRow).where(PredictionRow.tenant == tenant)
    return read_page(session, rows, by=PredictionRow.id, limit=limit, cursor=cursor)


def adapters_of(session: Session, prediction_id: str) -> Sequence[PredictionAdapterRow]:
    """Return what each reference of a file means, by reference; none for a file that an earlier version accepted."""
    rows = select(PredictionAdapterRow).where(PredictionAdapterRow.prediction_id == prediction_id)
    return session.scalars(rows.order_by(PredictionAdapterRow.reference)).all()


def label_spaces_of(session: Session, prediction: PredictionRow) -> dict[str, LabelSpace]:
    """Return the label space of every adapter that judges a file, by the adapter's id."""
    named = select(PredictionAdapterRow.adapter_id).where(PredictionAdapterRow.prediction_id == prediction.id)
    rows = select(AdapterRow.id, AdapterRow.label_space).where(
        or_(AdapterRow.id == prediction.adapter_id, AdapterRow.id.in_(named))
    )
    return {adapter_id: cast(LabelSpace, space) for adapter_id, space in session.execute(rows)}


def waiting_for(adapter_id: str) -> ColumnElement[bool]:
    """Whether an unfinished prediction needs an adapter, for all its rows or for some."""
    pending = PredictionRow.status == "pending"
    named = exists().where(
        PredictionAdapterRow.adapter_id == adapter_id, PredictionAdapterRow.prediction_id == PredictionRow.id, pending
    )
    return or_(exists().where(PredictionRow.adapter_id == adapter_id, pending), named)


def stream_result(store: BlobStore, prediction: PredictionRow) -> Iterator[bytes]:
    """Yield the finished file. Raises `NotReadyYet` at once, `CorruptBlob` where it is damaged."""
    if prediction.status != "ready" or prediction.result_blob_id is None:
        raise NotReadyYet(f"prediction {prediction.id} is {prediction.status}; there is no result to read")
    return store.stream(prediction.result_blob_id)


def delete_prediction(session: Session, *, tenant: str, prediction_id: str) -> None:
    """Delete a prediction with the uploaded file and the result. Raises `PredictionNotFound`, `InUse`."""
    lock_tenant(session, tenant)
    prediction = get(session, tenant=tenant, prediction_id=prediction_id)
    if prediction.status == "pending":
        raise InUse(f"job {prediction.job_id} is still making prediction {prediction_id}; cancel it first")
    gone = delete(PredictionRow).where(PredictionRow.id == prediction_id).returning(PredictionRow.id)
    if session.scalar(gone) is None:  # another request was faster
        raise PredictionNotFound(prediction_id)
    jobs.erase_words(session, prediction.job_id)
    datasets.erase(session, prediction.dataset_id)
    if prediction.result_blob_id is not None:
        blob_lifecycle.erase_text(session, prediction.result_blob_id)
    audit.set_subject(session, "prediction", prediction_id)
