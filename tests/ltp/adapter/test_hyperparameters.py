"""What a configuration leaves open is filled in once, and recorded as it was used."""

from dataclasses import replace

import pytest
from support.synthetic import pairs, random_ticket

from ltp.adapter.hyperparameters import released, resolve
from ltp.adapter.train import train_adapter
from ltp.backbone.load import Backbone
from ltp.compute.bf16 import has_bf16
from ltp.config import AdapterConfig
from ltp.errors import InvalidConfig


@pytest.mark.parametrize("value", ["no", "AUTO", 0, 2.0])
def test_a_rate_is_a_number_or_auto(value: object) -> None:
    with pytest.raises(InvalidConfig, match="learning_rate is"):
        AdapterConfig(learning_rate=value)
    assert AdapterConfig(learning_rate="auto").learning_rate == "auto"


@pytest.mark.parametrize(
    "wrong", [{"average": "all"}, {"precision": "fp16"}, {"estimate": "guess"}, {"folds": 1}, {"epochs": 0}]
)
def test_other_values_are_refused_by_name(wrong: dict[str, object]) -> None:
    (name,) = wrong
    with pytest.raises(InvalidConfig, match=f"^{name} is "):
        AdapterConfig(**wrong)


def test_auto_precision_is_what_the_machine_has_and_is_recorded(tiny_backbone: Backbone) -> None:
    config = AdapterConfig(precision="auto", epochs=1, max_length=64)
    expected = "bf16" if has_bf16("cpu") else "fp32"
    sides = {"train": pairs(9, seed=1), "dev": pairs(9, seed=2)}
    trained = train_adapter(tiny_backbone, random_ticket(tiny_backbone, 0.2), method="ltp", config=config, **sides)
    assert trained.training["precision"] == expected
    said = replace(config, precision=expected)
    again = train_adapter(tiny_backbone, random_ticket(tiny_backbone, 0.2), method="ltp", config=said, **sides)
    assert again.metrics == trained.metrics


def test_the_papers_values_are_what_is_left_open_without_a_start(tiny_backbone: Backbone) -> None:
    resolved = resolve(AdapterConfig(), tiny_backbone, None)
    rate = tiny_backbone.info.learning_rate
    assert (resolved.epochs, resolved.learning_rate, resolved.prompt_learning_rate) == (70, rate, rate)
    assert (resolved.precision, resolved.average, resolved.estimate) == ("fp32", "none", "holdout")


def test_a_run_that_began_before_newer_hyperparameters_goes_on() -> None:
    """Their defaults are no part of what a checkpoint is known by."""
    usual = released(AdapterConfig(epochs=3))
    assert set(usual) == {
        *("epochs", "batch_size", "learning_rate", "prompt_learning_rate", "prompt_length", "max_length"),
        *("dev_share", "literal", "text_form", "delta_dtype", "precision", "seed"),
    }
    assert released(AdapterConfig(epochs=3, average="both"))["average"] == "both"
