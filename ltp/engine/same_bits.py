"""With which numbers of rows, layouts and threads a row comes out the same, bit for bit; found out on this machine.

What a processor's libraries do is not written down anywhere. So each shape of product is computed as serving would, on
rows that repeat each other: their results are equal to each other and to those of other numbers of rows, or that number
is not used. A few numbers are tried at the start, any other when a batch first asks for it, which takes about a tenth
of what that batch takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import count

import torch
import torch.nn.functional as F
from torch import Tensor

from ltp.compute.threads import map_single_threaded
from ltp.engine.row_counts import STEP, RowCounts

Product = Callable[[Tensor], Tensor]
Products = Callable[[], Sequence[Product]]
"""Makes one shape's product in every layout that serving computes it in."""
AT_START = (16, 64, 256, 512)
"""Numbers of rows; the most of these that agree are the ones that others have to agree with."""
EMULATED = (16, 64)
"""The same where no library computes the type in hardware: trying takes long there."""
DIVIDED = 128
"""A batch of no more rows may be divided among threads product by product; of larger ones each thread has its own."""
LENGTHS = (16, 48, 128, 256)
"""Of the grids that attention is tried on."""


class SameBits:
    """Tries one product of each shape in `shapes`, `width` its inputs; and `others`, whose rows never vary in number.

    `counts` are the numbers of rows that leave bits alone. `any_threads` tells whether few rows come out the same by
    one thread and by all; else each batch is computed by one. `any_layout` tells whether all layouts do, else only the
    first may be used.
    """

    def __init__(
        self, shapes: Sequence[tuple[int, Products]], dtype: torch.dtype, others: Callable[[], Tensor], *, fast: bool
    ) -> None:
        self._shapes, self._dtype = shapes, dtype
        numbers = AT_START if fast else EMULATED
        found = dict(zip(numbers, map_single_threaded(self._digests, numbers), strict=True))
        groups = Counter(digests for digests in found.values() if all(map(all, digests)))
        self._wanted = groups.most_common(1)[0][0] if groups else found[numbers[0]]
        self.any_layout = all(len({*layouts}) == 1 for layouts in self._wanted)
        always = [number for number in numbers if found[number] == self._wanted]
        self._known = {(1, number): number in always for number in numbers}
        self.counts = RowCounts(always, self._agrees)
        few = [number for number in always if number <= DIVIDED]
        (alone,) = map_single_threaded(lambda _: others(), [0])
        self.any_threads = bool(few) and all(map(self._agrees, few)) and torch.equal(others(), alone)

    def _agrees(self, number: int) -> bool:
        """Tell whether a row comes out as it should among so many, computed by the threads of this one."""
        key = torch.get_num_threads(), number
        if key not in self._known:  # two threads may both find out; they find the same
            self._known[key] = self._digests(number) == self._wanted
        return self._known[key]

    @torch.inference_mode()
    def _digests(self, number: int) -> tuple[tuple[bytes | None, ...], ...]:
        """For each shape and layout, what a row comes to among so many."""
        return tuple(
            tuple(digest(product, uneven(STEP, width).to(self._dtype), number) for product in products())
            for width, products in self._shapes
        )


def digest(product: Product, rows: Tensor, number: int) -> bytes | None:
    """Tell the bits that the product makes of STEP rows, or None where they depend on a row's place among `number`."""
    turned, tiles, first = rows.flip(0), number // STEP, None
    blocks = product(torch.cat([turned if tile % 2 else rows for tile in range(tiles)])).view(tiles, STEP, -1)
    for tile, block in zip(count(), blocks, strict=False):
        found = (block.flip(0) if tile % 2 else block).contiguous()
        first = found if first is None else first
        if not torch.equal(found, first):
            return None
    return None if first is None else blake2b(first.view(torch.uint8).numpy().tobytes()).digest()


def uneven(height: int, width: int) -> Tensor:
    """Numbers between -1 and 1 whose sums round differently in every order."""
    return torch.arange(height * width, dtype=torch.float32).mul_(0.7).sin_().view(height, width)


@torch.inference_mode()
def attention_and_head(hidden: int, heads: int, attention: torch.dtype, *, queries: int, rows: int) -> Tensor:
    """Compute what has no layout: attention in some grids, all tokens and `queries` of one, and `rows` of a head."""
    found = [F.linear(uneven(rows, hidden), uneven(hidden, hidden))]
    for length in LENGTHS:
        q, k, v = uneven(3 * length, hidden).to(attention).view(3, 1, length, heads, -1).transpose(2, 3).unbind(0)
        keys = torch.arange(length) < length - 1
        found += [
            F.scaled_dot_product_attention(asked, k, v, attn_mask=keys[None, None, None])
            for asked in (q, q[:, :, :1].expand(-1, -1, queries, -1))
        ]
    return torch.cat([each.float().flatten() for each in found])
