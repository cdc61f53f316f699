"""Trained tensors averaged: epochs of one seed, and seeds (Schmidt et al. 2023, "Free Lunch"; Wortsman et al. 2022).

They are those of `SeedRun.now`: `prompt` (n, H), `values` (K,), and a classification head's. On one ticket, values
stand at the same positions, so that their mean is an adapter like any other. It is published only if it does better on
the development examples than the best single epoch, by the same rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ltp.config import Average

LATE = 3
"""The last of so many parts of a run's epochs is averaged."""


@dataclass(frozen=True)
class Finished:
    """A seed that was trained to the end."""

    seed: int
    best_epoch: int
    epochs: int
    best: dict[str, Tensor]
    """As its best epoch left them."""
    mean: dict[str, Tensor] = field(default_factory=dict)
    """The mean over its late epochs, if that was asked for."""


@dataclass(frozen=True)
class Candidate:
    """What may be published, by a name that a person reads."""

    name: str
    tensors: dict[str, Tensor]


class RunningMean:
    """A mean of tensors that come one after the other; `tensors` holds it."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.count = 0

    def add(self, tensors: Mapping[str, Tensor]) -> None:
        """Count in some more."""
        self.count += 1
        for name, tensor in tensors.items():
            if self.count == 1:
                self.tensors[name] = tensor.clone()
            else:
                self.tensors[name].lerp_(tensor, 1 / self.count)

    def restore(self, tensors: Mapping[str, Tensor], count: int) -> None:
        """Go on from the mean of `count`."""
        self.tensors, self.count = dict(tensors), count


def averages_epochs(average: Average) -> bool:
    """Whether the late epochs of each seed are averaged."""
    return average in ("epochs", "both")


def averages_seeds(average: Average) -> bool:
    """Whether seeds are averaged, if there are several."""
    return average in ("seeds", "both")


def first_late_epoch(epochs: int) -> int:
    """The first epoch, from 1, of the last third; of fewer than three, the last."""
    return epochs - -(-epochs // LATE) + 1


def mean_of(several: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean, added up in the order given."""
    total = {name: tensor.clone() for name, tensor in several[0].items()}
    for tensors in several[1:]:
        for name, tensor in tensors.items():
            total[name] += tensor
    return {name: tensor / len(several) for name, tensor in total.items()}


def mixed(first: Mapping[str, Tensor], second: Mapping[str, Tensor], weight: float) -> dict[str, Tensor]:
    """The point `weight` of the way from the first, 0, to the second, 1; exact at both."""
    return {name: torch.lerp(first[name], tensor, weight) for name, tensor in second.items()}


def candidates(finished: Sequence[Finished], average: Average) -> list[Candidate]:
    """The best epoch of each seed, in order, and then the averages asked for."""
    found = [Candidate(f"seed {each.seed}, epoch {each.best_epoch}", each.best) for each in finished]
    if averages_epochs(average):
        found += [Candidate(f"seed {each.seed}, mean of {_late(each.epochs)}", each.mean) for each in finished]
    if averages_seeds(average) and len(finished) > 1:
        name = f"mean of seeds {finished[0].seed} to {finished[-1].seed}"
        if average == "both":
            found.append(
                Candidate(f"{name}, {_late(finished[0].epochs)} of each", mean_of([each.mean for each in finished]))
            )
        else:
            found.append(Candidate(f"{name}, the best epoch of each", mean_of([each.best for each in finished])))
    return found


def choice(
    found: Sequence[Candidate], scores: Sequence[Mapping[str, Any]], chosen: int, singles: int
) -> dict[str, Any]:
    """What a report says of the candidates, the first `singles` of which are single epochs, and of the choice."""
    compared = [
        {"name": each.name, "accuracy": score["accuracy"], "loss": score["loss"]}
        for each, score in zip(found, scores, strict=True)
    ]
    what = "a single epoch did" if chosen < singles else "an average did"
    why = f"{what} best on the development examples: accuracy, then the lower loss, then the earlier"
    return {"published": found[chosen].name, "candidates": compared, "why": why}


def _late(epochs: int) -> str:
    first = first_late_epoch(epochs)
    return f"epoch {epochs}" if first == epochs else f"epochs {first} to {epochs}"
