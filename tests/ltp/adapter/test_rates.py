"""`learning_rate: auto`: every rate is tried with the first seed, and the best one trains the others."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.synthetic import pairs, random_ticket

from ltp.adapter.memory import training_bytes
from ltp.adapter.rates import best_rate
from ltp.adapter.train import TrainedAdapter, train_adapter
from ltp.backbone.load import Backbone
from ltp.config import AdapterConfig
from ltp.errors import TrainingCancelled
from ltp.progress import Progress
from ltp.training.checkpoint import Checkpoints

CONFIG = AdapterConfig(epochs=2, batch_size=8, max_length=64, learning_rate="auto")
SIDES = {"train": pairs(16, seed=1), "dev": pairs(15, seed=2), "test": pairs(9, seed=3)}


def train(backbone: Backbone, config: AdapterConfig = CONFIG, **other: object) -> TrainedAdapter:
    return train_adapter(backbone, random_ticket(backbone, 0.2), method="ltp", seeds=2, config=config, **SIDES, **other)


def test_the_best_rate_trains_every_seed(tiny_backbone: Backbone) -> None:
    seen: list[Progress] = []
    trained = train(tiny_backbone, progress=seen.append)
    usual = tiny_backbone.info.learning_rate
    rates = trained.report["rates"]
    assert [each["rate"] for each in rates] == pytest.approx([usual / 3, usual, usual * 3])
    best = max(rates, key=lambda each: (each["dev_accuracy"], -each["dev_loss"]))
    assert trained.training["learning_rate"] == trained.training["prompt_learning_rate"] == best["rate"]
    assert [seed["seed"] for seed in trained.metrics["per_seed"]] == [0, 1]
    assert (trained.report["steps"], trained.report["examples"]["test"]) == (4 * 2 * 2, 9)
    steps = [progress.step for progress in seen if progress.phase == "training"]
    assert (max(steps), {progress.total for progress in seen if progress.phase == "training"}) == (16, {16})

    named = train(tiny_backbone, replace(CONFIG, learning_rate=best["rate"]))
    assert named.metrics == trained.metrics
    assert torch.equal(named.adapter.prompt, trained.adapter.prompt)
    assert "rates" not in named.report


def test_a_prompt_with_a_rate_of_its_own_keeps_it(tiny_backbone: Backbone) -> None:
    assert train(tiny_backbone, replace(CONFIG, prompt_learning_rate=1e-3)).training["prompt_learning_rate"] == 1e-3


@pytest.mark.parametrize("stop_at", [5, 13])
def test_trials_go_on_to_the_same_bits(tiny_backbone: Backbone, tmp_path: Path, stop_at: int) -> None:
    def kill(progress: Progress) -> None:
        if progress.step == stop_at:
            raise TrainingCancelled("killed")

    with pytest.raises(TrainingCancelled):
        train(tiny_backbone, progress=kill, checkpoints=Checkpoints(tmp_path, budget=1e9))
    steps: list[int] = []
    again = Checkpoints(tmp_path, budget=1e9)
    resumed = train(tiny_backbone, progress=lambda progress: steps.append(progress.step), checkpoints=again)
    whole = train(tiny_backbone)
    assert steps[0] == stop_at + 1
    assert (resumed.metrics, resumed.report["rates"]) == (whole.metrics, whole.report["rates"])


def test_accuracy_decides_then_loss_then_the_lower_rate() -> None:
    courses = [(0.5, 1.0), (0.6, 1.1), (0.6, 1.0), (0.6, 1.0)]
    assert best_rate([{"best_accuracy": accuracy, "best_loss": loss} for accuracy, loss in courses]) == 2


def test_what_is_kept_beside_the_seeds_counts_as_memory(tiny_backbone: Backbone) -> None:
    def needed(**changed: object) -> int:
        config = replace(CONFIG, **{"learning_rate": 1e-4, **changed})
        info = tiny_backbone.info
        return training_bytes(info, method="ltp", config=config, examples=16, active=10_000, seeds=2)

    plain = needed()
    assert needed(average="epochs") - plain == 2 * 8 * 10_000
    assert needed(average="both") - plain == 3 * 8 * 10_000
    assert needed(learning_rate="auto") - plain == 2 * 8 * 10_000
