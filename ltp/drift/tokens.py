"""The corpus as token ids: one line one example, unless it is long and split into several. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ltp.config import LongLines, TextForm
from ltp.errors import CorpusError
from ltp.text.form import prepared
from ltp.text.sentences import LONG_RUN, windows

Ids = NDArray[np.int32]
Bools = NDArray[np.bool_]

CHUNK = 1000
"""Lines tokenized at a time."""


@dataclass(frozen=True)
class Tokens:
    """Examples laid end to end: `ids` (N,), example i being `ids[offsets[i]:offsets[i + 1]]`; `maskable` (N,)."""

    ids: Ids
    offsets: NDArray[np.int64]
    maskable: Bools
    truncated: int = 0
    """Examples that were cut."""
    cut: int = 0
    """Tokens that were cut off them."""
    split: int = 0
    """Lines that were split into several examples."""
    left_out: Ids = field(default_factory=lambda: np.empty(0, np.int32))
    """Tokens of the examples in which there was nothing to predict."""
    line_of: NDArray[np.int64] | None = None
    """(number of examples,): the line that each is of, ascending; None where each is a line of its own."""

    @property
    def lines(self) -> int:
        """Lines that there are examples of."""
        return len(self.lengths) if self.line_of is None else len(np.unique(self.line_of))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each example, `<s>` and `</s>` included."""
        return np.diff(self.offsets)

    def take(self, examples: NDArray[np.int64]) -> Tokens:
        """The same for some of the examples, in the order given."""
        places = concatenated_ranges(self.offsets[examples], self.lengths[examples])
        offsets = np.concatenate([[0], np.cumsum(self.lengths[examples])])
        return Tokens(self.ids[places], offsets, self.maskable[places])


def concatenated_ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give starts[0], starts[0] + 1, ... for lengths[0] numbers, then the same for every other pair."""
    ends = np.cumsum(lengths)
    shifts: NDArray[np.int64] = np.repeat(starts - (ends - lengths), lengths)
    return shifts + np.arange(len(shifts))


def tokenize(
    tokenizer: Tokenizer,
    lines: Sequence[str],
    *,
    special: Sequence[int],
    pad: int,
    max_length: int,
    report: Callable[[int], None],
    text_form: TextForm = 0,
    long_lines: LongLines = "cut",
) -> Tokens:
    """Encode each line as `<s> ... </s>` of at most `max_length` tokens; those with nothing to predict are left out.

    Longer lines are split into several examples (`ltp.text.sentences.windows`), or cut. A literal `<pad>` in the text
    is dropped: the model takes it for padding.

    Raises:
        CorpusError: fewer than two examples are left.
    """
    reader = _Reader(tokenizer, pad=pad, max_length=max_length, split=long_lines == "split")
    kept: list[Ids] = []
    line_of: list[int] = []
    left_out: list[Ids] = [np.empty(0, np.int32)]
    for start in range(0, len(lines), CHUNK):
        written = [prepared(line, text_form) for line in lines[start : start + CHUNK]]
        for number, ids in reader.examples(written):
            if np.isin(ids, special).all():
                left_out.append(ids)
            else:
                kept.append(ids)
                line_of.append(start + number)
        report(min(start + CHUNK, len(lines)))
    if len(kept) < 2:
        raise CorpusError(
            f"{len(kept)} of {len(lines)} lines can be used; one to train on and one to hold out are needed"
        )
    flat = np.concatenate(kept)
    return Tokens(
        ids=flat,
        offsets=np.concatenate([[0], np.cumsum([len(ids) for ids in kept])]).astype(np.int64),
        maskable=~np.isin(flat, special),
        truncated=reader.truncated,
        cut=reader.cut,
        split=reader.split_lines,
        left_out=np.concatenate(left_out),
        line_of=np.array(line_of) if reader.split_lines else None,
    )


class _Reader:
    """Encodes lines, splits the long ones, and counts what is split and cut."""

    def __init__(self, tokenizer: Tokenizer, *, pad: int, max_length: int, split: bool) -> None:
        self._tokenizer, self._pad, self._max_length, self._split = tokenizer, pad, max_length, split
        self._room = max_length - tokenizer.num_special_tokens_to_add(is_pair=False)
        self.truncated = self.cut = self.split_lines = 0

    def examples(self, lines: Sequence[str]) -> Iterator[tuple[int, Ids]]:
        """Yield the examples of some lines, each with its line's place among them."""
        numbered = [(number, line) for number, line in enumerate(lines) if line.strip()]
        short = [line for _, line in numbered if not self._is_endless(line)]
        encoded = iter(self._encoded(short))
        for number, line in numbered:
            ids = None if self._is_endless(line) else next(encoded)
            if ids is not None and (len(ids) <= self._max_length or not self._split):
                yield number, self._fitted(ids)
            else:
                count = 0
                for ids in self._windows(line, self._room):
                    count += 1
                    yield number, ids
                self.split_lines += count > 1

    def _is_endless(self, line: str) -> bool:
        """Whether a line to be split is so long that it is not even encoded whole."""
        return self._split and len(line) > LONG_RUN * self._max_length

    def _windows(self, line: str, room: int) -> Iterator[Ids]:
        pieces = windows(line, room=room, count=self._lengths)
        while some := list(islice(pieces, CHUNK)):
            for piece, ids in zip(some, self._encoded(some), strict=True):
                beyond = len(ids) - self._max_length  # together, sentences may be more tokens than each by itself
                if 0 < beyond < room and len(piece.split()) > 1:
                    yield from self._windows(piece, room - beyond)
                else:
                    yield self._fitted(ids)

    def _encoded(self, texts: Sequence[str]) -> Iterable[Ids]:
        for encoding in self._tokenizer.encode_batch_fast(texts):
            ids = np.array(encoding.ids, np.int32)
            yield ids[ids != self._pad]

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        return [len(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    def _fitted(self, ids: Ids) -> Ids:
        if (beyond := len(ids) - self._max_length) <= 0:
            return ids
        self.truncated += 1
        self.cut += beyond
        return np.append(ids[: self._max_length - 1], ids[-1])


def held_out(tokens: Tokens, shuffled: NDArray[np.int64], share: float) -> Bools:
    """Mark `share` of the examples, at least one and not all, by the order in which their lines are `shuffled`.

    All examples of a line are on one side, so that nothing is scored whose neighbour is trained on. Where every line
    has more than the share, single examples are marked.
    """
    count = len(tokens.lengths)
    left = min(max(round(share * count), 1), count - 1)
    spread = np.linspace(0, count - 1, left + 2).astype(np.int64)[1:-1]
    sizes = np.ones(count, np.int64) if tokens.line_of is None else np.unique(tokens.line_of, return_counts=True)[1]
    chosen = np.zeros(len(sizes), np.bool_)
    for line in shuffled:
        if sizes[line] <= left:
            chosen[line] = True
            left -= sizes[line]
        if not left:
            break
    if chosen.any():
        return np.repeat(chosen, sizes)
    return np.isin(np.arange(count), spread)
