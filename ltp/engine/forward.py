"""The forward pass of a batch that mixes adapters: what they share runs once, what one changed runs on its tokens.

The arithmetic is that of `ltp.model.encoder` (a test holds both to each other): tokens packed, the last layer at
`<mask>` alone, logits for the verbalizer alone. Attention works example by example and is the same for all
adapters; for each product and norm the adapters that change it are computed apart. Each row of a product, each
example of a grid and each norm is computed by itself, so that an answer has the same bits in any company.

Dimensions: B examples, A rows for what is asked of them, K labels, N tokens, R rows for them, H hidden, G examples of
a grid, T tokens that have place in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ltp.backbone.architecture import POSITION_EMBEDDINGS, TYPE_EMBEDDINGS, WORD_EMBEDDINGS
from ltp.engine.adapter_view import AdapterView
from ltp.engine.grouped import Grouping, is_shared, product_of
from ltp.engine.packing import AttentionGrid, MixedBatch
from ltp.engine.row_counts import RowCounts
from ltp.engine.shared_weights import HEAD_ROWS, QUERIES, SharedWeights
from ltp.model.encoder import EMBEDDING_NORM
from ltp.model.head import ClassHead, WordHead

T = TypeVar("T")
Head = WordHead | ClassHead
Edges = Sequence[tuple[AdapterView, int, int]]
"""Adapters in the order of the batch, each with the stretch of rows that is its own."""


class Forward:
    """Computes verbalizer logits on what `shared` holds. Threads may share it, each with batches of its own.

    `grouping` settles which products adapters compute together.
    """

    def __init__(self, shared: SharedWeights, *, grouping: Grouping | None = None) -> None:
        self._shared, self._grouping = shared, grouping or Grouping(shared)
        architecture = shared.backbone.architecture
        self._heads, self._epsilon = architecture.heads, architecture.norm_epsilon
        self._last = architecture.layers - 1

    def __call__(self, batch: MixedBatch) -> Tensor:
        """Return logits (B, K) in the order of each adapter's labels, and -inf after them where it has fewer than K."""
        tokens = self._grouping([(span.view, *span.tokens) for span in batch.spans])
        examples = self._grouping([(span.view, *span.examples) for span in batch.spans])
        hidden, counts = self._embed(batch, tokens), batch.counts  # (R, H)
        for layer in range(self._last):
            context = self._attend(self._product(f"{layer}.qkv", hidden, tokens, counts), batch)
            hidden = self._rest(layer, context, hidden, tokens, counts)
        asked = hidden.index_select(0, batch.mask)  # (A, H)
        q = self._product(f"{self._last}.q", asked, examples, counts)
        context = self._attend_at_mask(q, self._product(f"{self._last}.kv", hidden, tokens, counts), batch)
        return self._logits(self._rest(self._last, context, asked, examples, counts), examples)

    def _logits(self, hidden: Tensor, examples: Edges) -> Tensor:
        own: Head = self._shared.head
        most = max(view.classes for view, _, _ in examples)
        parts = [
            _filled(in_blocks(head, hidden[start:stop]), most)
            for head, start, stop in _runs(examples, lambda view: view.head or own)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _embed(self, batch: MixedBatch, tokens: Edges) -> Tensor:
        words = self._look_up(WORD_EMBEDDINGS, batch.ids, tokens).index_copy_(0, batch.soft, batch.prompts)
        if any(TYPE_EMBEDDINGS in view.embeddings for view, _, _ in tokens):
            words += self._look_up(TYPE_EMBEDDINGS, torch.zeros_like(batch.ids), tokens)
        else:
            words += self._shared.tensors[TYPE_EMBEDDINGS][0]
        return self._norm(
            EMBEDDING_NORM, words.add_(self._look_up(POSITION_EMBEDDINGS, batch.positions, tokens)), tokens
        )

    def _look_up(self, name: str, ids: Tensor, tokens: Edges) -> Tensor:
        vectors = F.embedding(ids, self._shared.tensors[name])  # (R, H)
        for view, start, stop in tokens:
            if rows := view.embeddings.get(name):
                rows.patch(ids[start:stop], vectors[start:stop])
        return vectors

    def _rest(self, layer: int, context: Tensor, residual: Tensor, edges: Edges, counts: RowCounts) -> Tensor:
        """What follows attention in a layer."""
        name = f"roberta.encoder.layer.{layer}"
        mixed = self._product(f"{layer}.mix", context, edges, counts).float()
        hidden = self._norm(f"{name}.attention.output.LayerNorm", mixed.add_(residual), edges)
        inner = self._product(f"{layer}.inner", hidden, edges, counts)
        mixed = self._product(f"{layer}.outer", inner, edges, counts).float()
        return self._norm(f"{name}.output.LayerNorm", mixed.add_(hidden), edges)

    def _attend(self, qkv: Tensor, batch: MixedBatch) -> Tensor:
        """Mix the values (R, 3 H) of each example, into (R, H)."""
        contexts = []
        for grid in batch.grids:
            q, k, v = self._split(grid.of(qkv), grid, 3)
            contexts.append(self._mix(q, k, v, grid))
        return _laid_out(contexts, batch.places).to(qkv.dtype)

    def _attend_at_mask(self, q: Tensor, kv: Tensor, batch: MixedBatch) -> Tensor:
        """The same for one query (A, H) an example, into (A, H)."""
        contexts = []
        for grid in batch.grids:
            (mine,) = self._split(q.index_select(0, grid.examples), grid, 1)  # (G, heads, 1, d)
            k, v = self._split(grid.of(kv), grid, 2)
            contexts.append(self._mix(mine.expand(-1, -1, QUERIES, -1), k, v, grid)[::QUERIES])
        return _laid_out(contexts, batch.places_asked).to(q.dtype)

    def _split(self, cells: Tensor, grid: AttentionGrid, parts: int) -> Sequence[Tensor]:
        cells = cells.to(self._shared.attention)
        split = cells.view(grid.size, -1, parts, self._heads, cells.shape[1] // parts // self._heads)
        return split.permute(2, 0, 3, 1, 4).unbind(0)  # (G, heads, T, d) each

    @staticmethod
    def _mix(q: Tensor, k: Tensor, v: Tensor, grid: AttentionGrid) -> Tensor:
        context = F.scaled_dot_product_attention(q, k, v, attn_mask=grid.keys)  # (G, heads, T, d)
        return context.transpose(1, 2).reshape(-1, q.shape[1] * q.shape[3])

    def _product(self, unit: str, rows: Tensor, edges: Edges, counts: RowCounts) -> Tensor:
        own = self._shared.products[unit]
        rows = rows.to(self._shared.dtype)
        if (product := product_of(edges, unit, rows, own)) is not None:
            return product
        return in_calls(rows, _runs(edges, lambda view: view.products.get(unit, own)), counts)

    def _norm(self, name: str, rows: Tensor, edges: Edges) -> Tensor:
        own = self._shared.norms[name]
        if is_shared(edges, name):
            return F.layer_norm(rows, rows.shape[-1:], *own, self._epsilon)
        runs = _runs(edges, lambda view: view.norms.get(name, own))
        if len(runs) == 1:
            return F.layer_norm(rows, rows.shape[-1:], *runs[0][0], self._epsilon)
        for module, start, stop in runs:
            part = rows[start:stop]
            part.copy_(F.layer_norm(part, part.shape[-1:], *module, self._epsilon))
        return rows


def _runs(edges: Edges, of: Callable[[AdapterView], T]) -> list[tuple[T, int, int]]:
    """Find what each adapter has for its rows; neighbours that have the same are taken together."""
    runs: list[tuple[T, int, int]] = []
    for view, start, stop in edges:
        mine = of(view)
        if runs and runs[-1][0] is mine:
            runs[-1] = (mine, runs[-1][1], stop)
        else:
            runs.append((mine, start, stop))
    return runs


def in_calls(rows: Tensor, runs: Sequence[tuple[Callable[[Tensor], Tensor], int, int]], counts: RowCounts) -> Tensor:
    """Multiply each run of `rows` by its product, with numbers of rows that are in use; rows of no run become 0.

    Rows beyond a run's end are computed with it and left out.
    """
    calls = list(_calls(runs, counts))
    if len(calls) == 1 and calls[0].size == len(rows):
        return calls[0].product(rows)
    joined: Tensor | None = None
    for product, start, count, stop in calls:  # each part is copied while it is still in the cache
        first = min(start, len(rows) - count)
        part = product(rows[first : first + count])
        if joined is None:
            joined = part.new_empty(len(rows), part.shape[1])
            joined[runs[-1][2] :] = 0
        joined[start:stop] = part[start - first : stop - first]
    assert joined is not None  # noqa: S101  there are runs
    return joined


class _Call(NamedTuple):
    """One call of a product: `size` rows from `start` on, of which those before `stop` are wanted."""

    product: Callable[[Tensor], Tensor]
    start: int
    size: int
    stop: int


def _calls(runs: Sequence[tuple[Callable[[Tensor], Tensor], int, int]], counts: RowCounts) -> Iterator[_Call]:
    for product, start, stop in runs:
        for count in counts.calls(stop - start):
            yield _Call(product, start, count, min(start + count, stop))
            start += count


def in_blocks(head: Head, hidden: Tensor) -> Tensor:
    """Apply a head to (B, H) by HEAD_ROWS rows at a time, the last of them padding; (B, K)."""
    padded = F.pad(hidden, (0, 0, 0, -len(hidden) % HEAD_ROWS))
    return torch.cat([head(block) for block in torch.split(padded, HEAD_ROWS)])[: len(hidden)]


def _laid_out(contexts: list[Tensor], places: Tensor) -> Tensor:
    """Take the cells at `places` out of those of all grids."""
    return (contexts[0] if len(contexts) == 1 else torch.cat(contexts)).index_select(0, places)


def _filled(logits: Tensor, classes: int) -> Tensor:
    """Add columns of -inf, up to so many, which no softmax sees."""
    missing = classes - logits.shape[1]
    return F.pad(logits, (0, missing), value=-torch.inf) if missing else logits
