"""The samples of shots: drawn as the paper's experiments draw theirs, the same ones for every recipe and starter."""

from __future__ import annotations

from functools import cached_property

from ltp.reproduce.data.draw import FewShotSample, SamplePool
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.transfer.alignment import XNLI, translated_rows
from ltp.reproduce.transfer.experiment import Target, TransferExperiment


class Shots:
    """Every sample of an experiment, each drawn once."""

    def __init__(self, experiment: TransferExperiment, data: DataFolder) -> None:
        self._data = data
        self._pools: dict[str, SamplePool] = {}
        self._draws: dict[tuple[str, str, int, int], FewShotSample] = {}
        sources = [target.source(language) for target in experiment.targets for language in target.languages]
        self._languages = {suite: [own for name, own in sources if name == suite] for suite, _ in sources}

    @cached_property
    def translated(self) -> frozenset[int]:
        """See `translated_rows`."""
        return translated_rows(self._data)

    def draw(self, target: Target, language: str, shots: int, seed: int) -> FewShotSample:
        """Draw for a language, out of the file that the target names.

        Raises:
            TooFewExamples: there are not so many.
            UnsoundData: a file cannot be read.
        """
        suite, own = target.source(language)
        key = (suite, own, shots, seed)
        if key not in self._draws:
            self._draws[key] = self._pool(suite).draw(own, shots=shots, seed=seed)
        return self._draws[key]

    def _pool(self, suite: str) -> SamplePool:
        if suite not in self._pools:
            rows = self.translated if suite == XNLI else None
            self._pools[suite] = SamplePool(self._data.suite(suite), self._languages[suite], rows=rows)
        return self._pools[suite]

    @property
    def draws(self) -> list[FewShotSample]:
        """All that were drawn."""
        return list(self._draws.values())
