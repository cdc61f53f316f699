"""The forward pass of a batch that mixes adapters: what they share runs once, what one changed runs on its tokens.

The arithmetic is that of `ltp.model.encoder` (a test holds both to each other): tokens packed, the last layer at
`<mask>` alone, logits for the verbalizer alone. Attention works example by example and is the same for all
adapters; for each product and norm the adapters that change it are computed apart.

Dimensions: B examples, K labels, N tokens, H hidden, G examples of a grid, T tokens of its longest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ltp.backbone.architecture import POSITION_EMBEDDINGS, TYPE_EMBEDDINGS, WORD_EMBEDDINGS
from ltp.engine.adapter_view import AdapterView
from ltp.engine.grouped import Grouping, is_shared, product_of
from ltp.engine.packing import AttentionGrid, MixedBatch
from ltp.engine.shared_weights import SharedWeights
from ltp.model.encoder import EMBEDDING_NORM
from ltp.model.head import ClassHead, WordHead

T = TypeVar("T")
Head = WordHead | ClassHead
STEP = 4
"""A processor's products are compiled for each number of rows, which costs more than a few further rows do."""
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
        hidden = self._embed(batch, tokens)
        for layer in range(self._last):
            context = self._attend(self._product(f"{layer}.qkv", hidden, tokens), batch)
            hidden = self._rest(layer, context, hidden, tokens)
        asked = hidden.index_select(0, batch.mask)  # (B, H)
        q = self._product(f"{self._last}.q", asked, examples)
        context = self._attend_at_mask(q, self._product(f"{self._last}.kv", hidden, tokens), batch)
        hidden = self._rest(self._last, context, asked, examples)
        own: Head = self._shared.head
        most = max(view.classes for view, _, _ in examples)
        return self._by_run(
            hidden, examples, lambda view: view.head or own, lambda part, head: _filled(head(part), most)
        )

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
        vectors = F.embedding(ids, self._shared.tensors[name])  # (N, H)
        for view, start, stop in tokens:
            if rows := view.embeddings.get(name):
                rows.patch(ids[start:stop], vectors[start:stop])
        return vectors

    def _rest(self, layer: int, context: Tensor, residual: Tensor, edges: Edges) -> Tensor:
        """What follows attention in a layer."""
        name = f"roberta.encoder.layer.{layer}"
        mixed = self._product(f"{layer}.mix", context, edges).float()
        hidden = self._norm(f"{name}.attention.output.LayerNorm", mixed.add_(residual), edges)
        inner = self._product(f"{layer}.inner", hidden, edges)
        mixed = self._product(f"{layer}.outer", inner, edges).float()
        return self._norm(f"{name}.output.LayerNorm", mixed.add_(hidden), edges)

    def _attend(self, qkv: Tensor, batch: MixedBatch) -> Tensor:
        """Mix the values (N, 3 H) of each example, into (N, H)."""
        count, width = len(qkv), qkv.shape[1] // 3
        context = qkv.new_empty(count + 1, width)  # the last row takes what comes out of padding
        for grid in batch.grids:
            q, k, v = self._split(qkv.index_select(0, grid.cells), grid, 3)
            context.index_copy_(0, grid.targets, self._mix(q, k, v, grid).to(context.dtype))
        return context[:count]

    def _attend_at_mask(self, q: Tensor, kv: Tensor, batch: MixedBatch) -> Tensor:
        """The same for one query (B, H) an example, into (B, H)."""
        context = torch.empty_like(q)
        for grid in batch.grids:
            (mine,) = self._split(q.index_select(0, grid.examples), grid, 1)
            k, v = self._split(kv.index_select(0, grid.cells), grid, 2)
            context.index_copy_(0, grid.examples, self._mix(mine, k, v, grid).to(context.dtype))
        return context

    def _split(self, cells: Tensor, grid: AttentionGrid, parts: int) -> Sequence[Tensor]:
        split = cells.float().view(grid.size, -1, parts, self._heads, cells.shape[1] // parts // self._heads)
        return split.permute(2, 0, 3, 1, 4).unbind(0)  # (G, heads, T, d) each

    @staticmethod
    def _mix(q: Tensor, k: Tensor, v: Tensor, grid: AttentionGrid) -> Tensor:
        context = F.scaled_dot_product_attention(q, k, v, attn_mask=grid.keys)  # (G, heads, T, d)
        return context.transpose(1, 2).reshape(-1, q.shape[1] * q.shape[3])

    def _product(self, unit: str, tokens: Tensor, edges: Edges) -> Tensor:
        own = self._shared.products[unit]
        tokens = tokens.to(self._shared.dtype)
        if (product := product_of(edges, unit, tokens, own)) is not None:
            return product
        return self._by_run(
            tokens, edges, lambda view: view.products.get(unit, own), lambda part, product: product(part)
        )

    def _norm(self, name: str, tokens: Tensor, edges: Edges) -> Tensor:
        own = self._shared.norms[name]

        def norm(part: Tensor, module: tuple[Tensor, Tensor]) -> Tensor:
            return F.layer_norm(part, part.shape[-1:], *module, self._epsilon)

        if is_shared(edges, name):
            return norm(tokens, own)
        return self._by_run(tokens, edges, lambda view: view.norms.get(name, own), norm)

    def _by_run(
        self, rows: Tensor, edges: Edges, of: Callable[[AdapterView], T], compute: Callable[[Tensor, T], Tensor]
    ) -> Tensor:
        """Compute `rows` with what each adapter has; neighbours that have the same are taken together."""
        runs: list[tuple[T, int, int]] = []
        for view, start, stop in edges:
            mine = of(view)
            if runs and runs[-1][0] is mine:
                runs[-1] = (mine, runs[-1][1], stop)
            else:
                runs.append((mine, start, stop))
        if len(runs) == 1:
            return compute(rows, runs[0][0])
        joined: Tensor | None = None
        for mine, start, stop in runs:  # each part is copied while it is still in the cache
            first, last = _rounded(start, stop, len(rows))
            part = compute(rows[first:last], mine)
            if joined is None:
                joined = part.new_empty(len(rows), part.shape[1])
            joined[start:stop] = part[start - first : stop - first]
        assert joined is not None  # noqa: S101  there are runs
        return joined


def _filled(logits: Tensor, classes: int) -> Tensor:
    """Add columns of -inf, up to so many, which no softmax sees."""
    missing = classes - logits.shape[1]
    return F.pad(logits, (0, missing), value=-torch.inf) if missing else logits


def _rounded(start: int, stop: int, count: int) -> tuple[int, int]:
    """Widen a stretch of `count` rows to a multiple of STEP, if there are as many."""
    size = -(-(stop - start) // STEP) * STEP
    last = min(start + size, count)
    return max(last - size, 0), last
