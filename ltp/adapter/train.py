"""Few-shot training of one adapter (3.2, 4.2): every seed in turn, the best one published, the numbers behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from ltp.adapter.artefact import Adapter
from ltp.adapter.average import choice
from ltp.adapter.dense import DenseParameters
from ltp.adapter.finished import FinishedSeeds
from ltp.adapter.judgement import Judgement
from ltp.adapter.micro_batches import USUAL, PartSize
from ltp.adapter.plan import Labelled, TrainingPlan, make_plan
from ltp.adapter.published import adapter_of
from ltp.adapter.rates import best_rate, plans_by_rate, tried
from ltp.adapter.report import Scored, Scorer, best_index, summary
from ltp.adapter.seed_run import SeedRun
from ltp.adapter.sparse import SparseParameters, touched_rows
from ltp.adapter.start import Start
from ltp.adapter.stored_form import StoredForm, compared_as, stored_form
from ltp.answered_share import curve
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import STRATEGIES
from ltp.config import AdapterConfig
from ltp.delta.delta import DeltaDtype
from ltp.model.methods import Method
from ltp.model.verbalizer import Verbalizer
from ltp.progress import Progress, ProgressCallback
from ltp.text.examples import Example
from ltp.ticket.mask import Ticket
from ltp.training.checkpoint import Checkpoints
from ltp.training.timings import Timings

TRAINING = ("training", "validating", "checkpoints")
"""What a checkpoint remembers of the timings, for the attempt that goes on from it."""


@dataclass(frozen=True)
class TrainedAdapter:
    """What is published, how good it is, what it was made with, how training went, and what it answered."""

    adapter: Adapter
    metrics: dict[str, Any]
    """`dev` (marked `selected_on`), `test` if there was any, `per_seed`, `mean` and `std` over seeds, and
    `stored_agreement` where int8 was tried."""
    training: dict[str, Any]
    """Every hyperparameter as it was used."""
    report: dict[str, Any]
    """Best seed and epoch, epochs of every seed, parameters that could move, lost texts, steps and seconds.

    `seconds` is all seeds' training with its scores after each epoch. `timings` says what the time went for:
    `tokenize`, `prepare`, `training` (steps), `validating` (those scores), `checkpoints`, `encode` (deltas), `scoring`.
    A run that goes on from a checkpoint counts what its training took before.
    """
    judgement: Judgement
    """What `dev` of the metrics is a score of."""
    answered: list[dict[str, float]] = field(default_factory=list)
    """The curve of answered shares on the development examples (`ltp.answered_share`); cross-fitting has it in its
    metrics, with its calibration."""


def train_adapter(
    backbone: Backbone,
    ticket: Ticket | None,
    *,
    method: Method,
    train: Sequence[Example],
    dev: Sequence[Example],
    test: Sequence[Example] = (),
    config: AdapterConfig,
    seeds: int = 1,
    progress: ProgressCallback | None = None,
    checkpoints: Checkpoints | None = None,
    device: str = "cpu",
    timings: Timings | None = None,
    part_size: PartSize = USUAL,
    warn: Callable[[str], None] | None = None,
    verbalizer: Verbalizer | None = None,
    start: Start | None = None,
    source_weights: Mapping[str, float] | None = None,
) -> TrainedAdapter:
    """Train `seeds` adapters from config.seed on and return the best on `dev`: accuracy, lower loss, earlier.

    With `config.average`, means of epochs or seeds compete too. With a `start` training begins from it, and what is
    published is start and change together. With `source_weights`, by language, each language's examples are drawn as
    often as weight and number say (`ltp.adapter.mixture`). `test` is looked at once, after the choice. With
    `checkpoints`, an interrupted run goes on to the same bits. `timings` takes what the time went for, in addition to
    what the caller counts. `part_size` bounds how much of a batch is computed at a time. `verbalizer` says which labels
    there are, and the words for them: the paper's when None. `warn` is told which texts were cut or have unknown words.

    Raises:
        BackboneMismatch, InvalidConfig, ExamplesError, UnknownText, TooFewExamples, VerbalizerNotSingleToken: see
            `make_plan`.
        TrainingDiverged: a loss became NaN or infinite. TrainingCancelled: raised by `progress`.
    """
    timings = timings or Timings()
    with timings("tokenize"):
        plan = make_plan(
            backbone.on(device),
            ticket,
            method=method,
            train=train,
            dev=dev,
            test=test,
            config=config,
            seeds=seeds,
            part_size=part_size,
            verbalizer=verbalizer,
            start=start,
            source_weights=source_weights,
        )
    for warning in plan.lost["warnings"]:
        (warn or (lambda _: None))(warning)
    return _Trainer(plan, progress or (lambda _: None), checkpoints, timings).run()


class _Trainer:
    def __init__(
        self, plan: TrainingPlan, progress: ProgressCallback, checkpoints: Checkpoints | None, timings: Timings
    ) -> None:
        self._plan, self._progress, self._checkpoints, self._timings = plan, progress, checkpoints, timings
        self._plans = plans_by_rate(plan)
        """One for each rate; the first seed is trained at all of them, further ones at the best."""
        with timings("prepare"):
            self._model = model_of(plan)
        self._done = FinishedSeeds()

    @property
    def _seconds(self) -> float:
        """What training took so far."""
        return sum(self._timings.of(TRAINING).values())

    def run(self) -> TrainedAdapter:
        current = self._resume()
        while len(self._done.best) < self._runs:
            current = current or self._seed_run()
            self._train(current)
            self._done.add(current)
            current = None
        return self._publish()

    @property
    def _runs(self) -> int:
        """Trainings in all."""
        return len(self._plans) + self._plan.seeds - 1

    def _seed_run(self) -> SeedRun:
        done, trials = len(self._done.best), len(self._plans)
        plan = self._plans[done if done < trials else best_rate(self._done.courses[:trials])]
        with self._timings("prepare"):
            return SeedRun(plan, self._model, seed=plan.config.seed + max(0, done - trials + 1))

    def _train(self, current: SeedRun) -> None:
        plan = self._plan
        per_seed = plan.epochs * plan.steps_per_epoch
        metrics: dict[str, float] = {}

        def report() -> None:
            finished = len(self._done.best) * per_seed + current.state.step
            where = {"seed": float(current.seed), "epoch": float(current.epoch)}
            self._progress(Progress("training", finished, self._runs * per_seed, metrics | where))

        while current.state.step < per_seed:
            with self._timings("training"):
                metrics = {"loss": current.step()}
            if current.ends_epoch:
                with self._timings("validating"):
                    metrics |= current.score_epoch(report)
            with self._timings("checkpoints"):
                self._save(current)
            report()

    def _save(self, current: SeedRun) -> None:
        if self._checkpoints is None:
            return
        tensors = {f"now.{name}": tensor for name, tensor in current.tensors().items()}
        tensors |= self._done.tensors()
        state = {
            "identity": self._plan.identity,
            "timings": self._timings.of(TRAINING),
            "done": self._done.courses,
            "course": asdict(current.state),
        }
        self._checkpoints.save(tensors, state)

    def _resume(self) -> SeedRun | None:
        saved = self._checkpoints.load(identity=self._plan.identity) if self._checkpoints else None
        if saved is None:
            return None
        tensors, state = saved
        self._timings.go_on(state.get("timings", {}), TRAINING)
        self._done.restore(tensors, state["done"])
        current = self._seed_run()
        now = {name.removeprefix("now."): tensor for name, tensor in tensors.items() if name.startswith("now.")}
        current.restore(now, state["course"])
        return current

    def _publish(self) -> TrainedAdapter:
        """Choose among the seeds' best epochs, which come first, and what was averaged."""
        trained, trials = self._done.courses, len(self._plans)
        winner = best_rate(trained[:trials])
        self._plan, self._done = self._plans[winner], self._done.only([winner, *range(trials, self._runs)])
        plan, seeds = self._plan, len(self._done.best)
        found = self._done.candidates(plan.config)
        with self._timings("encode"):
            exact = compared_as(plan.config.delta_dtype)
            adapters = [adapter_of(plan, self._model, each.tensors, exact) for each in found]
        scored = self._score(adapters, plan.dev, "scoring", selected_on=True)
        chosen, single = (best_index([each.figures for each in some]) for some in (scored, scored[:seeds]))
        form = self._stored(adapters[chosen], scored[chosen], found[chosen].tensors)
        adapters[chosen], scored[chosen] = form.adapter, form.scored or scored[chosen]
        dev = [each.figures for each in scored]
        per_seed = [
            {"seed": course["seed"], "epoch": course["best_epoch"], "dev": score}
            for course, score in zip(self._done.courses, dev[:seeds], strict=True)
        ]
        metrics: dict[str, Any] = {"dev": dev[chosen]}
        if plan.test:
            published = [] if chosen < seeds else [adapters[chosen]]
            test = [each.figures for each in self._score([*adapters[:seeds], *published], plan.test, "testing")]
            for seed, score in zip(per_seed, test[:seeds], strict=True):
                seed["test"] = score
            metrics["test"] = test[min(chosen, seeds)]
        metrics |= {"per_seed": per_seed, **summary(per_seed), **form.metrics}
        report = self._report(single)
        if plan.config.average != "none":
            report["choice"] = choice(found, dev, chosen, singles=seeds)
        if trials > 1:
            report |= {"rates": tried(self._plans, trained), "steps": sum(course["step"] for course in trained)}
        judgement = Judgement(np.arange(len(plan.dev)), scored[chosen].logits.softmax(1).numpy())
        answered, training = curve(judgement.probabilities, plan.dev.labels.numpy()), self._training(form.dtype)
        return TrainedAdapter(adapters[chosen], metrics, training, report, judgement, answered)

    def _stored(self, exact: Adapter, scored: Scored, tensors: Mapping[str, Tensor]) -> StoredForm:
        """The chosen one in the form in which it is published."""

        def encode(dtype: DeltaDtype) -> Adapter:
            with self._timings("encode"):
                return adapter_of(self._plan, self._model, tensors, dtype)

        def score(adapter: Adapter) -> Scored:
            return self._score([adapter], self._plan.dev, "scoring", selected_on=True)[0]

        return stored_form(self._plan.config.delta_dtype, exact, scored, encode=encode, score=score)

    def _score(
        self, adapters: Sequence[Adapter], part: Labelled, phase: str, *, selected_on: bool = False
    ) -> list[Scored]:
        scorer, scored = Scorer(self._plan), 0

        def done(pairs: int) -> None:
            nonlocal scored
            scored += pairs
            self._progress(Progress(phase, scored, len(adapters) * len(part)))

        with self._timings("scoring"):
            return [scorer(adapter, part, selected_on=selected_on, done=done) for adapter in adapters]

    def _training(self, dtype: DeltaDtype) -> dict[str, Any]:
        plan, used = self._plan, {"delta_dtype": dtype, "optimizer": "AdamW", "weight_decay": 0.0}
        return {"method": plan.method, **asdict(plan.config), "seeds": plan.seeds, **used}

    def _report(self, best: int) -> dict[str, Any]:
        plan, course = self._plan, self._done.courses[best]
        parts = {"train": plan.train, "dev": plan.dev, "test": plan.test}
        return {
            "best_seed": course["seed"],
            "best_epoch": course["best_epoch"],
            "courses": [{"seed": done["seed"], "epochs": done["epochs"]} for done in self._done.courses],
            "examples": {name: len(part) for name, part in parts.items()},
            **plan.lost,
            "parameters": {"prompt": self._done.best[best]["prompt"].numel(), "active": len(self._model.values)},
            "steps": sum(done["step"] for done in self._done.courses),
            "seconds": round(self._seconds, 3),
            "timings": self._timings.rounded(),
            **({} if plan.start is None else {"start": plan.started}),
            **({} if plan.mixture is None else {"sources": plan.mixture.facts()}),
        }


def model_of(plan: TrainingPlan) -> SparseParameters | DenseParameters:
    """What trains of the backbone, by the method.

    A start moved rows that no training example touches, and which the development examples are scored with.
    """
    tied = STRATEGIES[plan.strategy].ties_output
    read = [*plan.train.encoded, *(plan.sources.encoded if plan.sources else ())]
    if plan.start is not None:
        read += plan.dev.encoded
    rows = touched_rows(plan.backbone, read, tied=tied, words=plan.words)
    start = None if plan.start is None else plan.start.changes
    if plan.recipe.dense:
        return DenseParameters(plan.backbone, rows=rows, words=plan.words, start=start)
    return SparseParameters(plan.backbone, plan.ticket, rows=rows, words=plan.words, start=start)
