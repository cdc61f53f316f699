"""What a request for training puts into the registry: the dataset, the pending adapter, and the job that trains it.

It belongs inside the transaction that records the request's idempotency key. Texts were checked and staged before. The
checks at the end need no database, and are made before any text is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app.errors import FieldError, InvalidRequest
from app.registry import adapters, datasets, job_memory, language_deltas, starters, starts, tickets
from app.registry.adapter_notes import SOURCES
from app.registry.starts import Fit, Hyperparameters, WantedStart
from app.storage.models import AdapterRow, JobRow, TicketRow
from ltp.adapter.crossfit.estimate import FEW
from ltp.backbone.answer_tokens import answer_tokens
from ltp.backbone.manifest import BackboneInfo
from ltp.config import AUTO, AdapterConfig, Label, LabelSpace
from ltp.errors import InvalidConfig, VerbalizerNotSingleToken
from ltp.model.methods import METHODS, Method
from ltp.model.template import least_tokens
from ltp.model.verbalizer import verbalizer_of
from ltp.text.vocabulary import Vocabulary


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
class Training:
    """What is asked for, besides the examples."""

    lang: str
    method: Method
    ticket: str | None
    start: WantedStart
    hyperparameters: Hyperparameters
    seeds: int
    name: str | None
    alias: str | None
    verbalizer: Mapping[Label, str] | None = None
    """Words of its own by label."""
    language_delta: str | None = None
    """The reference of a language's own text, to be added."""

    def fit(self, label_space: LabelSpace) -> Fit:
        """What a start has to have in common with it."""
        return Fit(self.method, label_space, self.verbalizer, self.hyperparameters)


def submit_adapter(
    session: Session,
    *,
    tenant: str,
    backbone: BackboneInfo,
    wanted: Training,
    examples: StagedExamples,
    starter_of: str | None = None,
    memory_mb: int = 0,
) -> tuple[AdapterRow, JobRow]:
    """Queue the training of an adapter from what it is to begin from, on the ticket named where its method needs one.

    Else on the language delta's or the start's, or without them the starter's, or the newest ready one. The starter is
    that of the backbone `starter_of`, by its fingerprint.

    Raises:
        TicketNotFound, NotReadyYet, NoTicket: there is no such ticket, it is not published, or there is none at all.
        LanguageDeltaNotFound, InvalidReference, NotReadyYet: there is no such language delta, or it is not published.
        BackboneMismatch: ticket or start was made on another backbone.
        InvalidRequest: the language delta stands on another ticket, or it would need more than `memory_mb`, unless
            that is 0. Likewise what `starts.choose` raises.
    """
    language = None
    if wanted.language_delta is not None:
        language = language_deltas.named(session, wanted.language_delta, tenant=tenant)
        wanted = replace(wanted, ticket=wanted.ticket or language.ticket_id)
    mask, start = _begun_from(session, wanted, examples, tenant=tenant, backbone=backbone, starter_of=starter_of)
    language_deltas.check_fits(language, ticket_id=None if mask is None else mask.id)
    training = wanted.hyperparameters.settled(start)
    _check_estimate(training, examples)
    job_memory.check_adapter(
        backbone,
        method=wanted.method,
        training=training,
        examples=examples.counts["train"],
        active=0 if mask is None else mask.active or 0,
        seeds=wanted.seeds,
        limit_mb=memory_mb,
        started=start is not None,
    )
    blob_id, count, filename = examples.blob_id, examples.total, examples.filename
    dataset = datasets.create(session, tenant=tenant, kind="examples", blob_id=blob_id, count=count, filename=filename)
    words = wanted.verbalizer
    return adapters.create(
        session,
        tenant=tenant,
        lang=wanted.lang,
        method=wanted.method,
        ticket_id=None if mask is None else mask.id,
        backbone=backbone.fingerprint,
        training=asdict(training),
        dataset_id=dataset.id,
        examples=examples.counts,
        seeds=wanted.seeds,
        name=wanted.name,
        alias=wanted.alias,
        label_space=examples.label_space,
        verbalizer=None if words is None else {str(label): word for label, word in words.items()},
        start=starts.facts_of(start),
        language_delta=language_deltas.facts_of(language),
    )


def _check_estimate(training: AdapterConfig, examples: StagedExamples) -> None:
    """Refuse folds where other examples judge, and a rate that is to be found on folds that there are not."""
    own = examples.counts["train"] - sum(source["pairs"] for source in examples.counts.get(SOURCES) or ())
    judged = "dev_examples" if examples.counts["dev"] else None if own else SOURCES
    if training.estimate == "cross_fit" and judged:
        raise _invalid("estimate", f"'cross_fit' leaves out folds of `examples`, and there are {judged}; give another")
    folds = training.estimate == "cross_fit" or (training.estimate == "auto" and not judged and own < FEW)
    if training.learning_rate == AUTO and not folds:
        why = f"it is tried out on folds, with `estimate` 'cross_fit', or 'auto' for fewer than {FEW} `examples`"
        raise _invalid("training.learning_rate", f"{why} without dev_examples; give a number here")


def _begun_from(
    session: Session,
    wanted: Training,
    examples: StagedExamples,
    *,
    tenant: str,
    backbone: BackboneInfo,
    starter_of: str | None,
) -> tuple[TicketRow | None, AdapterRow | None]:
    """Return ticket and start, both held."""
    needs = METHODS[wanted.method].needs_ticket
    named = tickets.get_ready(session, tenant=tenant, ticket_id=wanted.ticket) if needs and wanted.ticket else None
    start = starts.choose(
        session,
        wanted.start,
        wanted.fit(examples.label_space),
        tenant=tenant,
        backbone=backbone.fingerprint,
        starter_of=starter_of,
        ticket=named,
    )
    if not needs:
        return None, start
    usual = start or starters.newest(session, backbone=starter_of)
    ticket_id = wanted.ticket or (None if usual is None else usual.ticket_id)
    return tickets.held(session, ticket_id, tenant=tenant, backbone=backbone.fingerprint), start


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


def _invalid(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {message}", fields=[FieldError(field, message)])
