"""What a request for work puts into the registry: the dataset, the pending resource, and the job that makes it.

One function a kind of job; each belongs inside the transaction that records the request's idempotency key. Texts were
checked and staged before. The checks at the end need no database, and are made before any text is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from app.errors import FieldError, InvalidReference, InvalidRequest, NotFound
from app.registry import datasets, drifts, job_memory, predictions, tickets
from app.registry.aliases import ResolvedAdapter, resolve
from app.registry.target_accuracy import settled
from app.storage.models import JobRow, PredictionRow, TicketRow
from ltp.backbone.manifest import BackboneInfo
from ltp.backbone.strategy import Strategy
from ltp.config import LayerScope, MLMConfig, TicketConfig
from ltp.errors import BackboneMismatch, InvalidConfig


@dataclass(frozen=True)
class StagedCorpus:
    """A built-in corpus by name, or a staged one of `count` lines with so many `characters`."""

    builtin: str | None = None
    blob_id: str | None = None
    count: int = 0
    filename: str | None = None
    characters: int | None = None


@dataclass(frozen=True)
class StagedPairs:
    """A staged file: how it is written, told from its content, and how its result will be (`jsonl`, `csv`, `tsv`).

    `references` are those of its rows to adapters, each with the line it is in first.
    """

    blob_id: str
    count: int
    filename: str | None
    format: str
    result_format: str
    references: Mapping[str, int] = field(default_factory=dict)


def submit_measured_ticket(
    session: Session,
    *,
    tenant: str,
    backbone: BackboneInfo,
    name: str | None,
    language: str,
    strategy: Strategy,
    mlm: MLMConfig,
    selection: TicketConfig,
    corpus: StagedCorpus,
    memory_mb: int = 0,
) -> tuple[TicketRow, JobRow]:
    """Queue an MLM run on a corpus, and the selection of a ticket from its drift.

    Raises `InvalidRequest`: it would need more than `memory_mb`, unless that is 0.
    """
    dataset_id = None
    if corpus.blob_id is not None:
        blob_id, count, filename, size = corpus.blob_id, corpus.count, corpus.filename, corpus.characters
        job_memory.check_drift(backbone, strategy=strategy, mlm=mlm, lines=count, characters=size, limit_mb=memory_mb)
        dataset_id = datasets.create(
            session, tenant=tenant, kind="corpus", blob_id=blob_id, count=count, filename=filename
        ).id
    drift = drifts.begin(
        session,
        tenant=tenant,
        backbone=backbone.fingerprint,
        backbone_name=backbone.name,
        language=language,
        strategy=strategy,
        config=asdict(mlm),
        corpus=corpus.builtin,
        dataset_id=dataset_id,
    )
    return tickets.create(session, tenant=tenant, drift=drift, config=selection, name=name)


def submit_selected_ticket(
    session: Session,
    *,
    tenant: str,
    backbone: BackboneInfo,
    name: str | None,
    drift_id: str,
    language: str | None,
    selection: TicketConfig,
) -> tuple[TicketRow, JobRow]:
    """Queue the selection of a ticket from a stored drift.

    Raises:
        DriftNotFound, NotReadyYet: there is no such drift of the tenant, or it is not published.
        BackboneMismatch: it was measured on another backbone.
        InvalidRequest: `language` is given and not the drift's.
    """
    drift = drifts.get_ready(session, tenant=tenant, drift_id=drift_id)
    if drift.backbone != backbone.fingerprint:
        raise BackboneMismatch(artefact=drift.backbone, backbone=backbone.fingerprint)
    if language is not None and language != drift.language:
        raise _invalid("language", f"the drift was measured on {drift.language!r}; leave this out")
    return tickets.create(session, tenant=tenant, drift=drift, config=selection, name=name)


def submit_prediction(
    session: Session,
    *,
    tenant: str,
    reference: str | None,
    fallback: str | None,
    request: dict[str, Any],
    pairs: StagedPairs,
    starter_of: str | None = None,
) -> tuple[PredictionRow, ResolvedAdapter, JobRow]:
    """Queue the prediction of a file; `request` is what was asked for, kept with the prediction.

    What the request's reference and those of the rows mean is settled here, all of it at one moment; the adapters stay
    until the file is judged. Raises `NoAdapterForLanguage`, `AdapterNotFound`, `InvalidReference`; see `resolve`.
    Likewise what a target accuracy comes to for each adapter; see `target_accuracy`.
    """
    meant = partial(resolve, session, tenant=tenant, fallback=fallback, starter_of=starter_of)
    adapter = meant(reference=reference)
    named = {str(reference): adapter}
    for written, line in pairs.references.items():
        if written not in named:
            with _in_line(line):
                named[written] = meant(reference=written)
    request = settled(session, request, named.values())
    blob_id, count, filename = pairs.blob_id, pairs.count, pairs.filename
    dataset = datasets.create(session, tenant=tenant, kind="pairs", blob_id=blob_id, count=count, filename=filename)
    prediction, job = predictions.create(
        session,
        tenant=tenant,
        request={**request, "format": pairs.format, "result_format": pairs.result_format, "filename": filename},
        dataset_id=dataset.id,
        adapter=adapter,
        pairs=count,
        named=named,
    )
    return prediction, adapter, job


@contextmanager
def _in_line(line: int) -> Iterator[None]:
    """Have an error about what a row of the file names say in which line."""
    try:
        yield
    except InvalidReference as error:
        message = f"line {line}: {error}"
        raise InvalidReference(f"file: {message}", fields=[FieldError("file", message)]) from error
    except NotFound as error:
        error.args = (f"file: line {line}: {error}",)
        raise


def check_layers(layers: LayerScope | tuple[int, ...], backbone: BackboneInfo) -> None:
    """Refuse layers the backbone does not have, and thirds that are empty in a shallow one. Raises `InvalidRequest`."""
    from ltp.backbone.layers import layers_in  # its package imports torch

    try:
        layers_in(layers, backbone.layers)
    except InvalidConfig as error:
        raise InvalidRequest(str(error), fields=[FieldError("layers", str(error))]) from error


def _invalid(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {message}", fields=[FieldError(field, message)])
