"""The products that a training step is measured by are all that it multiplies."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.lines.product_share import model_of
from bench.products import Load, Model, Products, products_of
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import STRATEGIES
from ltp.config import MLMConfig
from ltp.drift.masking import Purpose
from ltp.drift.memory import PART_TOKENS
from ltp.drift.plan import plan_lines
from ltp.drift.run import MLMRun
from ltp.drift.trainable import TrainableParameters

LINES = [f"the dog {number} runs in the house and the cat sleeps under the table" for number in range(12)]


@pytest.mark.parametrize("strategy", ["decoupled", "tied"])
def test_a_drift_step_multiplies_nothing_else(tiny_backbone: Backbone, strategy: str) -> None:
    config = MLMConfig(epochs=1, batch_size=16)
    plan, _ = plan_lines(tiny_backbone, LINES, config, lambda _: None, None)
    trainable = TrainableParameters(tiny_backbone, STRATEGIES[strategy], rows=torch.from_numpy(plan.rows))
    loads: list[Load] = []

    class Watched(MLMRun):
        def _build(self, *arguments: object) -> object:
            made = super()._build(*arguments)
            loads.append(Load(len(made.ids), len(made.targets), made.size, made.longest, made.queries))
            return made

    run = Watched(tiny_backbone, plan, trainable, config, lambda _: None, None, "", PART_TOKENS)
    del loads[:]  # the validation's
    run.state.losses.append({"step": 0, "train": None, "validation": 1.0})
    inputs, predicted = plan.masking.draw(plan.train, Purpose.MASKING)
    in_place = {torch.ops.aten.addmm_: _operations}  # which the counter does not know
    with FlopCounterMode(display=False, custom_mapping=in_place) as counted:
        run._step(torch.arange(plan.train.lines).numpy(), inputs, predicted)
    vocabulary = tiny_backbone.info.vocabulary
    model = model_of(tiny_backbone, scored=vocabulary, decoder_trains=strategy == "tied")
    wanted = sum(each.operations for load in loads for each in products_of(model, load))
    of_the_bias = sum(2 * load.asked * vocabulary for load in loads)  # its gradient is a sum under weights
    assert counted.get_total_flops() == wanted + of_the_bias


def _operations(_: object, left: torch.Size, right: torch.Size, **__: object) -> int:
    return 2 * left[0] * left[1] * right[1]


def test_products_are_made_and_timed() -> None:
    model = Model(layers=2, hidden=8, inner=16, heads=2, scored=50)
    load = Load(tokens=12, asked=3, lines=2, longest=7, queries=2)
    with FlopCounterMode(display=False) as counted:
        assert Products(model, torch.float32).seconds([load, load]) > 0
    assert counted.get_total_flops() == 2 * sum(each.operations for each in products_of(model, load))
