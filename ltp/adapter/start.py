"""What training may begin from instead of the pretrained values: those of an adapter, and of a language's own text.

Values go with their positions, see `ltp.delta.changes`. Embedding rows that the new examples do not touch stay in what
is published, which is start and change together and needs nothing else. A start's prompt is trained as it is, (n, H):
the LSTM and the MLP of 3.2 that made it are not kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ltp.adapter.artefact import Adapter
from ltp.adapter.compose import OnTicket
from ltp.backbone.load import Backbone
from ltp.delta.changes import Changes, carried_over, weighted_sum
from ltp.delta.delta import Delta
from ltp.errors import BackboneMismatch
from ltp.model.methods import METHODS, Method
from ltp.ticket.mask import Ticket

METHOD = "method"
"""Of the facts: what the start was trained by; missing where it never saw the task."""


@dataclass(frozen=True, eq=False)
class Start:
    """What training begins from, in fp32.

    `values` are changes, trained minus pretrained, in the order of the ticket that is trained on; without one, of whole
    tensors. `rows` lists, as a `Delta` does, the rows that a tensor's values cover. `prompt` is (n, H), n = 0 for none.
    """

    values: dict[str, Tensor]
    rows: dict[str, Tensor]
    prompt: Tensor
    facts: dict[str, Any] = field(default_factory=dict)
    """As JSON has them: `method`, and of what was carried over `carried`, the share of the values other than zero that
    have a place here; `same_ticket`; `nested`, whether one ticket contains the other; and `language` of added text."""

    @cached_property
    def sha256(self) -> str:
        """Hash of all that decides how training goes on."""
        digest = hashlib.sha256(json.dumps(self.facts.get(METHOD), allow_nan=False).encode())
        parts: dict[str, Mapping[str, Tensor]] = {
            "prompt": {"": self.prompt}, "values": self.values, "rows": self.rows
        }  # fmt: skip
        for part, tensors in parts.items():
            for name, tensor in sorted(tensors.items()):
                digest.update(json.dumps([part, name, list(tensor.shape)], allow_nan=False).encode())
                digest.update(tensor.contiguous().cpu().numpy().data)
        return digest.hexdigest()

    @property
    def changes(self) -> Changes:
        """Its values with their rows."""
        return Changes(self.values, self.rows)

    @property
    def knows_task(self) -> bool:
        """Whether an adapter is among what it was made of, so that few passes are enough."""
        return METHOD in self.facts

    def carries_prompt(self, method: Method) -> bool:
        """Whether training by `method` goes on from its prompt, which stood in the same template."""
        mine: Method | None = self.facts.get(METHOD)
        return mine is not None and bool(len(self.prompt)) and METHODS[mine].form == METHODS[method].form


def start_from(adapter: Adapter, ticket_of_adapter: Ticket | None, ticket: Ticket | None, backbone: Backbone) -> Start:
    """Begin from `adapter`, which stands on `ticket_of_adapter`, in training on `ticket`; None stands for every value.

    Raises:
        BackboneMismatch: adapter or ticket belongs to another backbone.
        DeltaDoesNotFitTicket: `ticket_of_adapter` is not the adapter's.
    """
    for made_on in (adapter.backbone, *([ticket.backbone] if ticket else [])):
        if made_on != backbone.info.fingerprint:
            raise BackboneMismatch(artefact=made_on, backbone=backbone.info.fingerprint)
    adapter.check(ticket_of_adapter, backbone.shapes)
    there = carried_over(Changes.decoded(adapter.delta), ticket_of_adapter, ticket, backbone.shapes)
    facts = {METHOD: adapter.method, **there.facts()}
    return Start(there.changes.values, there.changes.rows, adapter.prompt.cpu().float(), facts)


def add_language(
    start: Start | None,
    language: Delta | OnTicket,
    *,
    ticket: Ticket,
    source: Ticket | None = None,
    weight: float = 1.0,
) -> Start:
    """Add `weight` x the changes of a language's own text, which stand on `source`, to a start on `ticket`.

    `source` is `ticket` when None.

    Raises:
        DeltaDoesNotFitTicket: the changes are not those of that ticket.
    """
    source = source or ticket
    language.check(source)
    delta = language if isinstance(language, Delta) else language.delta
    there = carried_over(Changes.decoded(delta), source, ticket, ticket.shapes)
    terms = [(there.changes, weight)] if start is None else [(start.changes, 1.0), (there.changes, weight)]
    total = weighted_sum(terms, ticket, ticket.shapes)
    prompt, facts = (torch.empty(0, 0), {}) if start is None else (start.prompt, start.facts)
    return Start(total.values, total.rows, prompt, {**facts, "language": {"weight": weight, **there.facts()}})
