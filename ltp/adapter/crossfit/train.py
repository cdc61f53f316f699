"""Cross-fitting one adapter: folds of every seed, what is chosen by their answers, and what is published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from torch import Tensor

from ltp.adapter.average import averages_epochs
from ltp.adapter.crossfit.answers import on_device, part_of
from ltp.adapter.crossfit.folds import Fold, folds_of, premises_of
from ltp.adapter.crossfit.judged import Judged
from ltp.adapter.crossfit.lockstep import Lockstep
from ltp.adapter.crossfit.publishing import Work, published
from ltp.adapter.crossfit.race import Race, Setting
from ltp.adapter.crossfit.seeds import SeedResult, result_of
from ltp.adapter.crossfit.stopping import GRID, STARTED_EPOCHS, TRIAL
from ltp.adapter.micro_batches import USUAL, PartSize
from ltp.adapter.plan import TrainingPlan, make_plan
from ltp.adapter.seed_run import SeedRun, with_prefix
from ltp.adapter.start import Start
from ltp.adapter.train import TRAINING, TrainedAdapter, model_of
from ltp.backbone.load import Backbone
from ltp.config import AUTO, AdapterConfig
from ltp.model.methods import Method
from ltp.model.verbalizer import Verbalizer
from ltp.progress import Progress, ProgressCallback
from ltp.text.examples import Example
from ltp.ticket.mask import Ticket
from ltp.training.checkpoint import Checkpoints, identity_of
from ltp.training.timings import Timings

Publish = Literal["folds", "all"]
"""The mean of what the folds trained, or what a run on all pairs did, which goes along with them."""


def cross_fit_adapter(
    backbone: Backbone,
    ticket: Ticket | None,
    *,
    method: Method,
    train: Sequence[Example],
    test: Sequence[Example] = (),
    config: AdapterConfig,
    seeds: int = 1,
    start: Start | None = None,
    progress: ProgressCallback | None = None,
    checkpoints: Checkpoints | None = None,
    device: str = "cpu",
    timings: Timings | None = None,
    part_size: PartSize = USUAL,
    warn: Callable[[str], None] | None = None,
    verbalizer: Verbalizer | None = None,
    publish: Publish | None = None,
    sources: Sequence[Example] = (),
    source_weights: Mapping[str, float] | None = None,
) -> TrainedAdapter:
    """Train on all pairs, and judge each by a model that never saw its premise; see the package for the way.

    Arguments and failures are those of `train_adapter`, without development examples. Of a start the mean of the folds
    is published, which costs nothing; else a run on all pairs, since the folds' prompts, each made by a network of its
    own, have no mean. `publish` says otherwise. Further seeds deal other folds: from a start their answers, and what
    they trained, are averaged; without one the best is taken, unless `average` names seeds. `sources` are examples of
    other languages on which every fold trains jointly, drawn by `source_weights`; none of them judges.

    Raises:
        TooFewExamples: fewer than two folds can hold something out.
    """
    timings = timings or Timings()
    usual = _usual(config, start)
    with timings("tokenize"):
        plan = make_plan(
            backbone.on(device),
            ticket,
            method=method,
            train=[*train, *sources],
            dev=None,
            test=test,
            config=usual,
            seeds=seeds,
            part_size=part_size,
            verbalizer=verbalizer,
            start=start,
            source_weights=source_weights or {} if sources else None,
        )
    if sources:
        plan = replace(
            plan,
            train=part_of(plan.train, range(len(train))),
            sources=part_of(plan.train, range(len(train), len(plan.train))),
        )
    for warning in plan.lost["warnings"]:
        (warn or (lambda _: None))(warning)
    factors = GRID if config.learning_rate == AUTO else (1.0,)
    plans = [_at_rate(plan, config, factor) for factor in factors]
    publish = publish or ("folds" if goes_on(plan) else "all")
    return _CrossFit(plans, train, publish, progress or (lambda _: None), checkpoints, timings).run()


def _usual(config: AdapterConfig, start: Start | None) -> AdapterConfig:
    """The configuration at the usual rate, and with the epochs that folds take."""
    epochs = STARTED_EPOCHS if config.epochs is None and start is not None and start.knows_task else config.epochs
    rate = None if config.learning_rate == AUTO else config.learning_rate
    return replace(config, learning_rate=rate, epochs=epochs)


def goes_on(plan: TrainingPlan) -> bool:
    """Whether the start answers as it is, so that it can be compared with, and training goes on from one point."""
    start, recipe = plan.start, plan.recipe
    if start is None or not start.knows_task or recipe.classifies:
        return False
    return not recipe.soft or start.carries_prompt(plan.method)


def _at_rate(plan: TrainingPlan, config: AdapterConfig, factor: float) -> TrainingPlan:
    rate = plan.learning_rate * factor
    prompt = config.prompt_learning_rate or rate
    return replace(plan, config=replace(plan.config, learning_rate=rate, prompt_learning_rate=prompt))


class _CrossFit:
    def __init__(
        self,
        plans: Sequence[TrainingPlan],
        examples: Sequence[Example],
        publish: Publish,
        progress: ProgressCallback,
        checkpoints: Checkpoints | None,
        timings: Timings,
    ) -> None:
        self._plans, self._plan, self._examples, self._publish_by = plans, plans[0], examples, publish
        self._progress, self._checkpoints, self._timings = progress, checkpoints, timings
        self._labels, self._premises = self._plan.train.labels.numpy(), premises_of(examples)
        self._folds = [self._folds_of(seed) for seed in range(self._plan.seeds)]
        with timings("prepare"):
            count = max(map(len, self._folds)) + (publish == "all")
            self._models = [model_of(self._plan) for _ in range(count)]
            self._start = self._begin() if goes_on(self._plan) else None
        self._done: list[SeedResult] = []
        self._race: Race | None = None

    def _folds_of(self, seed: int) -> list[Fold]:
        config = self._plan.config
        return folds_of(self._examples, count=config.folds, seed=config.seed + seed)

    def _begin(self) -> dict[str, Tensor]:
        return SeedRun(self._plan, self._models[0], seed=self._plan.config.seed).now()

    @property
    def _identity(self) -> str:
        rates = [plan.learning_rate for plan in self._plans]
        folds = self._plan.config.folds
        return identity_of(
            kind="cross_fit", plan=self._plan.identity, rates=rates, folds=folds, publish=self._publish_by
        )

    def run(self) -> TrainedAdapter:
        """Train every seed, or what is left of them, and publish."""
        self._resume()
        while len(self._done) < self._plan.seeds:
            race = self._race = self._race or Race(self._setting())
            epochs, more = race.epochs(self._report), True
            while more:
                with self._timings("training"):
                    more = next(epochs, False)
                with self._timings("checkpoints"):
                    self._save()
                self._report()
            with self._timings("validating"):
                late = averages_epochs(self._plan.config.average)
                self._done.append(
                    result_of(
                        race,
                        self._start,
                        pairs=len(self._examples),
                        on_all=self._publish_by == "all",
                        late=late,
                        meanwhile=self._report,
                    )
                )
            self._race = None
        return published(self._work(), self._done)

    def _work(self) -> Work:
        return Work(
            plan=self._plan,
            model=self._models[0],
            start=self._start,
            premises=self._premises,
            folds=len(self._folds[0]),
            published=self._publish_by,
            progress=self._progress,
            timings=self._timings,
        )

    def _setting(self) -> Setting:
        number = len(self._done)
        folds, seed = self._folds[number], self._plan.config.seed + number
        judged = Judged.of(folds, self._labels, self._premises)
        everything = [Fold(list(range(len(self._examples))), [])] if self._publish_by == "all" else []
        runs = [*folds, *everything]
        begins = None
        if self._start is not None:
            probe = Lockstep(self._plan, self._models, runs, judged, seed=seed, begins=None)
            begins = probe.judge([self._start] * len(runs), self._report)
        return Setting(self._plans, self._models, runs, judged, seed, begins)

    def _report(self) -> None:
        runs = len(self._folds[0]) + (self._publish_by == "all")
        epochs = self._plan.epochs + (TRIAL * (len(self._plans) - 1) if len(self._plans) > 1 else 0)
        per_seed = runs * epochs * self._plan.steps_per_epoch
        race, done = self._race, len(self._done)
        now = 0 if race is None else race.steps
        metrics = {} if race is None else race.figures
        total = per_seed * self._plan.seeds
        self._progress(Progress("training", min(done * per_seed + now, total), total, metrics))

    def _save(self) -> None:
        if self._checkpoints is None or self._race is None:
            return
        tensors = {f"race.{name}": tensor for name, tensor in self._race.tensors().items()}
        for number, result in enumerate(self._done):
            tensors |= {f"done{number}.{name}": tensor for name, tensor in result.tensors().items()}
        state = {
            "identity": self._identity,
            "timings": self._timings.of(TRAINING),
            "done": [result.course for result in self._done],
            "weights": [list(result.weights) for result in self._done],
            "race": self._race.state(),
        }
        self._checkpoints.save(tensors, state)

    def _resume(self) -> None:
        saved = self._checkpoints.load(identity=self._identity) if self._checkpoints else None
        if saved is None:
            return
        tensors, state = saved
        self._timings.go_on(state["timings"], TRAINING)
        for number, course in enumerate(state["done"]):
            weights = state["weights"][number]
            done = on_device(with_prefix(tensors, f"done{number}"), self._plan)
            self._done.append(SeedResult.restored(done, course, weights))
        self._race = Race(self._setting())
        self._race.restore(with_prefix(tensors, "race"), state["race"])
