"""The order of a pass over the training examples: which batch takes which, by the seed and the epoch."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ltp.config import Order
from ltp.training.seeds import step_seed

POOL = 32
"""Batches' worth of shuffled examples that are sorted by length together."""


def epoch_batches(
    lengths: Sequence[int],
    batch_size: int,
    *,
    order: Order,
    seed: int,
    purpose: int,
    epoch: int,
    drawn: Sequence[int] | None = None,
) -> list[list[int]]:
    """Deal all examples, whose `lengths` are in tokens, into batches of `batch_size`; the last may be smaller.

    `drawn` are indices of those that the epoch has, some perhaps more than once, where these are not all.

    `shuffled` cuts a permutation. `by_length` sorts pools of it by length, cuts those, and shuffles the batches, so
    that a batch is hardly padded, and what is learnt first does not depend on length.
    """
    generator = torch.Generator().manual_seed(step_seed(seed, purpose, epoch))
    shuffled = torch.randperm(len(lengths if drawn is None else drawn), generator=generator).tolist()
    if drawn is not None:
        shuffled = [drawn[place] for place in shuffled]
    if order == "shuffled":
        return [shuffled[start : start + batch_size] for start in range(0, len(shuffled), batch_size)]
    batches: list[list[int]] = []
    for start in range(0, len(shuffled), POOL * batch_size):
        pool = sorted(shuffled[start : start + POOL * batch_size], key=lambda index: lengths[index])
        batches += [pool[first : first + batch_size] for first in range(0, len(pool), batch_size)]
    return [batches[index] for index in torch.randperm(len(batches), generator=generator).tolist()]
