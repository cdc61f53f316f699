"""How much a training computes, before it is made: pairs that pass through the model. Imports no torch.

A pair that is trained on passes forward and backward; one that judges passes forward alone, which is a third of that.
Early stopping is not foreseen: what is told is the most that a configuration allows.
"""

from __future__ import annotations

from typing import Literal

from ltp.adapter.crossfit import stopping
from ltp.adapter.crossfit.stopping import GRID, TRIAL
from ltp.config import AUTO, PAPER_EPOCHS, STARTED_EPOCHS, AdapterConfig

JUDGING = 1 / 3
"""Of what training on a pair costs."""
CANDIDATES = 4
"""Answers between a start and what was trained from it, of which one is published."""


def passes(
    config: AdapterConfig,
    *,
    estimate: Literal["cross_fit", "holdout"],
    pairs: int,
    dev: int = 0,
    sources: int = 0,
    seeds: int = 1,
    started: bool = False,
) -> float:
    """Return how many passes of a pair, forward and backward, a training takes at most.

    `pairs` are the language's own, `sources` those of other languages on which it trains besides, `dev` those that
    judge: 0 where they are held out of `pairs`, or these are cross-fitted. `started` is whether it begins from an
    adapter.
    """
    if estimate == "cross_fit":
        return seeds * _cross_fitted(config, pairs, sources, started=started)
    held_out = dev or pairs * config.dev_share
    trained = pairs + sources - (0 if dev else held_out)
    runs = seeds + (len(GRID) - 1 if config.learning_rate == AUTO else 0)
    epochs = config.epochs or (STARTED_EPOCHS if started else PAPER_EPOCHS)
    return runs * epochs * ((config.epoch_pairs or trained) + JUDGING * held_out)


def _cross_fitted(config: AdapterConfig, pairs: int, sources: int, *, started: bool) -> float:
    epochs = config.epochs or (stopping.STARTED_EPOCHS if started else PAPER_EPOCHS)
    if config.learning_rate == AUTO:
        epochs += TRIAL * (len(GRID) - 1)
    folds = max(2, min(config.folds, pairs))
    runs = folds + (0 if started else 1)  # without a start one on all pairs goes along
    trained = pairs * (runs - 1) + sources * runs
    return epochs * (trained + JUDGING * pairs) + (CANDIDATES * JUDGING * pairs if started else 0)
