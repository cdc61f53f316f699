"""Every method through the one trainer: it learns, goes on after an interruption, and answers from its file alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import torch
from support.comparisons import comparisons_with
from support.synthetic import pairs, random_ticket

from ltp.adapter.artefact import Adapter, read_export
from ltp.adapter.train import TrainedAdapter, train_adapter
from ltp.backbone.load import Backbone
from ltp.config import AdapterConfig
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.errors import CorruptArtifact, DeltaDoesNotFitTicket, InvalidConfig, TrainingCancelled
from ltp.model.methods import METHODS, Method
from ltp.progress import Progress
from ltp.training.checkpoint import Checkpoints

DENSE: tuple[Method, ...] = ("ft", "dp", "sp", "mp")
pytestmark = pytest.mark.slow
CONFIG = AdapterConfig(epochs=12, batch_size=16, learning_rate=3e-3, max_length=64)
SIDES = {"train": pairs(96, seed=2, cue=True), "dev": pairs(45, seed=3, cue=True), "test": pairs(90, seed=4, cue=True)}


@pytest.fixture(scope="module", params=DENSE)
def trained(request: pytest.FixtureRequest, tiny_backbone: Backbone) -> TrainedAdapter:
    before = {name: tensor.clone() for name, tensor in tiny_backbone.parameters.items()}
    found = train_adapter(tiny_backbone, None, method=request.param, config=CONFIG, **SIDES)
    for name, tensor in before.items():
        assert torch.equal(tensor, tiny_backbone.parameters[name]), name
    return found


def test_every_method_has_its_recipe() -> None:
    assert set(METHODS) == set(get_args(Method))
    assert [method for method, recipe in METHODS.items() if recipe.dense] == list(DENSE)
    assert [method for method, recipe in METHODS.items() if recipe.needs_ticket] == ["ltp"]
    assert [method for method, recipe in METHODS.items() if recipe.words is None] == ["ft"]
    assert [method for method, recipe in METHODS.items() if not recipe.soft] == ["ft", "dp"]


def test_no_file_compares_a_method_with_its_name() -> None:
    assert list(comparisons_with(set(METHODS))) == []


@pytest.mark.slow
def test_it_learns(trained: TrainedAdapter) -> None:
    assert trained.metrics["test"]["accuracy"] >= 0.9
    assert trained.training["method"] == trained.adapter.method
    assert trained.report["parameters"]["active"] > 20_000


def test_it_has_what_its_method_makes(trained: TrainedAdapter) -> None:
    adapter, recipe = trained.adapter, METHODS[trained.adapter.method]
    assert len(adapter.prompt) == (4 if recipe.soft else 0)
    assert bool(adapter.head) == (recipe.words is None)
    assert adapter.ticket_sha256 is None
    assert adapter.delta.values


def test_its_file_alone_answers_as_it_was_scored(
    trained: TrainedAdapter, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    path = tmp_path / "adapter.safetensors"
    trained.adapter.save(path)
    adapter = Adapter.load(path, tiny_backbone.info)
    export = read_export(path, tiny_backbone.info, leave=True)
    export.adapter.save(tmp_path / "again.safetensors", left=export.left)
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()

    engine = Engine(tiny_backbone, source=lambda _: (adapter, None))
    for _ in range(2):  # compact, then fused
        answers = engine.predict([PairRequest("x", pair.premise, pair.hypothesis) for pair in SIDES["test"]])
        right = [
            max(zip(answer.probabilities, ("entailment", "neutral", "contradiction"), strict=True))[1] == pair.label
            for answer, pair in zip(answers, SIDES["test"], strict=True)
        ]
        assert sum(right) / len(right) == trained.metrics["test"]["accuracy"]


def test_a_file_that_lacks_a_part_is_refused(trained: TrainedAdapter, tiny_backbone: Backbone, tmp_path: Path) -> None:
    adapter, path = trained.adapter, tmp_path / "adapter.safetensors"
    others: Iterator[Method] = (method for method in METHODS if method not in (adapter.method, "ltp"))
    for other in others:
        mine, its = METHODS[adapter.method], METHODS[other]
        if (mine.soft, mine.words is None, mine.dense) != (its.soft, its.words is None, its.dense):
            Adapter(**{**vars(adapter), "method": other}).save(path)
            with pytest.raises(CorruptArtifact):
                Adapter.load(path, tiny_backbone.info)
    name = next(name for name in adapter.delta.values if name.endswith("query.weight"))
    adapter.delta.values[name], whole = adapter.delta.values[name][:-1], adapter.delta.values[name]
    try:
        adapter.save(path)
        with pytest.raises(DeltaDoesNotFitTicket, match=r"query.weight has \d+ values for \d+ elements"):
            read_export(path, tiny_backbone.info)
        engine = Engine(tiny_backbone, source=lambda _: (adapter, None))
        with pytest.raises(DeltaDoesNotFitTicket):
            engine.predict([PairRequest("x", "a dog", "a cat")])
    finally:
        adapter.delta.values[name] = whole


@pytest.mark.parametrize("method", [*DENSE, "pt"])
def test_a_ticket_is_only_for_ltp(tiny_backbone: Backbone, method: Method) -> None:
    ticket = random_ticket(tiny_backbone, 0.1)
    with pytest.raises(InvalidConfig, match="ticket"):
        train_adapter(tiny_backbone, ticket, method=method, config=CONFIG, **SIDES)


@pytest.mark.parametrize("method", DENSE)
@pytest.mark.slow
def test_it_goes_on_to_the_same_bits(tiny_backbone: Backbone, tmp_path: Path, method: Method) -> None:
    config = AdapterConfig(epochs=2, batch_size=16, learning_rate=3e-3, max_length=64)
    sides = {"train": pairs(32, seed=1), "dev": pairs(12, seed=2)}

    def run(stop_at: int | None, checkpoints: Checkpoints | None) -> TrainedAdapter:
        def watch(progress: Progress) -> None:
            if progress.phase == "training" and progress.step == stop_at:
                raise TrainingCancelled("killed")

        return train_adapter(
            tiny_backbone,
            None,
            method=method,
            config=config,
            seeds=2,
            progress=watch,
            checkpoints=checkpoints,
            **sides,
        )

    whole = run(None, None)
    for stop_at in (3, 5, 8):
        with pytest.raises(TrainingCancelled):
            run(stop_at, Checkpoints(tmp_path, budget=1e9))
    resumed = run(None, Checkpoints(tmp_path, budget=1e9))
    assert resumed.metrics == whole.metrics
    assert torch.equal(resumed.adapter.prompt, whole.adapter.prompt)
    for name, tensor in whole.adapter.head.items():
        assert torch.equal(tensor, resumed.adapter.head[name]), name
    for name, values in whole.adapter.delta.values.items():
        assert torch.equal(values, resumed.adapter.delta.values[name]), name
