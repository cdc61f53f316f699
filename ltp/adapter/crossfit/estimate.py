"""How it is told how good an adapter is, where that is left open: out of fold for few pairs. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ltp.adapter.crossfit.folds import folds_of
from ltp.config import AdapterConfig
from ltp.errors import InvalidConfig, TooFewExamples
from ltp.text.examples import Example

FEW = 300
"""Training pairs below which half of them are too many to hold out."""


def estimate_of(config: AdapterConfig, train: Sequence[Example], *, dev: bool) -> Literal["cross_fit", "holdout"]:
    """Choose, by what was asked for, and whether development examples were given (`dev`).

    `train` are the language's own examples, without those of other languages that train with them.

    Raises:
        InvalidConfig: cross-fitting was asked for with development examples, which it has no use for.
        TooFewExamples: it was asked for, and there are too few premises.
    """
    if config.estimate == "holdout":
        return "holdout"
    if config.estimate == "auto":
        return "cross_fit" if not dev and len(train) < FEW and _can(train, config) else "holdout"
    if dev:
        raise InvalidConfig("estimate", config.estimate, "holdout, or auto: development examples were given")
    folds_of(train, count=config.folds, seed=config.seed)
    return "cross_fit"


def _can(train: Sequence[Example], config: AdapterConfig) -> bool:
    try:
        folds_of(train, count=config.folds, seed=config.seed)
    except TooFewExamples:
        return False
    return True
