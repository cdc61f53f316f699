"""A training step's batch in parts that are computed one after the other, and whose gradients add up to the batch's.

What a step keeps for the way back grows with its tokens and, in attention, with their number times the length of the
longest example. A part is bounded in both, so that memory does not depend on the batch size or the examples' length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

PART_TOKENS = 8192
"""Padded tokens computed at a time: 32 examples, the paper's batch, of 256 tokens, its longest input (4.2)."""
LONG = 256
"""Tokens from which on an example's attention counts, too: one of twice the length has twice as many scores a token."""


def weight_of(length: int) -> int:
    """How many tokens an example of `length` padded tokens counts for."""
    return -(-length * max(length, LONG) // LONG)


def micro_batches(chosen: Sequence[int], lengths: Sequence[int], *, tokens: int = PART_TOKENS) -> Iterator[list[int]]:
    """Cut a batch, indices into `lengths`, into parts of at most `tokens` padded tokens, but one example at least.

    A batch that fits is one part, in its own order; of another the longest examples come first.
    """
    part: list[int] = []
    longest = max(lengths[index] for index in chosen)
    fits = len(chosen) * weight_of(longest) <= tokens
    for index in chosen if fits else sorted(chosen, key=lambda index: -lengths[index]):
        if not fits and part and (len(part) + 1) * weight_of(lengths[part[0]]) > tokens:
            yield part
            part = []
        part.append(index)
    yield part


def largest_part(batch_size: int, length: int, *, tokens: int = PART_TOKENS) -> int:
    """Count the examples that are computed at a time when all of a batch have `length` tokens."""
    return max(1, min(batch_size, tokens // weight_of(length)))
