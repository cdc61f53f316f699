"""An adapter made ready to answer: its weights fused into copies, the rest shared with the backbone by reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ltp.backbone.load import Backbone
from ltp.config import Precision
from ltp.delta import fuse
from ltp.encoder import DTYPES, Weights, look_up, weights_from
from ltp.errors import BackboneMismatch, CorruptArtifact, InvalidConfig
from ltp.places import Places
from ltp.template import Template
from ltp.ticket import Ticket

if TYPE_CHECKING:
    from ltp.adapter.artefact import Adapter


@dataclass(frozen=True)
class Resident:
    """`weights` is the pristine backbone's own object for an adapter that changes nothing but the prompt."""

    prompt: Tensor
    template: Template
    weights: Weights
    nbytes: int
    """What this adapter alone keeps in memory."""


class Fuser:
    """Makes residents of one backbone in one precision; the linear layers of bf16 residents are stored in bf16."""

    def __init__(self, backbone: Backbone, *, precision: Precision = "fp32") -> None:
        self._backbone, self._dtype = backbone, DTYPES[precision]
        self._cast = self._serving(backbone.parameters) if precision == "bf16" else {}
        self.pristine = weights_from(backbone, self._cast)
        self._places = Places()

    def _serving(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: tensor.to(self._dtype_of(name)) for name, tensor in tensors.items()}

    def _dtype_of(self, name: str) -> torch.dtype:
        linear = name.startswith("roberta.encoder.") and "LayerNorm" not in name
        return self._dtype if linear else torch.float32

    def __call__(self, adapter: Adapter, ticket: Ticket | None) -> Resident:
        """Fuse an adapter.

        Raises:
            BackboneMismatch: the adapter or its ticket was made on another backbone.
            DeltaDoesNotFitTicket: this is not the adapter's ticket.
            CorruptArtifact: its prompt or template fits no input of this backbone.
        """
        self._refuse_strangers(adapter, ticket)
        adapter.check(ticket)
        weights, size = self._weights(adapter, ticket) if ticket is not None else (self.pristine, 0)
        prompt = adapter.prompt.to(self._backbone.verbalizer.device)
        return Resident(prompt, self._template(adapter), weights, nbytes=size + prompt.nbytes)

    def _template(self, adapter: Adapter) -> Template:
        options = adapter.template
        try:
            return Template(
                self._backbone,
                prompt_length=len(adapter.prompt),
                max_length=options.max_length,
                literal=options.literal,
            )
        except InvalidConfig as error:  # training could not have used it
            raise CorruptArtifact(f"the adapter's template cannot be: {error}") from error

    def _weights(self, adapter: Adapter, ticket: Ticket) -> tuple[Weights, int]:
        """Fuse the delta; return the bytes of the copies as well."""
        changed, overlay = fuse(
            self._backbone.parameters, adapter.delta, ticket, places=self._places, dtype_of=self._dtype_of
        )
        if not changed and overlay is None:
            return self.pristine, 0
        answers = None
        size = sum(tensor.nbytes for tensor in changed.values())
        if overlay is not None:
            size += overlay.rows.nbytes + overlay.values.nbytes
            if adapter.strategy == "tied":
                answers = look_up(self.pristine.word, overlay, self._backbone.verbalizer)
        return weights_from(self._backbone, {**self._cast, **changed}, overlay=overlay, answers=answers), size

    def _refuse_strangers(self, adapter: Adapter, ticket: Ticket | None) -> None:
        fingerprint = self._backbone.info.fingerprint
        for artefact in (adapter, ticket):
            if artefact is not None and artefact.backbone != fingerprint:
                raise BackboneMismatch(artefact=artefact.backbone, backbone=fingerprint)
        if adapter.prompt.shape[1] != self._backbone.info.hidden:
            raise CorruptArtifact(f"the prompt is {tuple(adapter.prompt.shape)}; the backbone's hidden size differs")
