"""The folds of one seed in training, side by side: an epoch of each, then all held-out pairs are judged together.

Each run has a thread in which torch divides nothing further, so that results do not depend on the number of cores. A
run on all pairs may go along, which holds nothing out and is stopped with the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from threading import Event
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ltp.adapter.crossfit.answers import Model, answers, on_device, part_of
from ltp.adapter.crossfit.clusters import Floats
from ltp.adapter.crossfit.folds import Fold
from ltp.adapter.crossfit.guard import loss_of
from ltp.adapter.crossfit.judged import Judged
from ltp.adapter.crossfit.stopping import best_epoch, is_over
from ltp.adapter.mixture import mixture_of
from ltp.adapter.plan import Labelled, TrainingPlan
from ltp.adapter.seed_run import SeedRun, with_prefix
from ltp.compute.threads import map_single_threaded

Meanwhile = Callable[[], None]


class Lockstep:
    """Runs of one seed at one rate. `models` are reset; `begins` (M, K) are the start's answers, None without one."""

    def __init__(
        self,
        plan: TrainingPlan,
        models: Sequence[Model],
        folds: Sequence[Fold],
        judged: Judged,
        *,
        seed: int,
        begins: Floats | None,
    ) -> None:
        self.judged, self.seed = judged, seed
        self._plans = [fold_plan(plan, fold) for fold in folds]
        self._folds, self._models = folds, models
        self.runs = [SeedRun(each, model, seed=seed) for each, model in zip(self._plans, models, strict=False)]
        self.losses = [inf if begins is None else float(loss_of(begins, judged.labels).mean())]
        self.answers: list[Floats] = []
        """Of each epoch, (M, K)."""
        self.epochs: list[dict[str, float]] = []
        self.best: list[dict[str, Tensor]] = []
        """What each run had trained after the best epoch, and the mean from it on."""
        self.late: list[dict[str, Tensor]] = []
        self._stop = Event()

    @property
    def best_epoch(self) -> int:
        """From 1."""
        return best_epoch(self.losses)

    @property
    def steps(self) -> int:
        """Steps that all runs have taken together."""
        return sum(run.state.step for run in self.runs)

    def is_over(self, epochs: int) -> bool:
        """Tell whether training has stopped."""
        return is_over(self.losses, epochs=epochs)

    def epoch(self, meanwhile: Meanwhile) -> None:
        """Train an epoch of each run, judge the held-out pairs, and keep what is best; `meanwhile` is called often.

        Raises:
            TrainingDiverged: a loss or an answer is not finite.
        """
        found = self._side_by_side(self._one_epoch, meanwhile)
        judged, labels = self._gathered(found), self.judged.labels
        self.answers.append(judged)
        self.losses.append(float(loss_of(judged, labels).mean()))
        train_loss = [
            run.state.loss_sum / plan.pairs_per_epoch for run, plan in zip(self.runs, self._plans, strict=True)
        ]
        for run in self.runs:
            run.state.loss_sum = 0.0
        accuracy = float((judged.argmax(1) == labels).mean())
        told = {"train_loss": float(np.mean(train_loss)), "dev_loss": self.losses[-1], "dev_accuracy": accuracy}
        self.epochs.append({"epoch": len(self.answers), **told})
        if self.best_epoch == len(self.answers):
            self.best = [run.now() for run in self.runs]
            self.late = self.best
        else:
            self.late = self._mean_with(len(self.answers) - self.best_epoch)

    def _mean_with(self, before: int) -> list[dict[str, Tensor]]:
        """The mean of what was trained from the best epoch on; `before` epochs are in it so far."""
        return [
            {name: torch.lerp(tensor, now[name], 1 / (before + 1)) for name, tensor in late.items()}
            for late, now in zip(self.late, (run.now() for run in self.runs), strict=True)
        ]

    def judge(self, several: Sequence[Mapping[str, Tensor]], meanwhile: Meanwhile) -> Floats:
        """What other tensors than the runs' own answer, one for each fold: (M, K). Training cannot go on afterwards."""

        def one(number: int) -> Tensor:
            plan = self._plans[number]
            return answers(plan, self._models[number], several[number], plan.dev)

        return self._gathered(self._side_by_side(one, meanwhile))

    def _side_by_side(self, work: Callable[[int], Tensor], meanwhile: Meanwhile) -> list[Tensor]:
        def watched() -> None:
            try:
                meanwhile()
            except BaseException:
                self._stop.set()  # or the call would wait for the epoch's end
                raise

        longest_first = sorted(range(len(self.runs)), key=lambda number: -len(self._plans[number].train))
        found = map_single_threaded(work, longest_first, meanwhile=watched)  # else its core works alone at the end
        by_number = dict(zip(longest_first, found, strict=True))
        return [by_number[number] for number in range(len(self.runs))]

    def _one_epoch(self, number: int) -> Tensor:
        run, plan = self.runs[number], self._plans[number]
        while not self._stop.is_set():
            run.step()
            if run.ends_epoch:
                break
        return answers(plan, self._models[number], run.now(), plan.dev)

    def _gathered(self, found: Sequence[Tensor]) -> Floats:
        place = {index: number for number, index in enumerate(self.judged.indices.tolist())}
        gathered = np.empty((self.judged.count, found[0].shape[1]))
        for fold, logits in zip(self._folds, found, strict=True):
            if fold.held_out:
                gathered[[place[index] for index in fold.held_out]] = logits.numpy()
        return gathered

    def tensors(self) -> dict[str, Tensor]:
        """All that goes on from epoch to epoch, by reference."""
        kept: dict[str, Tensor] = {}
        for number, run in enumerate(self.runs):
            kept |= {f"run{number}.{name}": tensor for name, tensor in run.tensors().items()}
        for name, several in (("best", self.best), ("late", self.late)):
            for number, each in enumerate(several):
                kept |= {f"{name}{number}.{key}": tensor for key, tensor in each.items()}
        return kept | ({"answers": torch.from_numpy(np.array(self.answers, np.float32))} if self.answers else {})

    def state(self) -> dict[str, Any]:
        """The rest of it, as JSON."""
        losses = [None if loss == inf else loss for loss in self.losses]
        courses = [vars(run.state) for run in self.runs]
        return {"losses": losses, "epochs": self.epochs, "courses": courses}

    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Go on from what was kept."""
        self.losses = [inf if loss is None else loss for loss in state["losses"]]
        self.epochs = list(state["epochs"])
        self.answers = list(tensors["answers"].double().numpy()) if "answers" in tensors else []
        for number, (run, course) in enumerate(zip(self.runs, state["courses"], strict=True)):
            run.restore(with_prefix(tensors, f"run{number}"), {**course, "epochs": []})
        if self.answers:
            self.best, self.late = (self._several(tensors, name) for name in ("best", "late"))

    def _several(self, tensors: Mapping[str, Tensor], name: str) -> list[dict[str, Tensor]]:
        """One set of tensors for each run, where the backbone is."""
        runs = range(len(self.runs))
        return [on_device(with_prefix(tensors, f"{name}{number}"), self._plans[0]) for number in runs]


def fold_plan(plan: TrainingPlan, fold: Fold) -> TrainingPlan:
    """The plan with the fold's training pairs, after them the sources', and those it holds out as development pairs."""
    train, dev = part_of(plan.train, fold.train), part_of(plan.train, fold.held_out)
    if plan.sources is None or plan.mixture is None:
        return replace(plan, train=train, dev=dev)
    more = plan.sources
    both = Labelled(
        [*train.encoded, *more.encoded], torch.cat([train.labels, more.labels]), (*train.langs, *more.langs)
    )
    mixture = mixture_of(both.langs, plan.mixture.weights, plan.config)
    return replace(plan, train=both, dev=dev, mixture=mixture, sources=None)
