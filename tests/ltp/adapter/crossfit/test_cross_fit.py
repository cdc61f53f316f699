"""Cross-fitting an adapter: what is published, judged, reported and gone on with."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.synthetic import pairs, random_ticket

from ltp.adapter.artefact import Adapter
from ltp.adapter.crossfit.train import cross_fit_adapter
from ltp.adapter.start import Start, start_from
from ltp.adapter.train import TrainedAdapter, train_adapter
from ltp.backbone.load import Backbone
from ltp.config import LABELS, AdapterConfig
from ltp.errors import TooFewExamples, TrainingCancelled
from ltp.model.verbalizer import verbalizer_of
from ltp.progress import Progress, ProgressCallback
from ltp.text.examples import Example
from ltp.ticket.mask import Ticket
from ltp.training.checkpoint import Checkpoints
from ltp.training.timings import Timings


def config(**changed: object) -> AdapterConfig:
    values = {"epochs": 2, "batch_size": 16, "learning_rate": 3e-3, "max_length": 64, **changed}
    return AdapterConfig(**values)


@pytest.fixture(scope="module")
def ticket(tiny_backbone: Backbone) -> Ticket:
    return random_ticket(tiny_backbone, 0.2)


@pytest.fixture(scope="module")
def start(tiny_backbone: Backbone, ticket: Ticket) -> Start:
    """What half learnt that one word gives the label away."""
    source = pairs(48, seed=2, cue=True)
    trained = train_adapter(tiny_backbone, ticket, method="ltp", train=source, dev=source, config=config(epochs=12))
    return start_from(trained.adapter, ticket, ticket, tiny_backbone)


def same(first: Adapter, second: Adapter) -> bool:
    values = (torch.equal(value, second.delta.values[name]) for name, value in first.delta.values.items())
    return torch.equal(first.prompt, second.prompt) and all(values) and first.calibration == second.calibration


def fit(backbone: Backbone, ticket: Ticket | None, **given: Any) -> TrainedAdapter:
    usual = {"method": "ltp", "train": pairs(24, seed=1, cue=True), "config": config()}
    return cross_fit_adapter(backbone, ticket, **{**usual, **given})


def test_what_helps_is_learnt_from_all_pairs(tiny_backbone: Backbone, ticket: Ticket, start: Start) -> None:
    trained = fit(
        tiny_backbone,
        ticket,
        train=pairs(48, seed=1, cue=True),
        test=pairs(90, seed=4, cue=True),
        config=config(epochs=6),
        start=start,
    )
    choice, baseline = trained.report["choice"], trained.metrics["baseline"]
    assert choice["weight"] > 0
    assert trained.metrics["dev"]["accuracy"] > baseline["start"]["accuracy"]
    assert 0 < baseline["start"]["p"] < 1
    assert baseline["guessing"] == pytest.approx(1 / 3)
    assert trained.metrics["test"]["accuracy"] > 0.7
    low, high = trained.metrics["dev"]["interval"]
    assert low < trained.metrics["dev"]["accuracy"] < high
    assert trained.metrics["dev"]["pairs"] == 48
    assert trained.metrics["dev"]["estimated"] == "cross_fitted"
    assert trained.metrics["dev"]["selected_on"] is True
    assert trained.training["estimate"] == "cross_fit"
    json.dumps([trained.metrics, trained.training, trained.report], allow_nan=False)


def test_what_harms_is_not_published(tiny_backbone: Backbone, ticket: Ticket, start: Start) -> None:
    given = {"train": pairs(36, seed=1), "config": config(learning_rate=3e-2, epochs=4)}  # nothing is to be learnt here
    trained = fit(tiny_backbone, ticket, start=start, **given)
    assert trained.report["choice"]["weight"] == 0
    assert "start is published" in trained.report["choice"]["why"]
    again = start_from(trained.adapter, ticket, ticket, tiny_backbone)
    for name, values in start.values.items():
        assert torch.allclose(again.values[name], values, atol=1e-4) or name in start.rows
    assert torch.equal(trained.adapter.prompt, start.prompt)


def test_the_same_bits_on_any_number_of_threads(tiny_backbone: Backbone, ticket: Ticket, start: Start) -> None:
    usual = torch.get_num_threads()
    try:
        made = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            made.append(fit(tiny_backbone, ticket, start=start))
    finally:
        torch.set_num_threads(usual)
    assert same(made[0].adapter, made[1].adapter)
    assert made[0].metrics == made[1].metrics


def stop_at(folder: Path, number: int) -> ProgressCallback:
    """Cancel when so many checkpoints were written."""

    def progress(_: Progress) -> None:
        if any(int(path.stem.removeprefix("checkpoint-")) >= number for path in folder.glob("checkpoint-*")):
            raise TrainingCancelled("enough")

    return progress


@pytest.mark.parametrize("started", [True, False], ids=["from a start", "from pretrained values"])
def test_an_interrupted_run_goes_on_to_the_same_bits(
    tiny_backbone: Backbone, ticket: Ticket, start: Start, tmp_path: Path, started: bool
) -> None:
    given = {"start": start if started else None, "config": config(learning_rate="auto", epochs=3, folds=2), "seeds": 2}
    whole = fit(tiny_backbone, ticket, **given)
    kept = Checkpoints(tmp_path, budget=1e9)
    attempts, resumed = 0, None
    while resumed is None:
        try:
            stop = stop_at(tmp_path, 1 + 3 * attempts)
            resumed = fit(tiny_backbone, ticket, **given, progress=stop, checkpoints=kept)
        except TrainingCancelled:
            attempts += 1
    assert attempts > 2
    assert same(whole.adapter, resumed.adapter)
    assert whole.metrics == resumed.metrics
    assert whole.report["courses"] == resumed.report["courses"]


def test_what_training_took_before_counts(tiny_backbone: Backbone, ticket: Ticket, tmp_path: Path) -> None:
    kept, earlier = Checkpoints(tmp_path, budget=1e9), Timings()
    for phase in ("tokenize", "training"):
        earlier.add(phase, 1000)
    given = {"config": config(epochs=3), "checkpoints": kept}
    with pytest.raises(TrainingCancelled):
        fit(tiny_backbone, ticket, progress=stop_at(tmp_path, 1), timings=earlier, **given)
    report = fit(tiny_backbone, ticket, **given).report
    assert 1000 < report["timings"]["training"] < report["seconds"] < 2000
    assert report["timings"]["tokenize"] < 1000, "which this attempt did again"


@pytest.mark.parametrize("method", ["ft", "sp", "dp", "pt"])
def test_other_methods_are_cross_fitted_too(tiny_backbone: Backbone, method: str) -> None:
    trained = fit(tiny_backbone, None, method=method)
    assert trained.metrics["dev"]["pairs"] == 24
    assert trained.report["published"] == "all"
    assert "pretrained values" in trained.report["choice"]["why"]


def test_rates_are_tried_and_the_best_goes_on(tiny_backbone: Backbone, ticket: Ticket, start: Start) -> None:
    trained = fit(tiny_backbone, ticket, start=start, config=config(learning_rate="auto", epochs=3))
    usual = tiny_backbone.info.learning_rate / 2
    rates = [pytest.approx(usual * factor) for factor in (1 / 3, 1, 3)]
    assert trained.report["choice"]["rate"] in rates
    assert trained.training["learning_rate"] == trained.report["choice"]["rate"]


def test_seeds_are_averaged_from_a_start_and_chosen_among_without(
    tiny_backbone: Backbone, ticket: Ticket, start: Start
) -> None:
    both = fit(tiny_backbone, ticket, start=start, seeds=2)
    assert [course["seed"] for course in both.report["courses"]] == [0, 1]
    assert len(both.metrics["per_seed"]) == 2
    alone = fit(tiny_backbone, ticket, seeds=2)
    best = min(alone.report["courses"], key=lambda course: course["loss"])
    assert alone.report["best_seed"] == best["seed"]
    single = fit(tiny_backbone, ticket, config=config(seed=best["seed"]))
    assert same(single.adapter, alone.adapter)


def test_the_run_on_all_pairs_can_be_published_instead(tiny_backbone: Backbone, ticket: Ticket, start: Start) -> None:
    folds, everything = (fit(tiny_backbone, ticket, start=start, publish=how) for how in ("folds", "all"))
    assert everything.metrics["dev"] == folds.metrics["dev"]
    assert (folds.report["published"], everything.report["published"]) == ("folds", "all")
    if folds.report["choice"]["weight"]:
        assert not torch.equal(folds.adapter.prompt, everything.adapter.prompt)


def test_late_epochs_are_averaged_where_that_is_better(tiny_backbone: Backbone, ticket: Ticket, start: Start) -> None:
    given = config(learning_rate=3e-2, average="epochs", epochs=6)
    trained = fit(tiny_backbone, ticket, train=pairs(24, seed=1), start=start, config=given)
    course = trained.report["courses"][0]
    lowest = min(epoch["dev_loss"] for epoch in course["epochs"])
    assert course["loss"] < lowest if course["averaged"] else course["loss"] == pytest.approx(lowest)


def test_two_labels_and_words_of_ones_own(tiny_backbone: Backbone, ticket: Ticket) -> None:
    words = {"entailment": "dog", "not_entailment": "cat"}
    two_way = [
        replace(example, label="entailment" if example.label == "entailment" else "not_entailment")
        for example in pairs(24, seed=1)
    ]
    verbalizer = verbalizer_of("ltp", "two_way", words)
    trained = fit(tiny_backbone, ticket, train=two_way, verbalizer=verbalizer)
    assert trained.metrics["dev"]["label_space"] == "two_way"
    assert trained.metrics["baseline"]["guessing"] == pytest.approx(2 / 3)
    assert trained.adapter.verbalizer == verbalizer


def test_fewer_premises_than_folds(tiny_backbone: Backbone, ticket: Ticket, start: Start) -> None:
    examples = [
        Example("dog house", f"{word} road", label) for word, label in zip(("cat", "man", "boy"), LABELS, strict=True)
    ]
    more = [
        replace(example, premise=premise) for premise in ("dog house", "cat road", "a bird") for example in examples
    ]
    trained = fit(tiny_backbone, ticket, train=more, start=start)
    assert trained.report["folds"] == 3
    assert trained.metrics["dev"]["interval"][1] - trained.metrics["dev"]["interval"][0] > 0.5
    with pytest.raises(TooFewExamples, match="1 premise"):
        fit(tiny_backbone, ticket, train=examples, start=start)


def test_progress_is_told_and_may_cancel_in_the_middle_of_an_epoch(tiny_backbone: Backbone, ticket: Ticket) -> None:
    seen: list[Progress] = []
    fit(tiny_backbone, ticket, progress=seen.append, config=config(epochs=3), test=pairs(6, seed=5))
    training = [progress for progress in seen if progress.phase == "training"]
    assert training[-1].step == training[-1].total == 3 * (4 * 2 + 2)
    assert [progress.step for progress in training] == sorted(progress.step for progress in training)
    assert seen[-1].phase == "testing"

    def cancel(progress: Progress) -> None:
        raise TrainingCancelled("enough")

    with pytest.raises(TrainingCancelled):
        fit(tiny_backbone, ticket, progress=cancel, config=config(epochs=1000))
