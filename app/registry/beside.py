"""Two adapters beside each other, by the answers that were kept of both: on the pairs that both are scored on.

Neither was trained on those, which makes the comparison fair. A pair is the same where its texts are, as they are
compared (`ltp.text.examples.example.comparable`), and its label is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.registry.answers import Answer, Answers
from ltp.comparison import Comparison, compare
from ltp.text.examples.example import comparable

Pair = tuple[str, str, str]


@dataclass(frozen=True)
class Beside:
    """How many pairs each is scored on, how many are both's, and what these say; nothing where there are none."""

    first_pairs: int
    second_pairs: int
    common: int
    only_first_right: int = 0
    only_second_right: int = 0
    told: Comparison | None = None

    @property
    def same_pairs(self) -> bool:
        """Whether both are scored on exactly the same pairs."""
        return 0 < self.common == self.first_pairs == self.second_pairs


def beside(first: Answers, second: Answers) -> Beside:
    """Compare by the pairs that are in both; of a pair that is there twice the first counts."""
    ours, theirs = _by_pair(first), _by_pair(second)
    common = [pair for pair in ours if pair in theirs]
    counts = (len(ours), len(theirs), len(common))
    if not common or first.label_space != second.label_space:
        return Beside(*counts)
    right = [np.array([by[pair].is_right for pair in common]) for by in (ours, theirs)]
    told = compare(right[0], right[1], [premise for premise, _, _ in common])
    return Beside(*counts, int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum()), told)


def _by_pair(answers: Answers) -> Mapping[Pair, Answer]:
    found: dict[Pair, Answer] = {}
    for answer in map(answers.__getitem__, range(len(answers.lines))):
        found.setdefault((comparable(answer.premise), comparable(answer.hypothesis), answer.label), answer)
    return found
