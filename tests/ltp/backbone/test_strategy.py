"""Strategies are objects with answers: what trains, what a ticket may choose from, what is tied."""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args

import pytest
import torch
from support.comparisons import comparisons_with

from ltp.backbone.architecture import DECODER, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import STRATEGIES, EmbeddingStrategy, Strategy, strategy_of_checkpoint
from ltp.config import MLMConfig
from ltp.drift.train import train_drift
from ltp.drift.trainable import TrainableParameters
from ltp.errors import InvalidConfig

MADE_UP = EmbeddingStrategy(cast("Strategy", "attention_only"), trains=lambda name: ".attention." in name)


def test_every_name_has_its_strategy() -> None:
    assert tuple(STRATEGIES) == get_args(Strategy)
    assert all(strategy.name == name for name, strategy in STRATEGIES.items())


def test_what_each_strategy_answers() -> None:
    answers = {
        name: (strategy.trains(WORD_EMBEDDINGS), strategy.trains(DECODER), strategy.ties_output)
        for name, strategy in STRATEGIES.items()
    }
    assert answers == {
        "decoupled": (True, False, False),
        "tied": (True, True, True),
        "frozen_embeddings": (False, False, False),
    }
    assert [name for name, strategy in STRATEGIES.items() if strategy.moves_read_rows_only] == ["decoupled"]
    assert (strategy_of_checkpoint(ties_output=True), strategy_of_checkpoint(ties_output=False)) == (
        "tied",
        "decoupled",
    )


def test_a_strategy_that_ties_refuses_a_checkpoint_with_two_matrices() -> None:
    for name, strategy in STRATEGIES.items():
        strategy.check_fits(backbone="one", tied=True)
        if not strategy.ties_output:
            strategy.check_fits(backbone="two", tied=False)
            continue
        with pytest.raises(InvalidConfig, match=f"{name}.*two has output embeddings of its own"):
            strategy.check_fits(backbone="two", tied=False)


def test_a_new_strategy_needs_nothing_but_its_object(tiny_backbone: Backbone) -> None:
    trainable = TrainableParameters(tiny_backbone, MADE_UP, rows=torch.arange(3))
    attention = {name for name in tiny_backbone.shapes if ".attention." in name}
    assert set(trainable.parameters) == attention
    trainable.set_l1_gradients(0.0)
    for parameter in trainable.parameters.values():
        parameter.grad = torch.ones_like(parameter)
    trainable.step(1e-3)
    values, rows = trainable.drift_of(trainable.snapshot())
    assert set(values) == set(MADE_UP.selectable_shapes(tiny_backbone.shapes)) == attention
    assert all(bool((moved > 0).all()) for moved in values.values())
    assert rows == {}


def test_a_new_strategy_trains_a_drift(tiny_backbone: Backbone) -> None:
    lines = [f"The dog sees house {number} and the {number % 7} people in it." for number in range(40)]
    config = MLMConfig(epochs=2, batch_size=8)

    drift = train_drift(tiny_backbone, lines, strategy=MADE_UP, config=config)

    attention = {name for name in tiny_backbone.shapes if ".attention." in name}
    assert drift.strategy == MADE_UP.name
    assert set(drift.values) <= attention
    assert drift.moved > 0


def test_no_other_file_compares_a_strategy_with_its_name() -> None:
    assert [place for place in comparisons_with(set(STRATEGIES)) if "backbone/strategy.py" not in place] == []


def test_a_comparison_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "ltp").mkdir()
    lines = [
        'if a == "tied":',
        "    pass",
        'b = a in ("x", "tied")',
        'c = {"tied": 1}[a]',
        'd = "tied"',
        'e = f("tied")',
    ]
    (tmp_path / "ltp" / "made_up.py").write_text("\n".join(lines))
    assert list(comparisons_with({"tied"}, root=tmp_path)) == [
        "ltp/made_up.py:1",
        "ltp/made_up.py:3",
        "ltp/made_up.py:4",
    ]
