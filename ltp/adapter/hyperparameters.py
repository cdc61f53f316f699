"""Hyperparameters as a run uses them: what a configuration leaves open, filled in by the start and the machine."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from ltp.adapter.crossfit.stopping import GRID
from ltp.adapter.start import Start
from ltp.backbone.load import Backbone
from ltp.compute.bf16 import has_bf16
from ltp.config import AUTO, PAPER_EPOCHS, STARTED_EPOCHS, AdapterConfig
from ltp.errors import InvalidConfig
from ltp.model.methods import METHODS, Method

NEWER = (
    *("order", "schedule", "attention_dropout"),
    *("average", "estimate", "folds", "source_temperature", "epoch_pairs"),
)
"""Hyperparameters that releases before did not have."""


def check_start(start: Start | None, method: Method, config: AdapterConfig) -> None:
    """Refuse a start that the method cannot go on from, or whose prompt has another length. Raises InvalidConfig."""
    if start is None:
        return
    if METHODS[method].trains == "prompt":
        raise InvalidConfig("start", method, "none: this method publishes a prompt alone, so no values can be kept")
    if start.carries_prompt(method) and len(start.prompt) != config.prompt_length:
        raise InvalidConfig("prompt_length", config.prompt_length, f"{len(start.prompt)}, as that of the start is")


def resolve(config: AdapterConfig, backbone: Backbone, start: Start | None) -> AdapterConfig:
    """Fill in epochs, rates and precision where the configuration leaves them open; for `auto` the usual rate."""
    started = start is not None and start.knows_task
    values = asdict(config)
    values["epochs"] = config.epochs or (STARTED_EPOCHS if started else PAPER_EPOCHS)
    given = None if config.learning_rate == AUTO else config.learning_rate
    values["learning_rate"] = given or recommended_rate(backbone, start)
    values["prompt_learning_rate"] = config.prompt_learning_rate or values["learning_rate"]
    if config.precision == AUTO:
        values["precision"] = "bf16" if has_bf16(backbone.verbalizer.device.type) else "fp32"
    return AdapterConfig(**values)


def recommended_rate(backbone: Backbone, start: Start | None) -> float:
    """The rate where none is named: the backbone's, and half of it where less is left to learn."""
    rate = backbone.info.learning_rate
    return rate / 2 if start is not None and start.knows_task else rate


def rates_of(config: AdapterConfig, resolved: AdapterConfig) -> tuple[float, ...]:
    """The rates to be tried around the usual one, which is the resolved; none where the configuration names one."""
    usual = resolved.learning_rate
    return tuple(factor * usual for factor in GRID) if config.learning_rate == AUTO and isinstance(usual, float) else ()


def released(config: AdapterConfig) -> dict[str, Any]:
    """What a run's identity says of its hyperparameters: newer ones only where they differ from the default.

    So a run that began under a release which did not know them is gone on with.
    """
    newer = {field.name: field.default for field in fields(config) if field.name in NEWER}
    return {name: value for name, value in asdict(config).items() if name not in newer or value != newer[name]}
