"""How much a training computes: told before it is made, and the same as what is counted while it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.running_service import EXAMPLES

from ltp.adapter.crossfit.train import cross_fit_adapter
from ltp.adapter.effort import JUDGING, passes
from ltp.adapter.train import train_adapter
from ltp.backbone.load import Backbone
from ltp.config import AdapterConfig
from ltp.text.examples import Example

LABELS = ("entailment", "neutral", "contradiction")
PAIRS = [Example(pair["premise"], pair["hypothesis"], LABELS[int(pair["label"])]) for pair in EXAMPLES]  # type: ignore[call-overload,arg-type]
CONFIG = AdapterConfig(epochs=3, batch_size=1, learning_rate=1e-3)


def test_it_foresees_the_steps_of_a_training(tiny_backbone: Backbone) -> None:
    train, dev = PAIRS[:12], PAIRS[12:]
    trained = train_adapter(tiny_backbone, None, method="pt", train=train, dev=dev, config=CONFIG, seeds=2)
    told = passes(CONFIG, estimate="holdout", pairs=12, dev=6, seeds=2)
    assert told == pytest.approx(trained.report["steps"] + JUDGING * 2 * 3 * 6)


def test_it_foresees_the_steps_of_folds_and_of_the_run_that_goes_along(tiny_backbone: Backbone) -> None:
    trained = cross_fit_adapter(tiny_backbone, None, method="pt", train=PAIRS, config=CONFIG)
    told = passes(CONFIG, estimate="cross_fit", pairs=len(PAIRS))
    assert len(trained.report["courses"][0]["epochs"]) == 3
    assert told == pytest.approx(trained.report["steps"] + JUDGING * 3 * len(PAIRS))


def test_what_is_held_out_is_not_trained_on_and_a_start_takes_fewer_epochs() -> None:
    open_epochs = AdapterConfig()
    assert passes(open_epochs, estimate="holdout", pairs=100) == pytest.approx(70 * (50 + JUDGING * 50))
    assert passes(open_epochs, estimate="holdout", pairs=100, started=True) == pytest.approx(12 * (50 + JUDGING * 50))
    tried = passes(replace(open_epochs, learning_rate="auto"), estimate="holdout", pairs=100)
    assert tried == pytest.approx(3 * 70 * (50 + JUDGING * 50))
    started = passes(open_epochs, estimate="cross_fit", pairs=100, started=True)
    assert started == pytest.approx(8 * (300 + JUDGING * 100) + 4 * JUDGING * 100)
