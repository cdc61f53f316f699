"""An interrupted training goes on to the same bits, wherever it was interrupted."""

from pathlib import Path

import pytest
import torch
from support.synthetic import pairs, random_ticket

from ltp.adapter.train import TrainedAdapter, train_adapter
from ltp.backbone.load import Backbone
from ltp.config import AdapterConfig
from ltp.errors import TrainingCancelled
from ltp.progress import Progress
from ltp.training.checkpoint import Checkpoints
from ltp.training.timings import Timings

CONFIG = AdapterConfig(epochs=3, batch_size=16, learning_rate=3e-3, max_length=64)
SIDES = {"train": pairs(40, seed=1), "dev": pairs(15, seed=2), "test": pairs(15, seed=3)}
STEPS = 2 * 3 * 3


def train(
    backbone: Backbone, directory: Path | None, *, stop_at: int = 0, config: AdapterConfig = CONFIG
) -> tuple[TrainedAdapter, int]:
    """Train with a checkpoint at every step; also return the first step that was taken."""
    first = 0

    def watch(progress: Progress) -> None:
        nonlocal first
        first = first or (progress.step if progress.phase == "training" else -1)
        whole = progress.step % 3 != 0 or "dev_accuracy" in progress.metrics  # not while it scores an epoch
        if progress.phase == "training" and progress.step == stop_at and whole:
            raise TrainingCancelled("killed")

    checkpoints = Checkpoints(directory, budget=1e9) if directory else None
    ticket = random_ticket(backbone, 0.2, strategy="tied")
    trained = train_adapter(
        backbone, ticket, method="ltp", config=config, seeds=2, progress=watch, checkpoints=checkpoints, **SIDES
    )
    return trained, first


@pytest.fixture(scope="module")
def uninterrupted(tiny_backbone: Backbone) -> TrainedAdapter:
    return train(tiny_backbone, None)[0]


def assert_same(first: TrainedAdapter, second: TrainedAdapter) -> None:
    assert torch.equal(first.adapter.prompt, second.adapter.prompt)
    for name, values in first.adapter.delta.values.items():
        assert torch.equal(values, second.adapter.delta.values[name]), name
    assert first.metrics == second.metrics
    assert first.report["courses"] == second.report["courses"]


@pytest.mark.parametrize("stop_at", [1, 3, 5, 9, 10, 17, 18])
@pytest.mark.slow
def test_it_goes_on_to_the_same_bits(
    tiny_backbone: Backbone, uninterrupted: TrainedAdapter, tmp_path: Path, stop_at: int
) -> None:
    with pytest.raises(TrainingCancelled):
        train(tiny_backbone, tmp_path, stop_at=stop_at)
    resumed, first = train(tiny_backbone, tmp_path)
    assert first == (stop_at + 1 if stop_at < STEPS else -1)
    assert_same(resumed, uninterrupted)


def test_several_interruptions(tiny_backbone: Backbone, uninterrupted: TrainedAdapter, tmp_path: Path) -> None:
    for stop_at in (2, 7, 8, 12):
        with pytest.raises(TrainingCancelled):
            train(tiny_backbone, tmp_path, stop_at=stop_at)
    assert_same(train(tiny_backbone, tmp_path)[0], uninterrupted)


def test_what_training_took_before_counts(tiny_backbone: Backbone, tmp_path: Path) -> None:
    checkpoints, earlier = Checkpoints(tmp_path, budget=1e9), Timings()
    earlier.add("training", 1000)
    given = {"method": "ltp", "config": CONFIG, "checkpoints": checkpoints, **SIDES}
    ticket = random_ticket(tiny_backbone, 0.2)

    def kill(progress: Progress) -> None:
        if progress.step == 5:
            raise TrainingCancelled("killed")

    with pytest.raises(TrainingCancelled):
        train_adapter(tiny_backbone, ticket, progress=kill, timings=earlier, **given)
    report = train_adapter(tiny_backbone, ticket, **given).report
    phases = ["tokenize", "prepare", "training", "validating", "checkpoints", "encode", "scoring"]
    assert sorted(report["timings"]) == sorted(phases)
    assert 1000 < report["timings"]["training"] < report["seconds"]


def test_another_runs_checkpoint_is_not_used(tiny_backbone: Backbone, tmp_path: Path) -> None:
    with pytest.raises(TrainingCancelled):
        train(tiny_backbone, tmp_path, stop_at=5)
    other = AdapterConfig(epochs=3, batch_size=16, learning_rate=3e-3, max_length=64, seed=1)
    assert train(tiny_backbone, tmp_path, config=other)[1] == 1
