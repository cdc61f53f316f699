"""Few-shot samples: seeded, the same number of each label, no premise on both sides, and written down row by row.

A benchmark with parallel rows is drawn once for all languages, as the paper uses "the corresponding translations"
(4.1): the same seed takes the same rows in each of them. Premises that some language words alike count as one there,
so that no side learns the other's in any language.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ltp.errors import TooFewExamples
from ltp.reproduce.data.rows import LabelledFile
from ltp.reproduce.data.suite import Suite
from ltp.text.examples import Example, few_shot


@dataclass(frozen=True)
class FewShotSample:
    """Which rows of a benchmark's development file of `language` are trained on, and which choose the best epoch."""

    suite: str
    language: str
    shots: int
    seed: int
    train: tuple[int, ...]
    """Ids of rows, in training order."""
    dev: tuple[int, ...]

    def key(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return {
            "suite": self.suite,
            "language": self.language,
            "shots": self.shots,
            "seed": self.seed,
            "train": list(self.train),
            "dev": list(self.dev),
        }

    @property
    def sha256(self) -> str:
        """Of `key`."""
        return hashlib.sha256(json.dumps(self.key(), sort_keys=True, allow_nan=False).encode()).hexdigest()

    def examples(self, file: LabelledFile) -> tuple[list[Example], list[Example]]:
        """The rows themselves, training and development."""
        by_id = dict(zip(file.ids, file.examples, strict=True))
        return [by_id[row] for row in self.train], [by_id[row] for row in self.dev]


class SamplePool:
    """A benchmark's development files in the languages that are trained on."""

    def __init__(self, suite: Suite, languages: Sequence[str]) -> None:
        self._suite, self._languages = suite, sorted(set(languages))
        self._rows: dict[str, list[Example]] = {}

    def draw(self, language: str, *, shots: int, seed: int) -> FewShotSample:
        """Draw `shots` rows of each label for training and as many for development, from different premises.

        Raises:
            TooFewExamples: the file has not so many, naming it.
            UnsoundData: a file cannot be read.
        """
        file = self._suite.file("dev", language)
        try:
            parts = few_shot(self._stand_ins(file), shots=shots, seed=seed)
        except TooFewExamples as error:
            raise TooFewExamples(f"{file.name}, seed {seed}: {error}") from error
        train, dev = ([file.ids[row.line or 0] for row in side] for side in (parts.train, parts.dev))
        return FewShotSample(self._suite.name, language, shots, seed, tuple(train), tuple(dev))

    def _stand_ins(self, file: LabelledFile) -> list[Example]:
        """Each row as an example whose premise is its premise's number and whose line is its index; no blank rows."""
        if file.language not in self._rows:
            together = self._languages if self._suite.flat else [file.language]
            groups = _premises([self._suite.file("dev", language) for language in together])
            self._rows[file.language] = [
                Example(f"premise {group}", f"row {index}", example.label, index)
                for index, (group, example) in enumerate(zip(groups, file.examples, strict=True))
                if example.premise.strip() and example.hypothesis.strip()
            ]
        return self._rows[file.language]


def _premises(files: Sequence[LabelledFile]) -> list[int]:
    """Number each row's premise: rows that share one in any of the files, directly or through others, are together."""
    parent = list(range(len(files[0])))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for file in files:
        first: dict[str, int] = {}
        for row, example in enumerate(file.examples):
            one, other = root(first.setdefault(example.premise_key, row)), root(row)
            parent[max(one, other)] = min(one, other)
    return [root(row) for row in range(len(parent))]
