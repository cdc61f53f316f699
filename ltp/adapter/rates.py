"""Which learning rate, where a configuration says `auto`: a few are tried with the first seed, and the best goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ltp.adapter.plan import TrainingPlan


def plans_by_rate(plan: TrainingPlan) -> list[TrainingPlan]:
    """The plan at each rate that is to be tried; itself where a rate is given."""
    return [at_rate(plan, rate) for rate in plan.rates] or [plan]


def at_rate(plan: TrainingPlan, rate: float) -> TrainingPlan:
    """The plan at another rate, of the prompt as well unless that has one of its own."""
    config = plan.config
    prompt = rate if config.prompt_learning_rate == config.learning_rate else config.prompt_learning_rate
    return replace(plan, config=replace(config, learning_rate=rate, prompt_learning_rate=prompt))


def best_rate(courses: Sequence[Mapping[str, Any]]) -> int:
    """The number of the trial with the best epoch on the development examples: accuracy, lower loss, earlier."""
    return max(
        range(len(courses)),
        key=lambda number: (courses[number]["best_accuracy"], -courses[number]["best_loss"], -number),
    )


def tried(plans: Sequence[TrainingPlan], courses: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """What a report says of the trials."""
    return [
        {"rate": plan.learning_rate, "dev_accuracy": course["best_accuracy"], "dev_loss": course["best_loss"]}
        for plan, course in zip(plans, courses, strict=False)
    ]
