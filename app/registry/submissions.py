"""What a request for work puts into the registry: the dataset, the pending resource, and the job that makes it.

One function a kind of job; each belongs inside the transaction that records the request's idempotency key. Texts were
checked and staged before. The checks at the end need no database, and are made before any text is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.errors import FieldError, InvalidReference, InvalidRequest, NotFound
from app.registry import adapters, datasets, drifts, job_memory, predictions, tickets
from app.registry.aliases import ResolvedAdapter, resolve
from app.storage.models import AdapterRow, JobRow, PredictionRow, TicketRow
from ltp.backbone.answer_tokens import answer_tokens
from ltp.backbone.manifest import BackboneInfo
from ltp.backbone.strategy import Strategy
from ltp.config import AdapterConfig, Label, LabelSpace, LayerScope, MLMConfig, TicketConfig
from ltp.errors import BackboneMismatch, InvalidConfig, VerbalizerNotSingleToken
from ltp.model.methods import METHODS, Method
from ltp.model.template import least_tokens
from ltp.model.verbalizer import verbalizer_of
from ltp.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class StagedCorpus:
    """A built-in corpus by name, or a staged one of `count` lines with so many `characters`."""

    builtin: str | None = None
    blob_id: str | None = None
    count: int = 0
    filename: str | None = None
    characters: int | None = None


@dataclass(frozen=True)
class StagedExamples:
    """Staged examples. `counts` is `{train, dev, test, sha256}` as given."""

    blob_id: str
    total: int
    counts: dict[str, Any]
    filename: str | None
    label_space: LabelSpace = "three_way"
    """What they are trained in; labels are staged as they were given."""


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


def submit_adapter(
    session: Session,
    *,
    tenant: str,
    backbone: BackboneInfo,
    lang: str,
    method: Method,
    ticket: str | None,
    training: AdapterConfig,
    seeds: int,
    name: str | None,
    alias: str | None,
    examples: StagedExamples,
    verbalizer: Mapping[Label, str] | None = None,
    memory_mb: int = 0,
) -> tuple[AdapterRow, JobRow]:
    """Queue the training of an adapter, where the method needs one on the ticket named, else on the newest ready one.

    Raises:
        TicketNotFound, NotReadyYet, NoTicket: there is no such ticket, it is not published, or there is none at all.
        BackboneMismatch: the ticket was made on another backbone.
        InvalidRequest: it would need more than `memory_mb`, unless that is 0.
    """
    mask = None
    if METHODS[method].needs_ticket:
        mask = _ticket(session, ticket, tenant=tenant, backbone=backbone)
    job_memory.check_adapter(
        backbone,
        method=method,
        training=training,
        examples=examples.counts["train"],
        active=0 if mask is None else mask.active or 0,
        seeds=seeds,
        limit_mb=memory_mb,
    )
    blob_id, count, filename = examples.blob_id, examples.total, examples.filename
    dataset = datasets.create(session, tenant=tenant, kind="examples", blob_id=blob_id, count=count, filename=filename)
    return adapters.create(
        session,
        tenant=tenant,
        lang=lang,
        method=method,
        ticket_id=None if mask is None else mask.id,
        backbone=backbone.fingerprint,
        training=asdict(training),
        dataset_id=dataset.id,
        examples=examples.counts,
        seeds=seeds,
        name=name,
        alias=alias,
        label_space=examples.label_space,
        verbalizer=None if verbalizer is None else {str(label): word for label, word in verbalizer.items()},
    )


def submit_prediction(
    session: Session,
    *,
    tenant: str,
    reference: str | None,
    fallback: str | None,
    request: dict[str, Any],
    pairs: StagedPairs,
) -> tuple[PredictionRow, ResolvedAdapter, JobRow]:
    """Queue the prediction of a file; `request` is what was asked for, kept with the prediction.

    What the request's reference and those of the rows mean is settled here, all of it at one moment; the adapters stay
    until the file is judged. Raises `NoAdapterForLanguage`, `AdapterNotFound`, `InvalidReference`; see `resolve`.
    """
    adapter = resolve(session, tenant=tenant, reference=reference, fallback=fallback)
    named = {str(reference): adapter}
    for written, line in pairs.references.items():
        if written not in named:
            with _in_line(line):
                named[written] = resolve(session, tenant=tenant, reference=written, fallback=fallback)
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


def check_training(
    training: AdapterConfig,
    *,
    method: Method,
    ticket: str | None,
    backbone: BackboneInfo,
    vocabulary: Vocabulary | None,
) -> None:
    """Refuse what no training could use. Raises `InvalidRequest`."""
    if not METHODS[method].needs_ticket and ticket is not None:
        raise _invalid("ticket", f"method {method!r} trains without a ticket; leave it out, or choose 'ltp'")
    if training.max_length > backbone.max_positions:
        raise _invalid("training.max_length", f"the backbone takes at most {backbone.max_positions} tokens")
    tokenizer = None if vocabulary is None else vocabulary.tokenizer
    least = least_tokens(METHODS[method].form, prompt_length=training.prompt_length, tokenizer=tokenizer)
    if training.max_length < least:
        raise _invalid(
            "training.max_length", f"it is {training.max_length}; with this prompt it must be at least {least}"
        )


def check_verbalizer(
    words: Mapping[Label, str] | None, *, method: Method, label_space: LabelSpace, vocabulary: Vocabulary | None
) -> dict[Label, str] | None:
    """Return words of one's own by label, as they will be predicted; None for the method's usual ones.

    Raises `InvalidRequest` unless there is one for exactly every label, each one token of the vocabulary, if known.
    """
    try:
        chosen = verbalizer_of(method, label_space, words)
        if chosen == verbalizer_of(method, label_space):
            return None
        if vocabulary is not None:
            answer_tokens(vocabulary.tokenizer, chosen.by_label or {})
    except (InvalidConfig, VerbalizerNotSingleToken) as error:
        raise _invalid(
            "verbalizer", f"it {str(error)[11:]}" if str(error).startswith("verbalizer ") else str(error)
        ) from error
    return chosen.by_label


def _ticket(session: Session, ticket_id: str | None, *, tenant: str, backbone: BackboneInfo) -> TicketRow:
    """Return the ticket to train on, held: the one named, else the newest."""
    while True:
        if ticket_id is None:
            ticket = tickets.newest_ready(session, tenant=tenant, backbone=backbone.fingerprint)
        else:
            ticket = tickets.get_ready(session, tenant=tenant, ticket_id=ticket_id)
        if ticket.backbone != backbone.fingerprint:
            raise BackboneMismatch(artefact=ticket.backbone, backbone=backbone.fingerprint)
        if tickets.hold(session, tenant=tenant, ticket_id=ticket.id) is not None:
            return ticket  # else another tenant, whose it is, has just deleted it, or shares it no more


def _invalid(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {message}", fields=[FieldError(field, message)])
