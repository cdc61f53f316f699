"""The matrix products of a training step, by the shapes of the encoder alone, and how long they take by themselves.

What a step cannot do without: each product forward, for the gradient of what it reads, and for the gradient of its
weight where that trains; attention over the padded lines; the last layer where something is asked for alone.

Dimensions: N tokens, A tokens that are asked for, B lines, T tokens of the longest, Q the most asked for in one line,
h heads, d numbers a head, H hidden, F inner, V words that are scored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor


@dataclass(frozen=True)
class Model:
    """Sizes of an encoder, and what trains."""

    layers: int
    hidden: int
    inner: int
    heads: int
    scored: int
    """V: rows of the decoder that are read at each token asked for."""
    decoder_trains: bool = False
    head_trains: bool = True


@dataclass(frozen=True)
class Load:
    """A batch, or the part of one that is computed at a time."""

    tokens: int
    asked: int
    lines: int
    longest: int
    queries: int


@dataclass(frozen=True)
class Linear:
    """`rows` tokens through a weight (out, into), and back."""

    rows: int
    into: int
    out: int
    trains: bool = True

    @property
    def operations(self) -> int:
        """Additions and multiplications."""
        return 2 * self.rows * self.into * self.out * (2 + self.trains)


@dataclass(frozen=True)
class Mixing:
    """Attention's two products and their four gradients: `queries` of `keys` tokens, in so many blocks."""

    blocks: int
    queries: int
    keys: int
    width: int

    @property
    def operations(self) -> int:
        """Additions and multiplications."""
        return 2 * self.blocks * self.queries * self.keys * self.width * 6


def products_of(model: Model, load: Load) -> Iterator[Linear | Mixing]:
    """All of them, layer by layer."""
    hidden, width = model.hidden, model.hidden // model.heads
    for layer in range(model.layers):
        last = layer == model.layers - 1
        asking, queries = (load.asked, load.queries) if last else (load.tokens, load.longest)
        yield Linear(asking, hidden, hidden)
        yield from [Linear(load.tokens, hidden, hidden)] * 2
        yield Mixing(load.lines * model.heads, queries, load.longest, width)
        yield Linear(asking, hidden, hidden)
        yield Linear(asking, hidden, model.inner)
        yield Linear(asking, model.inner, hidden)
    yield Linear(load.asked, hidden, hidden, trains=model.head_trains)
    yield Linear(load.asked, hidden, model.scored, trains=model.decoder_trains)


class Products:
    """The products of one model after the other's batches; every layer has a weight of its own, as in the model.

    What they write is made before they are timed, and shared, so that nothing but products takes time.
    """

    def __init__(self, model: Model, dtype: torch.dtype) -> None:
        self._model, self._dtype = model, dtype
        self._held: dict[tuple[object, ...], Tensor] = {}

    def seconds(self, loads: Sequence[Load]) -> float:
        """Compute a step's products once."""
        numbered = [enumerate(products_of(self._model, load)) for load in loads]
        calls = [call for products in numbered for number, each in products for call in self._calls(number, each)]
        began = time.perf_counter()
        for call in calls:
            call()
        return time.perf_counter() - began

    def _tensor(self, what: object, *shape: int) -> Tensor:
        if (what, shape) not in self._held:
            self._held[what, shape] = torch.randn(shape).to(self._dtype)
        return self._held[what, shape]

    def _calls(self, number: int, product: Linear | Mixing) -> Iterator[Callable[[], object]]:
        if isinstance(product, Linear):
            weight = self._tensor(number, product.out, product.into)
            given, result = (
                self._tensor("given", product.rows, product.into),
                self._tensor("out", product.rows, product.out),
            )
            back = self._tensor("back", product.rows, product.into)
            yield partial(torch.mm, given, weight.T, out=result)
            yield partial(torch.mm, result, weight, out=back)
            if product.trains:
                yield partial(torch.mm, result.T, given, out=self._tensor("gradient", product.out, product.into))
            return
        q = self._tensor("q", product.blocks, product.queries, product.width).float()
        k = self._tensor("k", product.blocks, product.keys, product.width).float()
        scores = self._tensor("scores", product.blocks, product.queries, product.keys).float()
        to_q = self._tensor("to q", product.blocks, product.queries, product.width).float()
        to_k = self._tensor("to k", product.blocks, product.keys, product.width).float()
        yield from [partial(torch.bmm, q, k.transpose(1, 2), out=scores)] * 2  # scores; what reaches probabilities
        yield from [partial(torch.bmm, scores, k, out=to_q)] * 2  # the mixture; the gradient of q
        yield from [partial(torch.bmm, scores.transpose(1, 2), q, out=to_k)] * 2  # the gradients of k and of v
