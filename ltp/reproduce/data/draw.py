"""Few-shot samples: seeded, the same number of each label, no premise on both sides, and written down row by row.

A benchmark with parallel rows is drawn once for all languages, as the paper uses "the corresponding translations"
(4.1): the same seed takes the same rows in each of them. Premises that some language words alike count as one there,
so that no side learns the other's in any language.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ltp.errors import TooFewExamples
from ltp.reproduce.data.rows import LabelledFile
from ltp.reproduce.data.suite import Suite
from ltp.text.examples import Example, few_shot, split

ALL = 0
"""In place of a number of shots: every row there is, half of the premises on each side."""
HALF = 0.5


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

    def __init__(self, suite: Suite, languages: Sequence[str], *, rows: Collection[int] | None = None) -> None:
        """With `rows`, only these of a file are drawn from."""
        self._suite, self._languages, self._allowed = suite, sorted(set(languages)), rows
        self._rows: dict[str, list[Example]] = {}

    def draw(self, language: str, *, shots: int, seed: int) -> FewShotSample:
        """Draw `shots` rows of each label for training and as many for development, from different premises.

        `ALL` deals out every row.

        Raises:
            TooFewExamples: the file has not so many, naming it.
            UnsoundData: a file cannot be read.
        """
        file = self._suite.file("dev", language)
        try:
            rows = self._stand_ins(file)
            parts = few_shot(rows, shots=shots, seed=seed) if shots else split(rows, dev_share=HALF, seed=seed)
        except TooFewExamples as error:
            raise TooFewExamples(f"{file.name}, seed {seed}: {error}") from error
        train, dev = ([file.ids[row.line or 0] for row in side] for side in (parts.train, parts.dev))
        return FewShotSample(self._suite.name, language, shots, seed, tuple(train), tuple(dev))

    def _stand_ins(self, file: LabelledFile) -> list[Example]:
        """Each row as an example whose premise is its premise's number and whose line is its index; no blank rows."""
        if file.language not in self._rows:
            together = self._languages if self._suite.flat else [file.language]
            groups = premises([self._suite.file("dev", language) for language in together])
            self._rows[file.language] = [
                Example(f"premise {groups[row]}", f"row {index}", example.label, index)
                for index, (row, example) in enumerate(zip(file.ids, file.examples, strict=True))
                if example.premise.strip() and example.hypothesis.strip() and self._may_draw(row)
            ]
        return self._rows[file.language]

    def _may_draw(self, row: int) -> bool:
        return self._allowed is None or row in self._allowed


def premises(files: Sequence[LabelledFile]) -> dict[int, int]:
    """Each row's premise as a number, by the row's id: rows that share one in any of the files, or through others."""
    parent = {row: row for file in files for row in file.ids}

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for file in files:
        first: dict[str, int] = {}
        for row, example in zip(file.ids, file.examples, strict=True):
            one, other = root(first.setdefault(example.premise_key, row)), root(row)
            parent[max(one, other)] = min(one, other)
    return {row: root(row) for row in parent}
