"""From cross-fitted seeds to what is published: the choice, its calibration, its scores, and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from torch import Tensor

from ltp.adapter.artefact import Adapter
from ltp.adapter.average import averages_seeds, mixed
from ltp.adapter.crossfit.answers import Model
from ltp.adapter.crossfit.figures import baselines, calibration_figures, chances, quality
from ltp.adapter.crossfit.fitting import helpful
from ltp.adapter.crossfit.guard import Candidate, Choice, choose
from ltp.adapter.crossfit.seeds import Combined, SeedResult, combined
from ltp.adapter.judgement import Judgement
from ltp.adapter.plan import Labelled, TrainingPlan
from ltp.adapter.published import adapter_of
from ltp.adapter.report import Scored, Scorer, summary
from ltp.adapter.stored_form import StoredForm, compared_as, stored_form
from ltp.adapter.train import TRAINING, TrainedAdapter
from ltp.calibration import Calibration
from ltp.delta.delta import DeltaDtype
from ltp.progress import Progress, ProgressCallback
from ltp.training.timings import Timings


class Work(NamedTuple):
    """What publishing needs of the training, besides its results."""

    plan: TrainingPlan
    model: Model
    start: Mapping[str, Tensor] | None
    premises: Sequence[int]
    folds: int
    published: str
    progress: ProgressCallback
    timings: Timings


def published(work: Work, results: Sequence[SeedResult]) -> TrainedAdapter:
    """Choose, calibrate, encode, and score; test examples are looked at once, after all that."""
    plan, space = work.plan, work.plan.verbalizer.label_space
    best = min(results, key=lambda result: result.loss)
    averaged = work.start is not None or averages_seeds(plan.config.average)
    whole = combined(results if averaged else [best], plan.train.labels.numpy(), work.premises)
    judged, weights = whole.judged, whole.weights
    candidates = [Candidate(weight, answers) for weight, answers in zip(weights, whole.answers, strict=True)]
    choice = choose(candidates, judged.labels, judged.groups)
    raw = candidates[choice.index].logits
    fit, calibrated = helpful(raw, judged.labels, judged.groups)
    form = _stored(work, whole, weights[choice.index], fit)
    adapter = form.adapter
    start = candidates[0].logits if work.start is not None else None
    per_seed = [_of_seed(result, choice.index, work) for result in results]
    dev = quality(calibrated, judged, space, optimism=whole.optimism, moved=weights[choice.index])
    metrics: dict[str, Any] = {"dev": dev}
    if plan.test:
        metrics["test"] = _scored(work, adapter, plan.test, "testing").figures
    metrics |= {
        "baseline": baselines(dev, calibrated, start, judged),
        "calibration": calibration_figures(raw, calibrated, fit, judged),
        "per_seed": per_seed,
        **summary(per_seed),
        **form.metrics,
    }
    told = _choice(best, choice, weights[choice.index])
    judgement = Judgement(judged.indices, chances(calibrated), cross_fitted=True)
    report = _report(work, results, best, whole, told)
    return TrainedAdapter(adapter, metrics, _training(plan, best, form.dtype), report, judgement)


def _stored(work: Work, whole: Combined, weight: float, fit: Calibration | None) -> StoredForm:
    """What is published, in the form in which it is; forms are compared on the pairs that it was trained on."""
    tensors = dict(whole.trained) if work.start is None else mixed(work.start, whole.trained, weight)
    wanted = work.plan.config.delta_dtype

    def encode(dtype: DeltaDtype) -> Adapter:
        with work.timings("encode"):
            return replace(adapter_of(work.plan, work.model, tensors, dtype), calibration=fit)

    def score(adapter: Adapter) -> Scored:
        return _scored(work, adapter, work.plan.train, "scoring")

    return stored_form(wanted, encode(compared_as(wanted)), None, encode=encode, score=score)


def _scored(work: Work, adapter: Adapter, part: Labelled, phase: str) -> Scored:
    scored = 0

    def done(pairs: int) -> None:
        nonlocal scored
        scored += pairs
        work.progress(Progress(phase, scored, len(part)))

    with work.timings("scoring"):
        return Scorer(work.plan)(adapter, part, selected_on=False, done=done)


def _of_seed(result: SeedResult, index: int, work: Work) -> dict[str, Any]:
    """A seed's own figures, at the weight that is published, without calibration."""
    alone = combined([result], work.plan.train.labels.numpy(), work.premises)
    how = {"optimism": alone.optimism, "moved": alone.weights[index]}
    score = quality(alone.answers[index], alone.judged, work.plan.verbalizer.label_space, **how)
    return {"seed": result.course["seed"], "epoch": result.course["best_epoch"], "dev": score}


def _choice(best: SeedResult, choice: Choice, weight: float) -> dict[str, Any]:
    return {
        "weight": weight,
        "epoch": best.course["best_epoch"],
        "rate": best.course["rate"],
        "candidates": choice.candidates,
        "why": choice.why,
    }


def _training(plan: TrainingPlan, best: SeedResult, dtype: DeltaDtype) -> dict[str, Any]:
    """Every hyperparameter as it was used; of several rates the one that was chosen."""
    used = {"learning_rate": best.course["rate"], "estimate": "cross_fit", "delta_dtype": dtype}
    config = asdict(plan.config) | used
    return {"method": plan.method, **config, "seeds": plan.seeds, "optimizer": "AdamW", "weight_decay": 0.0}


def _report(
    work: Work, results: Sequence[SeedResult], best: SeedResult, whole: Combined, choice: dict[str, Any]
) -> dict[str, Any]:
    plan = work.plan
    return {
        "best_seed": best.course["seed"],
        "best_epoch": best.course["best_epoch"],
        "courses": [result.course for result in results],
        "examples": {"train": len(plan.train), "dev": whole.judged.count, "test": len(plan.test)},
        **plan.lost,
        "parameters": {"prompt": whole.trained["prompt"].numel(), "active": len(work.model.values)},
        "steps": sum(result.course["steps"] for result in results),
        "seconds": round(sum(work.timings.of(TRAINING).values()), 3),
        "timings": work.timings.rounded(),
        "choice": choice,
        "folds": work.folds,
        "published": work.published,
        **({} if plan.start is None else {"start": plan.started}),
        **({} if plan.mixture is None else {"sources": plan.mixture.facts()}),
    }
