"""Answers of an export as the engine gives them, and their scores on the recipe's test files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.adapter.artefact import read_export
from ltp.backbone.load import Backbone
from ltp.config import LABELS
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.metrics import score
from ltp.starter.making.recipe import Test
from ltp.starter.making.sources import Sources
from ltp.text.examples import Example

PAIRS_AT_A_TIME = 128
KEY = "starter"
Probabilities = NDArray[np.float64]


class Answers:
    """Answers pairs with one export, in fp32."""

    def __init__(self, backbone: Backbone, export: Path, *, device: str = "cpu") -> None:
        read = read_export(export, backbone.info)
        self._engine = Engine(backbone, source=lambda _: (read.adapter, read.ticket), device=device)

    def __call__(self, pairs: Sequence[Example], done: Callable[[int], None] = lambda _: None) -> Probabilities:
        """The probabilities of every pair's labels, (N, 3); `done` is told how many were answered."""
        rows: list[tuple[float, ...]] = []
        for start in range(0, len(pairs), PAIRS_AT_A_TIME):
            part = pairs[start : start + PAIRS_AT_A_TIME]
            rows += [
                answer.probabilities
                for answer in self._engine.predict([PairRequest(KEY, pair.premise, pair.hypothesis) for pair in part])
            ]
            done(len(part))
        return np.array(rows)


def numbers_of(pairs: Sequence[Example]) -> NDArray[np.int64]:
    """The labels of pairs as classes, (N,)."""
    return np.array([LABELS.index(pair.label) for pair in pairs if pair.label])


def scored(
    answers: Answers, sources: Sources, tests: Sequence[Test], done: Callable[[int, int], None]
) -> Iterator[dict[str, Any]]:
    """Accuracy on every test file that is there, with its interval; `done` is told pairs answered and to answer."""
    files = [(test, lang) for test in tests for lang in test.languages if sources.has(test, lang)]
    total, finished = sum(len(sources.examples(*file)) for file in files), 0

    def more(pairs: int) -> None:
        nonlocal finished
        finished += pairs
        done(finished, total)

    for test, lang in files:
        pairs = sources.examples(test, lang)
        metrics = score(answers(pairs, more), numbers_of(pairs))
        kept = {name: metrics.as_dict()[name] for name in ("accuracy", "interval", "macro_f1", "ece", "pairs")}
        yield {"test": test.name, "lang": lang, **kept}
