"""Backbone and adapter as one model, tensor by tensor: what is written of it is in memory a block at a time.

Names are those of transformers' `XLMRobertaForMaskedLM`, or of `XLMRobertaForSequenceClassification` where the method
has a classification head, into which the adapter's calibration goes. The soft prompt's vectors are rows of the word
embeddings: they are looked up, get type and position added, and are normalised as any token's, which is what 3.2 does.

Input and output embeddings are one matrix only if that is so for the adapter. Where the ticket moves word embeddings
and the output ones stay pretrained (`decoupled`), one matrix would move the label words' output rows too: the export
then has both. No prompt token is ever predicted: its output bias is `NEVER`.

Dimensions: V tokens of the backbone, n soft tokens, H hidden, K labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from ltp.adapter.artefact import Adapter
from ltp.backbone.architecture import DECODER, DECODER_BIAS, LM_BIAS, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import STRATEGIES
from ltp.compute.masked_add import fuse_all
from ltp.delta.fuse import fuse_task, nonzero_tensors, overlay
from ltp.export.checkpoint import Made
from ltp.model.encoder import Overlay
from ltp.model.methods import METHODS
from ltp.tensorfile import Array
from ltp.ticket.mask import Ticket

ROWS = 4096
"""Rows of a large matrix in memory at a time."""
NEVER = -1e4
"""An output bias that makes a token's probability zero, and is finite in fp16 as well."""
IN_TRANSFORMERS = {"out": "out_proj"}
"""What a classifier's layers are called there, where they differ."""


class WholeModel:
    """One adapter on its backbone. `first` is the id of the first soft token, the tokenizer's next.

    Raises:
        DeltaDoesNotFitTicket: this is not the adapter's ticket, or its delta is not this backbone's.
    """

    def __init__(self, backbone: Backbone, adapter: Adapter, ticket: Ticket | None, *, first: int) -> None:
        adapter.check(ticket, backbone.shapes)
        self._backbone, self._adapter, self._ticket, self._first = backbone, adapter, ticket, first
        self._moved = frozenset(nonzero_tensors(adapter.delta))

    @property
    def classifies(self) -> bool:
        """Whether a classification head answers."""
        return METHODS[self._adapter.method].classifies

    @property
    def vocabulary(self) -> int:
        """Rows of the word embeddings: the backbone's spare ones take soft tokens before further are added."""
        return max(self._backbone.info.vocabulary, self._first + len(self._adapter.prompt))

    @property
    def tied(self) -> bool:
        """Whether input and output embeddings are one matrix."""
        follows = STRATEGIES[self._adapter.strategy].ties_output or WORD_EMBEDDINGS not in self._moved
        return self._backbone.info.tied and follows

    def tensors(self) -> dict[str, Made]:
        """Everything, by name."""
        made = {name: self._made(name) for name in self._backbone.shapes if name not in (DECODER, LM_BIAS)}
        if self.classifies:
            return {name: each for name, each in made.items() if name.startswith("roberta.")} | self._head()
        made[LM_BIAS] = self._made(LM_BIAS)
        if not self.tied:
            made[DECODER], made[DECODER_BIAS] = self._made(DECODER), made[LM_BIAS]
        return dict(sorted(made.items()))

    def _made(self, name: str) -> Made:
        shape = self._backbone.shapes.get(name, self._backbone.decoder.shape)
        if name in (WORD_EMBEDDINGS, DECODER, LM_BIAS):
            shape = (self.vocabulary, *shape[1:])
        return Made(tuple(shape), partial(self._blocks, name))

    def _blocks(self, name: str) -> Iterator[Array]:
        if name in (WORD_EMBEDDINGS, DECODER):
            yield from self._matrix(name)
        else:
            yield self.whole(name).numpy()

    def whole(self, name: str) -> Tensor:
        """One tensor, fused; of word and output embeddings all in memory."""
        if name in (WORD_EMBEDDINGS, DECODER):
            return torch.cat([torch.from_numpy(block) for block in self._matrix(name)])
        pristine = self._backbone.parameters[name].cpu()
        if name in self._moved:
            fused = torch.empty_like(pristine)
            fuse_all([fuse_task(fused, pristine, self._adapter.delta, self._ticket, name)])
            pristine = fused
        if name == LM_BIAS:
            return torch.cat([pristine, torch.zeros(self.vocabulary - len(pristine))]).index_fill(0, self._soft, NEVER)
        return pristine

    @property
    def _soft(self) -> Tensor:
        return torch.arange(self._first, self._first + len(self._adapter.prompt))

    def _matrix(self, name: str) -> Iterator[Array]:
        """An embedding matrix, with the rows that moved, and in the input's the soft prompt; a block at a time."""
        pristine = self._backbone.parameters[WORD_EMBEDDINGS] if name == WORD_EMBEDDINGS else self._backbone.decoder
        rows = self._rows_of(name)
        for start in range(0, self.vocabulary, ROWS):
            block = torch.zeros(min(ROWS, self.vocabulary - start), pristine.shape[1])
            known = pristine[start : start + ROWS].cpu()
            block[: len(known)] = known
            for each in rows:
                here = (each.rows >= start) & (each.rows < start + len(block))
                block[each.rows[here] - start] = each.values[here]
            yield block.numpy()

    def _rows_of(self, name: str) -> list[Overlay]:
        """Rows that are other than the backbone's."""
        moved = None
        if name in self._moved:
            moved = overlay(self._backbone.parameters, self._adapter.delta, self._ticket, name=name)
        rows = [] if moved is None else [Overlay(moved.rows.cpu(), moved.values.cpu())]
        if name == WORD_EMBEDDINGS and len(self._adapter.prompt):
            rows.append(Overlay(self._soft, self._adapter.prompt.cpu()))
        return rows

    def _head(self) -> dict[str, Made]:
        """The classification head, calibrated: what it makes are the logits whose softmax is the answer."""
        head = dict(self._adapter.head)
        if (calibration := self._adapter.calibration) is not None:
            head["out.weight"] = head["out.weight"] / calibration.temperature
            head["out.bias"] = head["out.bias"] / calibration.temperature + torch.tensor(calibration.bias)
        made = {}
        for name, tensor in head.items():
            layer, _, part = name.partition(".")
            array = tensor.cpu().numpy()
            made[f"classifier.{IN_TRANSFORMERS.get(layer, layer)}.{part}"] = Made(
                tuple(array.shape), partial(iter, [array])
            )
        return made
