"""A training step's batch, as a whole or in parts that are computed one after the other and add up to its gradient.

What a step keeps for the way back grows with its tokens and, in attention, with their number times the length of the
longest example. The paper's batches are computed as a whole; of larger ones memory would follow the batch size and the
examples' length, so they are cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class PartSize(NamedTuple):
    """How much of a batch is computed at a time."""

    whole: int = 8192
    """Padded tokens up to which a batch is not cut: the paper's 32 examples of 256 tokens (4.2)."""
    whole_length: int = 256
    """Tokens of the longest example up to which a batch is not cut (4.2)."""
    tokens: int = 2048
    """Padded tokens of a part of one that is: stage 1's, enough to keep every core busy."""

    def holds(self, examples: int, longest: int) -> bool:
        """Tell whether a batch is computed as a whole."""
        return longest <= self.whole_length and examples * longest <= self.whole

    def largest(self, examples: int, longest: int) -> list[tuple[int, int]]:
        """Return examples and length of what a batch takes most memory for: as a whole if it can be, and in parts."""
        short = min(longest, self.whole_length)
        sizes = [(min(examples, max(1, self.tokens // longest)), longest)]
        return [*sizes, (min(examples, self.whole // short), short)] if self.whole >= short else sizes


USUAL = PartSize()


def micro_batches(chosen: Sequence[int], lengths: Sequence[int], size: PartSize) -> Iterator[list[int]]:
    """Cut a batch, indices into `lengths`, into parts of a bounded number of padded tokens, but one example at least.

    A batch that is not cut keeps its order; of others the longest examples come first.
    """
    if size.holds(len(chosen), max(lengths[index] for index in chosen)):
        yield list(chosen)
        return
    part: list[int] = []
    for index in sorted(chosen, key=lambda index: -lengths[index]):
        if part and (len(part) + 1) * lengths[part[0]] > size.tokens:
            yield part
            part = []
        part.append(index)
    yield part
