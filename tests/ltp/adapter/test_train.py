"""It learns: overfitting, a planted cue, the prompt alone; and the scores are what they say they are."""

import json

import numpy as np
import pytest
import torch
from support.needs import SLOW, needs
from support.overflowing import overflowing
from support.synthetic import empty_ticket, pairs, random_ticket

from ltp.adapter.plan import make_plan
from ltp.adapter.report import Scorer
from ltp.adapter.seed_run import SeedRun
from ltp.adapter.train import TrainedAdapter, model_of, train_adapter
from ltp.backbone.load import Backbone
from ltp.config import LABELS, AdapterConfig
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.errors import (
    BackboneMismatch,
    ExamplesError,
    InvalidConfig,
    TooFewExamples,
    TrainingCancelled,
    TrainingDiverged,
    UnknownText,
)
from ltp.metrics import score
from ltp.progress import Progress
from ltp.text.examples import Example, leaks
from ltp.ticket.mask import Ticket


def config(**changed: object) -> AdapterConfig:
    values = {"epochs": 3, "batch_size": 16, "learning_rate": 3e-3, "max_length": 64, **changed}
    return AdapterConfig(**values)


@pytest.fixture(scope="module")
def ticket(tiny_backbone: Backbone) -> Ticket:
    return random_ticket(tiny_backbone, 0.2)


@pytest.fixture(scope="module")
@needs(SLOW)
def cued(tiny_backbone: Backbone, ticket: Ticket) -> TrainedAdapter:
    """Trained where one word of the hypothesis gives the label away, tested on unseen pairs."""
    sides = {
        "train": pairs(96, seed=2, cue=True),
        "dev": pairs(60, seed=3, cue=True),
        "test": pairs(300, seed=4, cue=True),
    }
    assert not leaks(sides["train"], sides["dev"])
    return train_adapter(tiny_backbone, ticket, method="ltp", config=config(epochs=15), seeds=2, **sides)


@pytest.mark.slow
def test_48_pairs_without_a_pattern_are_learnt_by_heart(tiny_backbone: Backbone, ticket: Ticket) -> None:
    examples = pairs(48, seed=1)
    trained = train_adapter(
        tiny_backbone, ticket, method="ltp", train=examples, dev=examples, config=config(epochs=60, learning_rate=1e-2)
    )
    assert trained.metrics["dev"]["accuracy"] >= 0.99


@pytest.mark.slow
def test_development_examples_are_not_learnt(tiny_backbone: Backbone, ticket: Ticket) -> None:
    trained = train_adapter(
        tiny_backbone,
        ticket,
        method="ltp",
        train=pairs(24, seed=1),
        dev=pairs(48, seed=9),  # without a pattern: only who saw them could know
        config=config(epochs=50, learning_rate=1e-2),
    )
    assert min(epoch["train_loss"] for epoch in trained.report["courses"][0]["epochs"]) < 0.7
    assert trained.metrics["dev"]["accuracy"] < 0.6


def test_a_planted_cue_is_found_on_unseen_pairs(cued: TrainedAdapter) -> None:
    assert cued.metrics["test"]["accuracy"] >= 0.95
    assert cued.metrics["test"]["interval"][0] > 0.9
    assert [seed["test"]["accuracy"] for seed in cued.metrics["per_seed"]] == pytest.approx([1, 1], abs=0.05)


@pytest.mark.slow
def test_with_the_prompt_alone_nothing_else_moves_and_it_still_learns(tiny_backbone: Backbone) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_backbone.parameters.items()}
    sides = {"train": pairs(96, seed=2, cue=True), "dev": pairs(60, seed=3, cue=True)}
    trained = train_adapter(tiny_backbone, None, method="pt", config=config(epochs=15, learning_rate=1e-2), **sides)

    assert trained.adapter.delta.values == {}
    assert trained.adapter.ticket_sha256 is None
    assert trained.report["parameters"]["active"] == 0
    for name, tensor in before.items():
        assert torch.equal(tensor.view(torch.int32), tiny_backbone.parameters[name].view(torch.int32)), name
    losses = [epoch["train_loss"] for epoch in trained.report["courses"][0]["epochs"]]
    assert losses[-1] < losses[0]
    first = train_adapter(tiny_backbone, None, method="pt", config=config(epochs=1, learning_rate=1e-2), **sides)
    assert not torch.equal(first.adapter.prompt, trained.adapter.prompt)


def test_an_empty_ticket_moves_the_prompt_alone(tiny_backbone: Backbone) -> None:
    empty = empty_ticket(tiny_backbone)
    examples = pairs(12, seed=1)
    both = {
        method: train_adapter(tiny_backbone, given, method=method, train=examples, dev=examples, config=config())
        for method, given in (("ltp", empty), ("pt", None))
    }
    assert both["ltp"].adapter.delta.values == {}
    assert both["ltp"].report["parameters"]["active"] == 0
    assert torch.equal(both["ltp"].adapter.prompt, both["pt"].adapter.prompt)


def test_metrics_are_those_of_the_decoded_artefact(
    tiny_backbone: Backbone, ticket: Ticket, cued: TrainedAdapter
) -> None:
    engine = Engine(tiny_backbone, source=lambda _: (cued.adapter, ticket))
    for part, examples in (("dev", pairs(60, seed=3, cue=True)), ("test", pairs(300, seed=4, cue=True))):
        answers = engine.predict([PairRequest("x", example.premise, example.hypothesis) for example in examples])
        labels = np.array([LABELS.index(example.label) for example in examples if example.label])
        expected = score(np.array([answer.probabilities for answer in answers]), labels).as_dict()
        found = cued.metrics[part]
        assert found["confusion"] == expected["confusion"]
        assert found["accuracy"] == expected["accuracy"]
        assert found["interval"] == expected["interval"]
        assert found["ece"] == pytest.approx(expected["ece"], abs=1e-5)
    assert cued.metrics["dev"]["selected_on"] is True
    whole, *surer = cued.answered
    assert whole == {"threshold": 0.0, "answered": 1.0, "accuracy": round(cued.metrics["dev"]["accuracy"], 6)}
    assert surer
    assert all(point["threshold"] > 0 for point in surer)
    assert cued.metrics["test"]["selected_on"] is False


def test_mean_deviation_and_choice_follow_the_seeds(cued: TrainedAdapter) -> None:
    per_seed = cued.metrics["per_seed"]
    assert [seed["seed"] for seed in per_seed] == [0, 1]
    losses = [seed["dev"]["loss"] for seed in per_seed]
    assert cued.metrics["mean"]["dev"]["loss"] == pytest.approx(np.mean(losses))
    assert cued.metrics["std"]["dev"]["loss"] == pytest.approx(np.std(losses, ddof=1))
    best = max(per_seed, key=lambda seed: (seed["dev"]["accuracy"], -seed["dev"]["loss"]))
    assert cued.report["best_seed"] == best["seed"]
    assert cued.metrics["dev"] == best["dev"]
    json.dumps([cued.metrics, cued.training, cued.report])


def test_the_best_epoch_wins_not_the_last(tiny_backbone: Backbone, ticket: Ticket) -> None:
    trained = train_adapter(
        tiny_backbone,
        ticket,
        method="ltp",
        train=pairs(24, seed=1),
        dev=pairs(30, seed=8),
        config=config(epochs=12, learning_rate=1e-2),
    )
    epochs = trained.report["courses"][0]["epochs"]
    best = max(epochs, key=lambda epoch: (epoch["dev_accuracy"], -epoch["dev_loss"], -epoch["epoch"]))
    assert trained.report["best_epoch"] == best["epoch"] < 12
    assert trained.metrics["dev"]["accuracy"] == pytest.approx(best["dev_accuracy"], abs=1 / 30 + 1e-9)
    assert trained.metrics["dev"]["loss"] == pytest.approx(best["dev_loss"], abs=1e-2)


def test_what_was_used_is_recorded_and_truncation_counted(tiny_backbone: Backbone, ticket: Ticket) -> None:
    long = [Example("the dog " * 20, "a cat", "neutral")]
    trained = train_adapter(
        tiny_backbone,
        ticket,
        method="ltp",
        train=pairs(9, seed=1) + long,
        dev=pairs(9, seed=2),
        test=long * 2,
        config=config(epochs=1, learning_rate=None, max_length=32, seed=7),
    )
    assert trained.training["learning_rate"] == trained.training["prompt_learning_rate"] == 2e-5
    assert trained.training["seed"] == 7
    assert trained.training["method"] == "ltp"
    assert trained.report["truncated"] == {"train": 1, "dev": 0, "test": 2}
    assert trained.report["examples"] == {"train": 10, "dev": 9, "test": 2}
    assert trained.metrics["std"]["dev"]["accuracy"] is None


def test_the_same_seed_gives_the_same_bits_and_another_does_not(tiny_backbone: Backbone, ticket: Ticket) -> None:
    sides = {"train": pairs(24, seed=1), "dev": pairs(12, seed=2)}
    first, again, other = (
        train_adapter(tiny_backbone, ticket, method="ltp", config=config(seed=seed), **sides).adapter
        for seed in (0, 0, 1)
    )
    assert torch.equal(first.prompt, again.prompt)
    assert all(torch.equal(values, again.delta.values[name]) for name, values in first.delta.values.items())
    assert not torch.equal(first.prompt, other.prompt)


@pytest.mark.slow
def test_bf16_learns_too(tiny_backbone: Backbone, ticket: Ticket) -> None:
    trained = train_adapter(
        tiny_backbone,
        ticket,
        method="ltp",
        train=pairs(96, seed=2, cue=True),
        dev=pairs(60, seed=3, cue=True),
        config=config(epochs=15, precision="bf16"),
    )
    assert trained.metrics["dev"]["accuracy"] >= 0.95


@pytest.mark.slow
def test_it_learns_in_batches_of_like_length_at_a_falling_rate_without_dropout_in_attention(
    tiny_backbone: Backbone, ticket: Ticket
) -> None:
    sides = {"train": pairs(96, seed=2, cue=True), "dev": pairs(60, seed=3, cue=True)}
    changed = config(epochs=30, order="by_length", schedule="linear", attention_dropout=False)
    trained = train_adapter(tiny_backbone, ticket, method="ltp", config=changed, **sides)
    assert trained.metrics["dev"]["accuracy"] >= 0.9
    assert {trained.training[name] for name in ("order", "schedule", "attention_dropout")} == {
        "by_length",
        "linear",
        False,
    }


@pytest.mark.parametrize("changed", [{"order": "by_length"}, {"schedule": "linear"}, {"attention_dropout": False}])
def test_each_of_order_schedule_and_attention_dropout_is_followed(
    tiny_backbone: Backbone, ticket: Ticket, changed: dict[str, object]
) -> None:
    sides = {"train": pairs(60, seed=2), "dev": pairs(6, seed=3)}
    usual, other = (
        train_adapter(tiny_backbone, ticket, method="ltp", config=config(epochs=4, **values), **sides).adapter
        for values in ({}, changed)
    )
    assert any(not torch.equal(usual.delta.values[name], other.delta.values[name]) for name in usual.delta.values)


def test_progress_is_reported_at_every_step_and_may_cancel(tiny_backbone: Backbone, ticket: Ticket) -> None:
    seen: list[Progress] = []
    sides = {"train": pairs(33, seed=1), "dev": pairs(9, seed=2), "test": pairs(9, seed=3)}
    train_adapter(tiny_backbone, ticket, method="ltp", config=config(epochs=2), seeds=2, progress=seen.append, **sides)
    steps = [progress for progress in seen if progress.phase == "training"]
    assert sorted({progress.step for progress in steps}) == list(range(1, 13))
    assert [progress.step for progress in steps] == sorted(progress.step for progress in steps)
    assert {progress.total for progress in steps} == {12}
    assert [progress.step for progress in steps if "dev_accuracy" in progress.metrics] == [3, 6, 9, 12]
    assert all("loss" in progress.metrics for progress in steps[:2])
    rest = [(progress.phase, progress.step, progress.total) for progress in seen[len(steps) :]]
    scored = [("scoring", 9, 18), ("scoring", 18, 18), ("scoring", 9, 9)]  # the seeds; then the best with int8 values
    assert rest == [*scored, ("testing", 9, 18), ("testing", 18, 18)]

    def cancel(progress: Progress) -> None:
        if progress.step == 2:
            raise TrainingCancelled("enough")

    with pytest.raises(TrainingCancelled):
        train_adapter(tiny_backbone, ticket, method="ltp", config=config(), progress=cancel, **sides)


def test_a_training_whose_answers_are_not_finite_is_not_published(tiny_backbone: Backbone) -> None:
    examples = pairs(9, seed=1)
    given = {"train": examples, "dev": examples, "test": (), "config": config(), "seeds": 1}
    plan = make_plan(tiny_backbone, None, method="pt", **given)
    with pytest.raises(TrainingDiverged, match="not finite"):
        Scorer(plan)(overflowing(tiny_backbone), plan.dev, selected_on=True, done=lambda _: None)

    running = SeedRun(plan, model_of(plan), seed=0)
    running.step()
    running.tensors()["prompt.mlp.2.bias"][::2] = 3e38
    running.tensors()["prompt.mlp.2.bias"][1::2] = -3e38
    with pytest.raises(TrainingDiverged, match="epoch 1"):
        running.score_epoch(lambda: None)


def test_what_cannot_be_trained_is_refused(tiny_backbone: Backbone, ticket: Ticket) -> None:
    good = pairs(9, seed=1)

    def attempt(error: type[Exception], *, given: Ticket | None = ticket, **changed: object) -> None:
        arguments = {"method": "ltp", "train": good, "dev": good, "config": config(epochs=1), **changed}
        with pytest.raises(error):
            train_adapter(tiny_backbone, given, **arguments)

    attempt(InvalidConfig, given=None)
    attempt(InvalidConfig, seeds=0)
    attempt(InvalidConfig, config=config(max_length=16, prompt_length=64))
    attempt(TooFewExamples, train=[example for example in good if example.label != "neutral"])
    attempt(ExamplesError, dev=[])
    attempt(ExamplesError, dev=[Example("a dog", "a cat")])
    attempt(ExamplesError, train=[*good, Example(" ", "a cat", "neutral")])
    stranger = Ticket(ticket.masks, ticket.shapes, ticket.selectable, 0, 0, "decoupled", "0" * 64)
    attempt(BackboneMismatch, given=stranger)


@pytest.mark.parametrize("part", ["train", "dev", "test"])
def test_examples_of_unknown_words_are_refused_before_they_are_trained_on(
    tiny_backbone: Backbone, ticket: Ticket, part: str
) -> None:
    sides = {"train": pairs(9, seed=1), "dev": pairs(9, seed=2), "test": pairs(9, seed=3)}
    sides[part] = [Example("ᱟᱢ.", f"ᱪᱮᱫ {number}", each.label) for number, each in enumerate(sides[part])]
    with pytest.raises(UnknownText, match="ᱟ"):
        train_adapter(tiny_backbone, ticket, method="ltp", config=config(epochs=1), **sides)
