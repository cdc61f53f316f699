"""Choosing the arithmetic of serving: by the clock, and never an answer that cannot be."""

from __future__ import annotations

import pytest
import torch

from ltp.backbone.load import Backbone
from ltp.compute.bf16 import MATRIX_UNIT, has_bf16
from ltp.engine.precision import PrecisionChoice, attention_type, choose_precision, faster


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


def test_attention_follows_the_processor_not_the_clock() -> None:
    unit = has_bf16("cpu", flags=MATRIX_UNIT)
    assert attention_type("fp32", "cpu") == torch.float32
    assert attention_type("bf16", "cpu") == (torch.bfloat16 if unit else torch.float32)
    assert attention_type("bf16", "cuda") == torch.float32
