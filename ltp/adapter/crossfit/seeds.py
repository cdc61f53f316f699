"""What cross-fitting a seed gives: answers at every step from the start, and what was trained; and several as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ltp.adapter.average import mean_of, mixed
from ltp.adapter.crossfit.clusters import Floats, numbered
from ltp.adapter.crossfit.guard import WEIGHTS, loss_of
from ltp.adapter.crossfit.interval import optimism_of_choice
from ltp.adapter.crossfit.judged import Judged
from ltp.adapter.crossfit.lockstep import Lockstep, Meanwhile
from ltp.adapter.crossfit.race import Race
from ltp.adapter.seed_run import with_prefix


@dataclass(frozen=True, eq=False)
class SeedResult:
    """`answers[w]` (N, K) are of the step `weights[w]` from the start, NaN for pairs that were never held out."""

    weights: Sequence[float]
    answers: Floats
    trained: Mapping[str, Tensor]
    """The mean of the folds, or of the run on all pairs."""
    course: dict[str, Any]
    """`seed`, `epochs`, `best_epoch`, `rate`, `averaged` (whether late epochs are), `steps`, `optimism`; JSON."""

    @property
    def loss(self) -> float:
        """Of what was trained, out of fold."""
        return float(self.course["loss"])

    def tensors(self) -> dict[str, Tensor]:
        """For a checkpoint."""
        return {"answers": torch.from_numpy(np.float32(self.answers))} | {
            f"trained.{name}": each for name, each in self.trained.items()
        }

    @classmethod
    def restored(cls, tensors: Mapping[str, Tensor], course: dict[str, Any], weights: Sequence[float]) -> SeedResult:
        """What `tensors` and the course of a checkpoint hold."""
        return cls(weights, tensors["answers"].double().cpu().numpy(), with_prefix(tensors, "trained"), course)


def result_of(
    race: Race, start: Mapping[str, Tensor] | None, *, pairs: int, on_all: bool, late: bool, meanwhile: Meanwhile
) -> SeedResult:
    """Judge the steps between the start and what a finished race trained; `late` allows for a mean of its epochs."""
    run, judged = race.run, race.setting.judged
    reached, answered, averaged = run.best, run.answers[run.best_epoch - 1], False
    if late and len(run.answers) > run.best_epoch:
        other = run.judge(run.late, meanwhile)
        if loss_of(other, judged.labels).mean() < loss_of(answered, judged.labels).mean():
            reached, answered, averaged = run.late, other, True
    weights = WEIGHTS if start is not None and race.setting.begins is not None else (1.0,)
    steps = [_answers(run, race, start, reached, answered, weight, meanwhile) for weight in weights]
    everything = np.full((len(steps), pairs, steps[0].shape[1]), np.nan)
    everything[:, judged.indices] = np.array(steps)
    course = {
        "seed": run.seed,
        "epochs": run.epochs,
        "best_epoch": run.best_epoch,
        "rate": race.plan.learning_rate,
        "averaged": averaged,
        "steps": run.steps,
        "loss": float(loss_of(answered, judged.labels).mean()),
        "optimism": 0.0 if len(steps) == 1 else _optimism([*race.tried, *run.answers, *steps], judged),
    }
    return SeedResult(weights, everything, reached[-1] if on_all else mean_of(reached), course)


def _answers(
    run: Lockstep,
    race: Race,
    start: Mapping[str, Tensor] | None,
    reached: Sequence[Mapping[str, Tensor]],
    answered: Floats,
    weight: float,
    meanwhile: Meanwhile,
) -> Floats:
    if weight == 1.0 or start is None:
        return answered
    if weight == 0.0 and race.setting.begins is not None:
        return race.setting.begins
    return run.judge([mixed(start, each, weight) for each in reached], meanwhile)


def _optimism(tried: Sequence[Floats], judged: Judged) -> float:
    """Of what was chosen by these answers. Not where training began afresh: that folds have fewer pairs weighs more."""
    losses = [loss_of(answers, judged.labels) for answers in tried]
    hits = [answers.argmax(1) == judged.labels for answers in tried]
    return optimism_of_choice(losses, hits, judged.groups)


@dataclass(frozen=True, eq=False)
class Combined:
    """Seeds as one: the mean of their answers to each pair that was judged, and of what they trained."""

    judged: Judged
    weights: Sequence[float]
    answers: Sequence[Floats]
    trained: Mapping[str, Tensor]
    optimism: float


def combined(results: Sequence[SeedResult], labels: NDArray[np.int64], premises: Sequence[int]) -> Combined:
    """Average seeds; `labels` and `premises` (N,) are of all pairs."""
    several = np.array([result.answers for result in results])  # (seeds, W, N, K)
    indices = np.flatnonzero(~np.isnan(several[:, 0, :, 0]).all(0))
    answers = np.nanmean(several[:, :, indices], 0)
    judged = Judged(indices, labels[indices], numbered(np.array(premises)[indices]))
    optimism = float(np.mean([result.course["optimism"] for result in results]))
    return Combined(
        judged, results[0].weights, list(answers), mean_of([result.trained for result in results]), optimism
    )
