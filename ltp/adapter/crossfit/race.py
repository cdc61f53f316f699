"""One seed, cross-fitted: each rate of the grid is tried for a few epochs, and the best goes on until it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ltp.adapter.crossfit.answers import Model
from ltp.adapter.crossfit.clusters import Floats
from ltp.adapter.crossfit.folds import Fold
from ltp.adapter.crossfit.judged import Judged
from ltp.adapter.crossfit.lockstep import Lockstep, Meanwhile
from ltp.adapter.crossfit.stopping import TRIAL
from ltp.adapter.plan import TrainingPlan
from ltp.adapter.seed_run import with_prefix


@dataclass(frozen=True)
class Setting:
    """What a seed trains with: `plans` differ in their rates alone; a run on all pairs is the last of `runs`."""

    plans: Sequence[TrainingPlan]
    models: Sequence[Model]
    runs: Sequence[Fold]
    judged: Judged
    seed: int
    begins: Floats | None


class Race:
    """The rates of one seed: `turn` counts those that were tried; the last turn is the winner's, to the end."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.turn = 0 if len(setting.plans) > 1 else 1
        self.winner = 0
        self._stepped = 0
        self.tried: list[Floats] = []
        """The answers after every epoch of rates that did not win, (M, K) each."""
        self._kept: tuple[dict[str, Tensor], dict[str, Any]] | None = None
        self.run = self._lockstep(self._number)

    @property
    def _trials(self) -> int:
        return len(self.setting.plans)

    @property
    def _number(self) -> int:
        return self.turn if self.turn < self._trials else self.winner

    @property
    def plan(self) -> TrainingPlan:
        """Of the rate that trains now; at the end, that of the best."""
        return self.setting.plans[self._number]

    @property
    def steps(self) -> int:
        """Steps of all runs and rates together."""
        return self._stepped + self.run.steps

    @property
    def figures(self) -> dict[str, float]:
        """What is known of the last epoch."""
        where = {"seed": float(self.setting.seed), "rate": self.plan.learning_rate}
        return where | (self.run.epochs[-1] if self.run.epochs else {})

    def epochs(self, meanwhile: Meanwhile) -> Iterator[bool]:
        """Train to the end, an epoch at a time."""
        while not self._is_over():
            self.run.epoch(meanwhile)
            if self.turn < self._trials and len(self.run.answers) >= min(TRIAL, self.plan.epochs):
                self._next()
            yield True

    def _is_over(self) -> bool:
        return self.turn >= self._trials and bool(self.run.answers) and self.run.is_over(self.plan.epochs)

    def _next(self) -> None:
        """End a trial: keep it if it is the best so far, and begin the next or go on with the best."""
        best = self._kept and min(self._kept[1]["losses"][1:])
        if best is None or min(self.run.losses[1:]) < best:
            if self._kept is not None:
                self.tried += list(self._kept[0]["answers"].double().numpy())
            self.winner = self.turn
            self._kept = {name: tensor.clone() for name, tensor in self.run.tensors().items()}, self.run.state()
        else:
            self.tried += self.run.answers
        self.turn += 1
        self._stepped += self.run.steps
        self.run = self._lockstep(self._number)
        if self.turn == self._trials and self._kept is not None:
            self.run.restore(*self._kept)
            self._kept = None
            self._stepped -= self.run.steps

    def _lockstep(self, number: int) -> Lockstep:
        its = self.setting
        return Lockstep(its.plans[number], its.models, its.runs, its.judged, seed=its.seed, begins=its.begins)

    def tensors(self) -> dict[str, Tensor]:
        """All that goes on from epoch to epoch, by reference."""
        now = {f"now.{name}": tensor for name, tensor in self.run.tensors().items()}
        if self._kept is not None:
            now |= {f"kept.{name}": tensor for name, tensor in self._kept[0].items()}
        return now | ({"tried": torch.from_numpy(np.array(self.tried, np.float32))} if self.tried else {})

    def state(self) -> dict[str, Any]:
        """The rest of it, as JSON."""
        kept = self._kept and self._kept[1]
        return {
            "turn": self.turn,
            "winner": self.winner,
            "stepped": self._stepped,
            "run": self.run.state(),
            "kept": kept,
        }

    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Go on from what was kept."""
        self.turn, self.winner, self._stepped = state["turn"], state["winner"], state["stepped"]
        self.tried = list(tensors["tried"].double().numpy()) if "tried" in tensors else []
        self._kept = (with_prefix(tensors, "kept"), state["kept"]) if state["kept"] else None
        self.run = self._lockstep(self._number)
        self.run.restore(with_prefix(tensors, "now"), state["run"])
