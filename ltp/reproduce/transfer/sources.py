"""A bounded sample of source languages' pairs, for training together with a few of the target's.

They are of XNLI's development set, of the rows that no shot translates, each row once, the languages in turn.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Collection
from dataclasses import dataclass, field

from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.transfer.alignment import XNLI
from ltp.text.examples import Example


@dataclass(frozen=True)
class SourcePairs:
    """The sample, and what it is known by."""

    pairs: tuple[Example, ...] = field(repr=False)
    key: tuple[str, int]
    """A hash of it, and its size."""

    @classmethod
    def read(cls, data: DataFolder, translated: Collection[int], count: int) -> SourcePairs:
        """Sample `count` rows that are not `translated`, with seed 0. Raises UnsoundData."""
        suite = data.suite(XNLI)
        languages = suite.languages("dev")
        rows = [row for row in suite.file("dev", languages[0]).ids if row not in translated]
        chosen = random.Random(0).sample(rows, min(count, len(rows)))  # noqa: S311  repeatable, not secret
        pairs = []
        for number, row in enumerate(chosen):
            file = suite.file("dev", languages[number % len(languages)])
            pairs.append(file.examples[file.ids.index(row)])
        texts = [(pair.premise, pair.hypothesis, pair.label) for pair in pairs]
        digest = hashlib.sha256(json.dumps(texts, ensure_ascii=False, allow_nan=False).encode()).hexdigest()
        return cls(tuple(pairs), (digest, len(pairs)))
