"""Which of many judgements of pairs are read: repeated pairs, annotators who agree, and those who do not.

A pair is known by a hash of eight bytes, so that files of any size can be looked through: of a judgement that is kept,
the number of its label, and its line.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ltp.config import Label
from ltp.text.examples.options import Conflicts
from ltp.text.examples.reading import Disagreement, Why

CODES: tuple[Label, ...] = ("entailment", "neutral", "contradiction", "not_entailment")
"""The labels by number; -1 is none."""
MOST_SHOWN = 10
AGREED, DISAGREED, OUTVOTED, TIED = 1, 2, 3, 4
REASONS = {
    AGREED: "another annotator said the same of the pair, which is read once",
    DISAGREED: "the pair stands with different labels",
    OUTVOTED: "most rows of the pair have another label",
    TIED: "the pair stands with different labels, each as often",
}
"""Why a judgement is not read, by number; 0 for one that is."""
WHY: dict[int, Why] = {AGREED: "repeated_judgement", DISAGREED: "disagree", OUTVOTED: "outvoted", TIED: "tied"}
"""The same as codes."""


@dataclass(frozen=True)
class Resolved:
    """What became of the judgements."""

    why: NDArray[np.int8]
    """For each judgement 0 or a number of REASONS."""
    duplicates: int
    conflicts: int
    disagreements: Sequence[Disagreement]


def resolve(
    pairs: array[int], codes: NDArray[np.int8], lines: array[int], *, rule: Conflicts, merged: bool
) -> Resolved:
    """Settle the judgements that have a label; `merged` makes one of annotators who say the same of a pair."""
    why = np.zeros(len(codes), np.int8)
    decided = np.flatnonzero(codes >= 0)
    keys = np.frombuffer(pairs, np.int64)[decided]
    order = decided[np.argsort(keys, kind="stable")]
    ordered = np.frombuffer(pairs, np.int64)[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(order) else np.zeros(0, np.int64)
    ends = np.r_[starts[1:], len(order)].astype(np.int64)
    labels = codes[order]
    differ = np.zeros(0, bool)
    if len(starts):
        differ = np.minimum.reduceat(labels, starts) != np.maximum.reduceat(labels, starts)
    disagreements: list[Disagreement] = []
    apart = np.flatnonzero(differ)
    for number in apart[np.argsort(order[starts[apart]])]:  # the pair that stands first in the file comes first
        start, end = starts[number], ends[number]
        group = order[start:end]
        if len(disagreements) < MOST_SHOWN:
            counts = Counter(CODES[code] for code in codes[group])
            disagreements.append(Disagreement(dict(counts), sorted({lines[index] for index in group})))
        why[group] = _by_rule(codes[group], rule)
    _merge(order, ordered, labels, why, merged=merged)
    kept = ordered[why[order] == 0]
    duplicates = len(kept) - _distinct(kept)
    return Resolved(why, duplicates, int(np.count_nonzero(differ)), disagreements)


def _by_rule(codes: NDArray[np.int8], rule: Conflicts) -> NDArray[np.int8]:
    """What becomes of the judgements of one pair on which there is no agreement."""
    if rule == "keep":
        return np.zeros(len(codes), np.int8)
    if rule == "drop":
        return np.full(len(codes), DISAGREED, np.int8)
    (label, most), (_, second), *_ = Counter(codes.tolist()).most_common()
    if most == second:
        return np.full(len(codes), TIED, np.int8)
    return np.where(codes == label, 0, OUTVOTED).astype(np.int8)


def _merge(
    order: NDArray[np.int64], keys: NDArray[np.int64], labels: NDArray[np.int8], why: NDArray[np.int8], *, merged: bool
) -> None:
    """Leave one of the judgements that say the same of one pair, if they are several annotators'."""
    if not merged or not len(order):
        return
    seen = np.lexsort((np.arange(len(order)), labels, keys))  # pair, then label, then place
    same = (keys[seen][1:] == keys[seen][:-1]) & (labels[seen][1:] == labels[seen][:-1])
    again = order[seen[1:][same]]
    why[again] = np.where(why[again] == 0, AGREED, why[again])


def _distinct(keys: NDArray[np.int64]) -> int:
    return int(np.count_nonzero(np.r_[True, keys[1:] != keys[:-1]])) if len(keys) else 0
