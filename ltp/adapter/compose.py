"""Ticket arithmetic: adapters and changes of languages' own texts added, subtracted, scaled and averaged.

Everything stands on one ticket, so the sum of weight x change at every position is an adapter like any other
(composable sparse fine-tuning: Ansell et al. 2022; task arithmetic: Ilharco et al. 2023). Prompts are no changes: there
is no pretrained one to scale towards. So the adapters' are averaged by the same weights, sum(w x prompt) / sum(w).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from torch import Tensor

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.delta.changes import Changes, weighted_sum
from ltp.delta.delta import Delta, DeltaDtype, encode
from ltp.errors import InvalidConfig
from ltp.ticket.mask import Ticket


class OnTicket(Protocol):
    """What has values at a ticket's positions: an adapter, or what a language's own text changed."""

    @property
    def delta(self) -> Delta:
        """Its values."""

    def check(self, ticket: Ticket) -> None:
        """Make sure that this is its ticket; raises DeltaDoesNotFitTicket."""


def combine(terms: Sequence[tuple[OnTicket, float]], ticket: Ticket, *, dtype: DeltaDtype = "fp16") -> Adapter:
    """Add up weight x term, in order and in fp32, and encode the sum; it carries no calibration.

    A mean is weights of 1/n; what a language's text changes comes with a negative weight off again.

    Raises:
        DeltaDoesNotFitTicket: a term stands on another ticket.
        InvalidConfig: there is no adapter among the terms, adapters answer in different ways, or the weights leave no
            prompt.
    """
    adapters = [(term, weight) for term, weight in terms if isinstance(term, Adapter)]
    if not adapters:
        raise InvalidConfig("terms", len(terms), "terms of which one at least is an adapter, which has the prompt")
    for term, _ in terms:
        term.check(ticket)
    template = _template([adapter for adapter, _ in adapters])
    total = weighted_sum([(Changes.decoded(term.delta), weight) for term, weight in terms], ticket, ticket.shapes)
    delta = encode(total.values, ticket, dtype=dtype, rows=total.rows)
    first = adapters[0][0]
    return replace(first, prompt=_prompt(adapters), delta=delta, template=template, calibration=None)


def _template(adapters: Sequence[Adapter]) -> TemplateOptions:
    """Their common template, inputs cut where the shortest cuts them."""
    first = adapters[0]
    for other in adapters[1:]:
        compared = {
            "method": (first.method, other.method),
            "verbalizer": (first.verbalizer.by_label, other.verbalizer.by_label),
            "form of texts": (first.text_form, other.text_form),
            "punctuation": (first.template.literal, other.template.literal),
            "prompt length": (len(first.prompt), len(other.prompt)),
        }
        for what, (mine, its) in compared.items():
            if mine != its:
                told = f"adapters of one {what}; one has {mine}, another {its}"
                raise InvalidConfig("terms", f"{len(adapters)} adapters", told)
    return replace(first.template, max_length=min(adapter.template.max_length for adapter in adapters))


def _prompt(adapters: Sequence[tuple[Adapter, float]]) -> Tensor:
    total = sum(weight for _, weight in adapters)
    if abs(total) < 1e-6 * sum(abs(weight) for _, weight in adapters) or not total:
        weights = [weight for _, weight in adapters]
        raise InvalidConfig("terms", weights, "weights of adapters with a sum other than 0, else no prompt is left")
    parts = [adapter.prompt * weight for adapter, weight in adapters]
    prompt: Tensor = sum(parts[1:], start=parts[0])
    return prompt / total
