"""What a training begins from: the adapter that a request names, or the starter where it names none and one fits.

An adapter fits that was trained by the same method, on this backbone, with the same labels, words and length of prompt;
and of which at least some values have a place on the ticket, which the training itself finds out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy.orm import Session

from app.errors import FieldError, InvalidRequest
from app.registry import adapters, starters
from app.registry.aliases import as_id, resolve_adapter
from app.storage.models import AdapterRow, TicketRow
from ltp.config import AdapterConfig, Average, Estimate, Label, LabelSpace
from ltp.errors import BackboneMismatch
from ltp.model.methods import METHODS, Method

STARTED: dict[str, Any] = {
    "estimate": "auto",
    "precision": "auto",
    "order": "by_length",
    "attention_dropout": False,  # with the order, half the time of a step
}
"""Hyperparameters from a start, where a request leaves them out; without one they are the paper's."""


@dataclass(frozen=True)
class WantedStart:
    """What a request says of it: nothing, that there be none (`reference` None), or an adapter's reference."""

    reference: str | None = None
    said: bool = False


@dataclass(frozen=True)
class Hyperparameters:
    """As a request gives them; which of them it gave at all decides what a start may settle."""

    config: AdapterConfig
    given: frozenset[str]
    estimate: Estimate | None = None
    average: Average | None = None

    def settled(self, start: AdapterRow | None) -> AdapterConfig:
        """Return them as they are trained with, from `start` or the pretrained values."""
        named = {"estimate": self.estimate, "average": self.average}
        chosen: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        if start is not None:
            usual = {**STARTED, "prompt_length": prompt_length_of(start) or self.config.prompt_length}
            chosen = {name: value for name, value in usual.items() if name not in self.given} | chosen
        return replace(self.config, **chosen)


@dataclass(frozen=True)
class Fit:
    """What has to be the same in a start and in what is trained from it."""

    method: Method
    label_space: LabelSpace
    verbalizer: Mapping[Label, str] | None
    """Words of one's own."""
    hyperparameters: Hyperparameters

    def misfit(self, start: AdapterRow) -> str | None:
        """Say why training cannot begin from an adapter; None where it can."""
        if METHODS[self.method].trains != "ticket":
            return f"method {self.method!r} begins from the pretrained values; leave it out, or choose 'ltp'"
        name = f"adapter {start.lang}@{start.version}"
        if start.method != self.method:
            return f"{name} was trained by method {start.method!r}; training by {self.method!r} begins from its like"
        if start.label_space != self.label_space:
            return f"{name} answers in {start.label_space}, and the examples are {self.label_space}"
        mine = None if self.verbalizer is None else {str(label): word for label, word in self.verbalizer.items()}
        if (start.verbalizer or None) != mine:
            return f"{name} predicts {_words(start)}; give the same words as `verbalizer`"
        length, asked = prompt_length_of(start), self.hyperparameters.config.prompt_length
        if "prompt_length" in self.hyperparameters.given and length not in (None, asked):
            return f"the prompt of {name} has {length} tokens; give that as training.prompt_length, or leave it out"
        return None


def choose(
    session: Session,
    wanted: WantedStart,
    fit: Fit,
    *,
    tenant: str,
    backbone: str,
    starter_of: str | None,
    ticket: TicketRow | None,
) -> AdapterRow | None:
    """Return the adapter to begin from; None for the pretrained values. `ticket` is the one that was asked for.

    Raises:
        AdapterNotFound, NoAdapterForLanguage, InvalidReference, NotReadyYet: there is none, or it is not published.
        BackboneMismatch: it was made on another backbone.
        InvalidRequest: training cannot begin from it.
    """
    if not wanted.said:
        starter = starters.newest(session, backbone=starter_of)
        fits = starter is not None and fit.misfit(starter) is None and _stands_on(session, starter, ticket)
        return starter if fits else None
    if wanted.reference is None:
        return None
    start = _named(session, wanted.reference, tenant=tenant, starter_of=starter_of)
    if start.backbone != backbone:
        raise BackboneMismatch(artefact=start.backbone, backbone=backbone)
    if (misfit := fit.misfit(start)) is not None:
        raise InvalidRequest(f"start: {misfit}", fields=[FieldError("start", misfit)])
    return start


def facts_of(start: AdapterRow | None) -> dict[str, Any] | None:
    """Return what a row keeps of the adapter that it begins from."""
    return None if start is None else {"id": start.id, "lang": start.lang, "version": start.version}


def prompt_length_of(start: AdapterRow) -> int | None:
    """Return how many tokens its prompt has, where that was noted."""
    length = (start.training or {}).get("prompt_length")
    return length if isinstance(length, int) else None


def _named(session: Session, reference: str, *, tenant: str, starter_of: str | None) -> AdapterRow:
    if (adapter_id := as_id(reference)) is not None:
        return adapters.get_ready(session, tenant=tenant, adapter_id=adapter_id)
    return resolve_adapter(session, tenant=tenant, reference=reference, starter_of=starter_of)


def _stands_on(session: Session, starter: AdapterRow, ticket: TicketRow | None) -> bool:
    """Whether a starter's values have a place on the ticket asked for, as far as is known: the same mask, or drift."""
    if ticket is None or ticket.id == starter.ticket_id:
        return True
    its = session.get(TicketRow, starter.ticket_id) if starter.ticket_id else None
    if its is None:
        return False
    return ticket.mask_sha256 == its.mask_sha256 or (ticket.drift_id is not None and ticket.drift_id == its.drift_id)


def _words(start: AdapterRow) -> str:
    words = adapters.verbalizer_of_row(start).by_label or {}
    return ", ".join(f"{word} for {label}" for label, word in cast("Mapping[Label, str]", words).items())
