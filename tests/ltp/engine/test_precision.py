"""Choosing the arithmetic of serving: by the clock, and never an answer that cannot be."""

from __future__ import annotations

import pytest

from ltp.backbone.load import Backbone
from ltp.engine.precision import PrecisionChoice, choose_precision, faster


@pytest.mark.parametrize(("half", "chosen"), [(0.5, "bf16"), (0.9, "fp32"), (2.0, "fp32"), (100.0, "fp32")])
def test_what_takes_less_time_is_chosen(half: float, chosen: str) -> None:
    took = faster([(1.0, half), (1.5, half * 3)])
    assert took.precision == chosen
    assert f"{1 / half:.1f} times" in took.reason


def test_a_choice_can_be_made_on_any_backbone(tiny_backbone: Backbone) -> None:
    choice = choose_precision(tiny_backbone, "cpu")
    assert isinstance(choice, PrecisionChoice)
    assert choice.precision in {"fp32", "bf16"}
    assert "bf16" in choice.reason
