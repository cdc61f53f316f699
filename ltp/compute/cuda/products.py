"""Products of rows with many weights in one launch: each stretch of rows with a weight of its own.

What S-LoRA and Punica do for low-rank adapters, for whole weights: with one product an adapter a GPU would spend its
time on launches, and on products too small to fill it.

Dimensions: E stretches, U products, Q tiles.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ltp.compute.cuda.masks import launching_on

ROWS, COLUMNS, DEPTH = 64, 128, 64
"""Of one program's product: a stretch of 45 tokens, an average pair, is one tile."""
WARPS, STAGES = 4, 4
TILE = 4
"""Numbers of a tile: addresses of weight and bias, the first row and the one after the last."""
Numbers = NDArray[np.int64]


def tiles(starts: Numbers, stops: Numbers, addresses: Numbers) -> Numbers:
    """Cut stretches, from `starts` to before `stops` (E,), into tiles of at most ROWS rows: (U, Q, TILE).

    `addresses` (E, U, 2) are those of each stretch's weight and bias in each product.
    """
    counts = -(-(stops - starts) // ROWS)  # (E,)
    owner = np.arange(len(starts)).repeat(counts)  # (Q,)
    number = np.arange(len(owner)) - (counts.cumsum() - counts)[owner]
    table = np.empty((addresses.shape[1], len(owner), TILE), np.int64)
    table[:, :, :2] = addresses[owner].swapaxes(0, 1)
    table[:, :, 2] = starts[owner] + ROWS * number
    table[:, :, 3] = np.minimum(table[:, :, 2] + ROWS, stops[owner])
    return table


def multiply(rows: Tensor, table: Tensor, height: int) -> Tensor:
    """Multiply rows (N, I) into (N, O), where `table` (Q, TILE), on the same device, covers every row once."""
    from ltp.compute.cuda import kernels

    rows = rows.contiguous()
    half = rows.dtype == torch.bfloat16
    depth = DEPTH if half else DEPTH // 2
    out = rows.new_empty(len(rows), height)
    with launching_on(rows.device):
        kernels.multiply[(-(-height // COLUMNS), len(table))](
            rows,
            table,
            out,
            rows.shape[1],
            height,
            ROWS=ROWS,
            COLUMNS=COLUMNS,
            DEPTH=depth,
            STEPS=-(-rows.shape[1] // depth),
            TILE=TILE,
            num_warps=WARPS,
            num_stages=STAGES if half else STAGES - 1,
        )
    return out
