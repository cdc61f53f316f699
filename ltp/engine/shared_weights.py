"""What all adapters share: the backbone's tensors and products, templates, a scratch for each thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ltp.backbone.architecture import LM_BIAS, is_layer_norm
from ltp.backbone.load import Backbone
from ltp.config import VERBALIZER, Label, ServingPrecision, TextForm
from ltp.delta.delta import Delta
from ltp.engine.int8_linear import Int8Linear
from ltp.engine.int8_products import Int8Products
from ltp.engine.linear import Linear, reorders
from ltp.engine.precision import attention_type
from ltp.engine.projections import PackedLinear, Scratch, packed_linears
from ltp.engine.row_counts import ANY, RowCounts
from ltp.engine.same_bits import SameBits, attention_and_head
from ltp.errors import CorruptArtifact, InvalidConfig, VerbalizerNotSingleToken
from ltp.model.arithmetic import DTYPES
from ltp.model.head import Module, WordHead
from ltp.model.methods import METHODS, Form
from ltp.model.template import Template

if TYPE_CHECKING:
    from ltp.adapter.artefact import Adapter

QUERIES = 4
"""Rows that an example's one query is given in attention: a single row is computed by another loop than several."""
HEAD_ROWS = 16
"""Examples that a head is asked for at once."""
KEPT_TEMPLATES = KEPT_HEADS = 64
"""Templates and heads kept for the next adapter that has the same; imported ones may be of any length, or any words."""


class SharedWeights:
    """One backbone in one precision: that of the products. Embeddings, norms and residuals are fp32."""

    def __init__(
        self, backbone: Backbone, *, precision: ServingPrecision = "fp32", attention: torch.dtype | None = None
    ) -> None:
        """`attention` is the type that attention is computed in; None: the one that this processor is best at."""
        self.backbone, self.dtype = backbone, DTYPES["fp32" if precision == "int8" else precision]
        self.tensors, self.verbalizer = backbone.parameters, backbone.verbalizer
        self.device = backbone.verbalizer.device
        self.attention = attention_type(precision, self.device.type) if attention is None else attention
        self._own = {id(tensor) for tensor in self.tensors.values()}
        self.units = packed_linears(backbone)
        self._int8 = Int8Products(backbone, self.units) if precision == "int8" else None
        self.scratch = Scratch(self.units, dtype=self.dtype, device=self.device)
        self.products = {name: self._product(unit) for name, unit in self.units.items()}
        self.counts: RowCounts = ANY
        self.any_threads = self.any_layout = True
        if self.device.type == "cpu":
            self._find_out_what_agrees()
        self.norms = {name: self.module(name) for name in _norms(self.tensors)}
        self.head = self._head(self.verbalizer)
        self._heads: dict[tuple[str, ...], WordHead] = {}
        self._templates: dict[tuple[Form, int, int, bool, TextForm], Template] = {}

    def _find_out_what_agrees(self) -> None:
        """See `ltp.engine.same_bits`; on the backbone's own products, one of each shape."""
        shapes = {(unit.height, unit.width, unit.activation): unit for unit in self.units.values()}
        reordered = reorders(self.device.type, self.dtype)

        def both_layouts(unit: PackedLinear) -> list[Linear | Int8Linear]:
            product = self.products[unit.name]
            if isinstance(product, Int8Linear) or not reordered:
                return [product]
            return [product, Linear(*self._packed(unit), unit.activation, reorder=False)]

        architecture, hidden = self.backbone.architecture, self.backbone.info.hidden
        bits = SameBits(
            [(unit.width, partial(both_layouts, unit)) for unit in shapes.values()],
            self.dtype,
            partial(attention_and_head, hidden, architecture.heads, self.attention, queries=QUERIES, rows=HEAD_ROWS),
            fast=reordered,
        )
        self.counts, self.any_threads, self.any_layout = bits.counts, bits.any_threads, bits.any_layout

    def module(self, name: str) -> Module:
        """The backbone's own weight and bias of a module."""
        return self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]

    def head_of(self, words: Mapping[Label, str]) -> WordHead:
        """The backbone's own head with some words, one object for all adapters that have the same.

        Raises:
            CorruptArtifact: they are not one token each.
        """
        key = tuple(words.values())
        if words == VERBALIZER:
            return self.head
        if key not in self._heads:
            for oldest in list(self._heads)[: 1 - KEPT_HEADS]:
                self._heads.pop(oldest, None)  # what has it keeps it
            self._heads[key] = self._head(self.tokens_of(words))
        return self._heads[key]

    def tokens_of(self, words: Mapping[Label, str]) -> Tensor:
        """The tokens of an adapter's words, (K,).

        Raises:
            CorruptArtifact: they are not one token each, so that training could not have used them.
        """
        try:
            return self.backbone.tokens_of(words)
        except VerbalizerNotSingleToken as error:
            raise CorruptArtifact(f"the adapter's verbalizer cannot be: {error}") from error

    def keeps(self, head: WordHead) -> bool:
        """Whether a head is one that adapters share."""
        return any(head is kept for kept in (self.head, *self._heads.values()))

    def owns(self, tensor: Tensor) -> bool:
        """Whether it is one of the backbone's own, which no adapter keeps in memory."""
        return id(tensor) in self._own

    def _head(self, tokens: Tensor) -> WordHead:
        answers = self.backbone.decoder[tokens], self.tensors[LM_BIAS][tokens]
        epsilon = self.backbone.architecture.norm_epsilon
        return WordHead(self.module("lm_head.dense"), self.module("lm_head.layer_norm"), answers, epsilon)

    def _product(self, unit: PackedLinear) -> Linear | Int8Linear:
        return self.linear(unit, *self._packed(unit))

    def _packed(self, unit: PackedLinear) -> Module:
        """Weight (height, width) and bias (height,) of a product."""
        modules = [self.module(module) for module in unit.modules]
        weight, bias = (torch.cat(parts).to(self.dtype) for parts in zip(*modules, strict=True))
        return weight, bias

    def linear(self, unit: PackedLinear, weight: Tensor, bias: Tensor, *, reorder: bool = True) -> Linear | Int8Linear:
        """A unit's product, in int8 where that is the precision and the unit is computed so; see `Linear`."""
        if self._int8 and self._int8.takes(unit):
            return self._int8.linear(unit, weight, bias)
        return Linear(weight, bias, unit.activation, reorder=reorder)

    def copies_weight(self, unit: PackedLinear) -> bool:
        """Whether a product that is kept holds its weight in another form than the one it was made of."""
        return bool(self._int8 and self._int8.takes(unit)) or reorders(self.device.type, self.dtype)

    def product_nbytes(self, unit: PackedLinear) -> int:
        """Bytes that a product of a unit keeps."""
        if self._int8 and self._int8.takes(unit):
            return self._int8.nbytes(unit)
        return (unit.size + unit.height) * self.dtype.itemsize

    def template(self, adapter: Adapter) -> Template:
        """The template of an adapter, one object for all that have the same.

        Raises:
            CorruptArtifact: it fits no input of this backbone.
        """
        options = adapter.template
        form, length = METHODS[adapter.method].form, len(adapter.prompt)
        key = (form, length, options.max_length, options.literal, adapter.text_form)
        template = self._templates.get(key)
        if template is None:
            try:
                template = Template(
                    self.backbone,
                    prompt_length=length,
                    max_length=options.max_length,
                    text_form=adapter.text_form,
                    literal=options.literal,
                    form=form,
                )
            except InvalidConfig as error:  # training could not have used it
                raise CorruptArtifact(f"the adapter's template cannot be: {error}") from error
            for oldest in list(self._templates)[: 1 - KEPT_TEMPLATES]:
                self._templates.pop(oldest, None)  # what has it keeps it
            self._templates[key] = template
        return template

    def kept(self, delta: Delta) -> Delta:
        """A delta in the memory its values are copied from when needed: pinned, for another device than the CPU."""
        if self.device.type == "cpu":
            return delta
        values, scales = (
            {name: tensor.pin_memory() for name, tensor in stored.items()} for stored in (delta.values, delta.scales)
        )
        return replace(delta, values=values, scales=scales)


def _norms(tensors: dict[str, Tensor]) -> list[str]:
    return sorted({name.rpartition(".")[0] for name in tensors if is_layer_norm(name)})
