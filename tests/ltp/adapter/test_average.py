"""Averages of epochs and of seeds compete with the best single epoch, and are published where they do better."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.synthetic import pairs, random_ticket
from torch import Tensor

from ltp.adapter.average import (
    Finished,
    RunningMean,
    candidates,
    choice,
    first_late_epoch,
    mean_of,
    mixed,
)
from ltp.adapter.plan import make_plan
from ltp.adapter.seed_run import SeedRun
from ltp.adapter.train import TrainedAdapter, model_of, train_adapter
from ltp.backbone.load import Backbone
from ltp.config import AdapterConfig, Average
from ltp.errors import TrainingCancelled
from ltp.progress import Progress
from ltp.training.checkpoint import Checkpoints

CONFIG = AdapterConfig(epochs=4, batch_size=8, learning_rate=3e-3, max_length=64)
SIDES = {"train": pairs(16, seed=1), "dev": pairs(15, seed=2), "test": pairs(9, seed=3)}


def train(backbone: Backbone, average: Average, **other: object) -> TrainedAdapter:
    ticket, config = random_ticket(backbone, 0.2), replace(CONFIG, average=average)
    return train_adapter(backbone, ticket, method="ltp", seeds=2, config=config, **{**SIDES, **other})


def tensors(*numbers: float) -> dict[str, Tensor]:
    return {"prompt": torch.tensor([[float(numbers[0])]]), "values": torch.tensor(numbers, dtype=torch.float32)}


def test_means_and_mixtures_are_those_of_every_number() -> None:
    given = [tensors(1, 2), tensors(3, 6), tensors(8, 1)]
    mean = mean_of(given)
    assert (mean["prompt"].tolist(), mean["values"].tolist()) == ([[4.0]], [4.0, 3.0])
    running = RunningMean()
    for each in given:
        running.add(each)
    assert running.tensors["values"].tolist() == pytest.approx([4, 3])
    assert mixed(given[0], given[1], 0.25)["values"].tolist() == [1.5, 3.0]
    for weight, end in ((0, given[0]), (1, given[2])):
        assert torch.equal(mixed(given[0], given[2], weight)["values"], end["values"])


@pytest.mark.parametrize(("epochs", "first"), [(1, 1), (2, 2), (3, 3), (4, 3), (12, 9), (70, 47)])
def test_the_last_third_of_the_epochs_is_late(epochs: int, first: int) -> None:
    assert first_late_epoch(epochs) == first


@pytest.mark.parametrize(
    ("average", "seeds", "names"),
    [
        ("none", 2, []),
        ("epochs", 2, ["seed 0, mean of epochs 9 to 12", "seed 1, mean of epochs 9 to 12"]),
        ("seeds", 2, ["mean of seeds 0 to 1, the best epoch of each"]),
        ("seeds", 1, []),
        ("both", 1, ["seed 0, mean of epochs 9 to 12"]),
        (
            "both",
            2,
            [
                "seed 0, mean of epochs 9 to 12",
                "seed 1, mean of epochs 9 to 12",
                "mean of seeds 0 to 1, epochs 9 to 12 of each",
            ],
        ),
    ],
)
def test_what_competes_is_named(average: Average, seeds: int, names: list[str]) -> None:
    finished = [Finished(seed, 7, 12, tensors(seed, 0), tensors(seed, 4)) for seed in range(seeds)]
    found = candidates(finished, average)
    assert [each.name for each in found] == [f"seed {seed}, epoch 7" for seed in range(seeds)] + names
    if average == "both" and seeds == 2:
        assert found[-1].tensors["values"].tolist() == [0.5, 4.0]


def test_the_report_says_what_was_chosen_and_why() -> None:
    found = candidates([Finished(seed, 2, 4, tensors(seed), tensors(seed)) for seed in range(2)], "seeds")
    scores = [{"accuracy": 0.5, "loss": 1.0}, {"accuracy": 0.6, "loss": 1.0}, {"accuracy": 0.6, "loss": 0.9}]
    said = choice(found, scores, 2, singles=2)
    assert said["published"] == "mean of seeds 0 to 1, the best epoch of each"
    assert said["candidates"][1] == {"name": "seed 1, epoch 2", "accuracy": 0.6, "loss": 1.0}
    assert said["why"].startswith("an average did best")
    assert choice(found, scores, 1, singles=2)["why"].startswith("a single epoch did best")


def test_the_best_of_all_that_competes_is_published(tiny_backbone: Backbone) -> None:
    trained, plain = train(tiny_backbone, "both"), train(tiny_backbone, "none")
    assert trained.metrics["per_seed"] == plain.metrics["per_seed"]
    assert "choice" not in plain.report
    told = trained.report["choice"]
    assert len(told["candidates"]) == 5
    best = max(told["candidates"], key=lambda each: (each["accuracy"], -each["loss"]))
    assert told["published"] == best["name"]
    assert trained.metrics["dev"]["loss"] == best["loss"]
    assert trained.metrics["test"]["pairs"] == 9
    assert trained.training["average"] == "both"


def test_the_mean_of_late_epochs_is_that_of_their_values(tiny_backbone: Backbone) -> None:
    config = replace(CONFIG, average="epochs")
    plan = make_plan(tiny_backbone, random_ticket(tiny_backbone, 0.2), method="ltp", config=config, seeds=1, **SIDES)
    run, seen = SeedRun(plan, model_of(plan), seed=0), []
    for _ in range(4 * plan.steps_per_epoch):
        run.step()
        if run.ends_epoch:
            run.score_epoch(lambda: None)
            seen.append(run.now())
    expected = mean_of(seen[2:])
    for name, tensor in run.late_mean.items():
        assert torch.allclose(tensor, expected[name], rtol=0, atol=1e-6), name
    assert not torch.allclose(run.late_mean["values"], seen[-1]["values"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("stop_at", [7, 12])
def test_an_average_goes_on_to_the_same_bits(tiny_backbone: Backbone, tmp_path: Path, stop_at: int) -> None:
    def kill(progress: Progress) -> None:
        if progress.step == stop_at:
            raise TrainingCancelled("killed")

    with pytest.raises(TrainingCancelled):
        train(tiny_backbone, "both", progress=kill, checkpoints=Checkpoints(tmp_path, budget=1e9))
    resumed = train(tiny_backbone, "both", checkpoints=Checkpoints(tmp_path, budget=1e9))
    assert resumed.report["choice"] == train(tiny_backbone, "both").report["choice"]


def test_whole_tensors_and_heads_are_averaged_too(tiny_backbone: Backbone) -> None:
    config = replace(CONFIG, average="both", epochs=2)
    trained = train_adapter(tiny_backbone, None, method="ft", seeds=2, config=config, **SIDES)
    assert len(trained.report["choice"]["candidates"]) == 5
    trained.adapter.check(None, tiny_backbone.shapes)
