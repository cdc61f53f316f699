"""Training begins where an adapter ended: exactly on the same and on nested tickets, told in part on any other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.synthetic import pairs, random_ticket
from torch import Tensor

from ltp.adapter.artefact import Adapter
from ltp.adapter.materialise import materialise
from ltp.adapter.plan import TrainingPlan, make_plan
from ltp.adapter.seed_run import SeedRun
from ltp.adapter.start import Start, add_language, start_from
from ltp.adapter.train import TrainedAdapter, model_of, train_adapter
from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.config import LABELS, AdapterConfig
from ltp.delta.fuse import fuse
from ltp.errors import BackboneMismatch, DeltaDoesNotFitTicket, InvalidConfig, TrainingCancelled
from ltp.model.classify import classify
from ltp.model.encoder import Encoder
from ltp.model.methods import Method
from ltp.progress import Progress
from ltp.text.examples import Example
from ltp.ticket.mask import Ticket
from ltp.training.checkpoint import Checkpoints

CONFIG = AdapterConfig(epochs=2, batch_size=8, learning_rate=3e-3, max_length=64)
NEW = [Example("the rain", f"the {word}", label) for word, label in zip("wnc", LABELS, strict=True)]
"""Examples of few words, so that a start has rows that they do not touch."""
SIDES = {"train": NEW * 3, "dev": pairs(9, seed=5)}


@pytest.fixture(scope="module")
def ticket(tiny_backbone: Backbone) -> Ticket:
    return random_ticket(tiny_backbone, 0.2)


@pytest.fixture(scope="module")
def begun(tiny_backbone: Backbone, ticket: Ticket) -> Adapter:
    """An adapter to begin from."""
    sides = {"train": pairs(24, seed=1), "dev": pairs(9, seed=2)}
    return train_adapter(tiny_backbone, ticket, method="ltp", config=CONFIG, **sides).adapter


@pytest.fixture(scope="module")
def start(tiny_backbone: Backbone, ticket: Ticket, begun: Adapter) -> Start:
    return start_from(begun, ticket, ticket, tiny_backbone)


def larger(ticket: Ticket, *, seed: int = 7) -> Ticket:
    """A ticket that contains another."""
    generator = np.random.default_rng(seed)
    masks = {name: mask | (generator.random(len(mask)) < 0.3) for name, mask in ticket.masks.items()}
    return replace(ticket, masks={name: mask.astype(np.uint8) for name, mask in masks.items()})


def plan_of(backbone: Backbone, ticket: Ticket | None, start: Start | None, method: Method = "ltp") -> TrainingPlan:
    given = {"test": (), "config": CONFIG, "seeds": 1, **SIDES}
    return make_plan(backbone, ticket, method=method, start=start, **given)


def running(plan: TrainingPlan) -> SeedRun:
    return SeedRun(plan, model_of(plan), seed=0)


def answers(plan: TrainingPlan, adapter: Adapter, ticket: Ticket | None) -> Tensor:
    """What an adapter answers to the development examples."""
    weights = materialise(plan.backbone, adapter, ticket)
    return classify(Encoder(plan.backbone), weights, plan.dev.encoded, [adapter.prompt] * len(plan.dev), pad=plan.pad)


def answers_before_training(plan: TrainingPlan) -> Tensor:
    run = running(plan)
    prompt = run.now()["prompt"]
    weights = run._weights()
    return classify(Encoder(plan.backbone), weights, plan.dev.encoded, [prompt] * len(plan.dev), pad=plan.pad)


def whole(backbone: Backbone, adapter: Adapter, ticket: Ticket | None) -> dict[str, Tensor]:
    """Every value that an adapter changes, and the word embeddings."""
    changed, rows = fuse(backbone.parameters, adapter.delta, ticket)
    words = backbone.parameters[WORD_EMBEDDINGS].clone()
    if rows is not None:
        words[rows.rows] = rows.values
    return {**backbone.parameters, **changed, WORD_EMBEDDINGS: words}


def train(backbone: Backbone, ticket: Ticket, start: Start | None, **other: object) -> TrainedAdapter:
    return train_adapter(backbone, ticket, method="ltp", start=start, **{"config": CONFIG, **SIDES, **other})


def test_training_begins_with_the_very_answers_of_the_start(
    tiny_backbone: Backbone, ticket: Ticket, begun: Adapter, start: Start
) -> None:
    plan = plan_of(tiny_backbone, ticket, start)
    assert torch.equal(answers_before_training(plan), answers(plan, begun, ticket))
    assert not torch.equal(answers_before_training(plan_of(tiny_backbone, ticket, None)), answers(plan, begun, ticket))
    assert start.facts == {"method": "ltp", "carried": 1.0, "same_ticket": True, "nested": True}


def test_on_a_ticket_that_contains_the_other_every_value_carries_over(
    tiny_backbone: Backbone, ticket: Ticket, begun: Adapter
) -> None:
    wider = larger(ticket)
    carried = start_from(begun, ticket, wider, tiny_backbone)
    assert carried.facts == {"method": "ltp", "carried": 1.0, "same_ticket": False, "nested": True}
    plan = plan_of(tiny_backbone, wider, carried)
    assert torch.equal(answers_before_training(plan), answers(plan, begun, ticket))
    assert sum(map(len, carried.values.values())) > sum(map(len, begun.delta.values.values()))


def test_on_another_ticket_what_is_active_in_both_carries_over_and_the_share_is_told(
    tiny_backbone: Backbone, ticket: Ticket, begun: Adapter
) -> None:
    other = random_ticket(tiny_backbone, 0.5, seed=9)
    carried = start_from(begun, ticket, other, tiny_backbone)
    assert carried.facts["nested"] is False
    assert 0.45 < carried.facts["carried"] < 0.55
    run, begins = running(plan_of(tiny_backbone, other, carried)), whole(tiny_backbone, begun, ticket)
    published = run._model.delta(run.now()["values"], "fp32")
    there = whole(tiny_backbone, replace(begun, delta=published, ticket_sha256=other.sha256), other)
    both = moved = 0
    for name, pristine in tiny_backbone.parameters.items():
        active = torch.zeros(pristine.numel(), dtype=torch.bool)
        active[other.positions(name)] = True
        expected = torch.where(active.view(pristine.shape), begins[name], pristine)
        assert torch.allclose(there[name], expected, rtol=0, atol=1e-7), name
        both, moved = both + int((expected != pristine).sum()), moved + int((begins[name] != pristine).sum())
    assert carried.facts["carried"] == pytest.approx(both / moved, abs=0.01)


def test_rows_that_the_new_examples_do_not_touch_stay_in_what_is_published(
    tiny_backbone: Backbone, ticket: Ticket, begun: Adapter, start: Start
) -> None:
    config = replace(CONFIG, delta_dtype="fp32")
    trained = train(tiny_backbone, ticket, start, config=config, dev=NEW).adapter
    trained.check(ticket)
    touched = {token for example in plan_of(tiny_backbone, ticket, start).train.encoded for token in example.ids}
    kept = [row for row in begun.delta.rows[WORD_EMBEDDINGS].tolist() if row not in touched]
    assert len(kept) > 10
    before, after = (whole(tiny_backbone, adapter, ticket)[WORD_EMBEDDINGS] for adapter in (begun, trained))
    assert torch.allclose(before[kept], after[kept], rtol=0, atol=1e-7)
    moved = [row for row in begun.delta.rows[WORD_EMBEDDINGS].tolist() if row in touched]
    assert not torch.equal(before[moved], after[moved])


def test_the_prompt_of_a_start_is_trained_as_it_is(tiny_backbone: Backbone, ticket: Ticket, start: Start) -> None:
    run = running(plan_of(tiny_backbone, ticket, start))
    assert torch.equal(run.now()["prompt"], start.prompt)
    run.step()
    moved = (run.now()["prompt"] - start.prompt).abs()
    assert 0 < float(moved.max()) <= 3e-3 * 1.001
    report = train(tiny_backbone, ticket, start).report["start"]
    assert report == {**start.facts, "sha256": start.sha256, "prompt": "carried over"}


def test_from_a_start_fewer_passes_at_half_the_rate_are_the_default(
    tiny_backbone: Backbone, ticket: Ticket, start: Start
) -> None:
    usual = {"config": AdapterConfig(max_length=64), "test": (), "seeds": 1, **SIDES}
    started, pristine = (
        make_plan(tiny_backbone, ticket, method="ltp", start=given, **usual) for given in (start, None)
    )
    assert (started.epochs, started.learning_rate) == (12, pristine.learning_rate / 2)
    assert (pristine.epochs, pristine.learning_rate) == (70, tiny_backbone.info.learning_rate)
    assert started.identity != pristine.identity


def test_it_is_repeatable_and_goes_on_to_the_same_bits(
    tiny_backbone: Backbone, ticket: Ticket, begun: Adapter, start: Start, tmp_path: Path
) -> None:
    def kill(progress: Progress) -> None:
        if progress.step == 3:
            raise TrainingCancelled("killed")

    steps: list[int] = []
    with pytest.raises(TrainingCancelled):
        train(tiny_backbone, ticket, start, progress=kill, checkpoints=Checkpoints(tmp_path, budget=1e9))
    again = start_from(begun, ticket, ticket, tiny_backbone)
    whole_run = train(tiny_backbone, ticket, again)
    resumed = train(
        tiny_backbone,
        ticket,
        again,
        progress=lambda progress: steps.append(progress.step),
        checkpoints=Checkpoints(tmp_path, budget=1e9),
    )
    assert steps[0] == 4
    for name, values in whole_run.adapter.delta.values.items():
        assert torch.equal(values, resumed.adapter.delta.values[name]), name
    assert torch.equal(whole_run.adapter.prompt, resumed.adapter.prompt)
    assert train(tiny_backbone, ticket, None, checkpoints=Checkpoints(tmp_path, budget=1e9)).report["steps"] == 4


def test_fine_tuning_of_everything_begins_from_an_adapter_on_a_ticket(tiny_backbone: Backbone) -> None:
    ticket = random_ticket(tiny_backbone, 0.2, strategy="frozen_embeddings")  # so that `sp`, which ties, is the same
    sides = {"train": pairs(24, seed=1), "dev": pairs(9, seed=2)}
    begun = train_adapter(tiny_backbone, ticket, method="ltp", config=CONFIG, **sides).adapter
    start = start_from(begun, ticket, None, tiny_backbone)
    plan = plan_of(tiny_backbone, None, start, method="sp")
    assert torch.equal(answers_before_training(plan), answers(plan, begun, ticket))

    run = running(plan_of(tiny_backbone, None, start, method="ft"))
    values = run._model.changes(run.now()["values"])
    for name, tensor in whole(tiny_backbone, begun, ticket).items():
        if name in values and name != WORD_EMBEDDINGS:
            pristine = tiny_backbone.parameters[name]
            assert torch.allclose(values[name], (tensor - pristine).flatten(), rtol=0, atol=1e-7), name
    assert "prompt" not in {name.partition(".")[0] for name in run.now() if run.now()[name].numel()}
    trained = train_adapter(tiny_backbone, None, method="ft", start=start, config=CONFIG, **SIDES)
    assert trained.adapter.head
    assert trained.report["start"]["prompt"] == "new"


def test_whole_tensors_keep_the_rows_of_a_start_that_no_example_touches(
    tiny_backbone: Backbone, ticket: Ticket, begun: Adapter
) -> None:
    start = start_from(begun, ticket, None, tiny_backbone)
    given = {**SIDES, "dev": NEW, "config": replace(CONFIG, delta_dtype="fp32")}
    trained = train_adapter(tiny_backbone, None, method="ft", start=start, **given).adapter
    touched = {token for example in plan_of(tiny_backbone, ticket, None).train.encoded for token in example.ids}
    kept = [row for row in begun.delta.rows[WORD_EMBEDDINGS].tolist() if row not in touched]
    before = whole(tiny_backbone, begun, ticket)[WORD_EMBEDDINGS]
    assert torch.allclose(before[kept], whole(tiny_backbone, trained, None)[WORD_EMBEDDINGS][kept], rtol=0, atol=1e-7)


def test_a_languages_own_text_is_added_value_by_value(
    tiny_backbone: Backbone, ticket: Ticket, begun: Adapter, start: Start
) -> None:
    text = train(tiny_backbone, ticket, None).adapter.delta
    both = add_language(start, text, ticket=ticket, weight=0.5)
    mine, texts = (whole(tiny_backbone, replace(begun, delta=delta), ticket) for delta in (begun.delta, text))
    run = running(plan_of(tiny_backbone, ticket, both))
    summed = replace(begun, delta=run._model.delta(run.now()["values"], "fp32"))
    for name, tensor in whole(tiny_backbone, summed, ticket).items():
        pristine = tiny_backbone.parameters[name]
        expected = pristine + (mine[name] - pristine) + 0.5 * (texts[name] - pristine)
        assert torch.allclose(tensor, expected, rtol=0, atol=1e-6), name
    assert torch.equal(both.prompt, start.prompt)
    assert both.facts["language"] == {"weight": 0.5, "carried": 1.0, "same_ticket": True, "nested": True}
    assert both.sha256 != start.sha256


def test_text_alone_is_a_start_that_does_not_know_the_task(tiny_backbone: Backbone, ticket: Ticket) -> None:
    text = train(tiny_backbone, ticket, None).adapter.delta
    only = add_language(None, text, ticket=ticket)
    config = AdapterConfig(max_length=64)
    plan = make_plan(tiny_backbone, ticket, method="ltp", start=only, config=config, test=(), seeds=1, **SIDES)
    assert (plan.epochs, plan.learning_rate) == (70, tiny_backbone.info.learning_rate)
    assert len(running(plan).now()["prompt"]) == config.prompt_length
    assert train(tiny_backbone, ticket, only).report["start"]["prompt"] == "new"


def test_what_cannot_begin_so_is_refused(tiny_backbone: Backbone, ticket: Ticket, begun: Adapter, start: Start) -> None:
    given = {**SIDES, "config": CONFIG}
    with pytest.raises(InvalidConfig, match="publishes a prompt alone"):
        train_adapter(tiny_backbone, None, method="pt", start=start, **given)
    with pytest.raises(InvalidConfig, match="prompt_length is 6; it must be 4, as that of the start"):
        train(tiny_backbone, ticket, start, config=replace(CONFIG, prompt_length=6))
    with pytest.raises(DeltaDoesNotFitTicket):
        start_from(begun, larger(ticket), ticket, tiny_backbone)
    with pytest.raises(BackboneMismatch):
        start_from(replace(begun, backbone="another"), ticket, ticket, tiny_backbone)
