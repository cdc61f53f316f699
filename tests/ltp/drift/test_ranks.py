"""A drift that two processes train together is that of one, however their batches are cut; so is one that goes on."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest
from support import second_rank
from support.tiny_backbone import WORDS

from ltp.backbone.load import Backbone
from ltp.backbone.strategy import Strategy
from ltp.compute.ranks import Ranks, joined
from ltp.config import MLMConfig
from ltp.drift.memory import PART_TOKENS
from ltp.drift.stored import Drift
from ltp.drift.train import train_drift
from ltp.errors import TrainingCancelled
from ltp.progress import Progress
from ltp.training.checkpoint import Checkpoints

pytestmark = [pytest.mark.slow, pytest.mark.process]
NEAR = 1e-6
"""How far a parameter's drift may differ: after 12 steps of 5e-5 it is some 3e-4."""
CONFIG = MLMConfig(epochs=2, batch_size=16, eval_every=5, max_length=20, long_lines="cut", seed=1)
LINES = [
    " ".join(random.Random(line).choices(WORDS.split()[:80], k=random.Random(line).randint(3, 24)))
    for line in range(50)
]


@dataclass(frozen=True)
class Run:
    """What is trained; 45 lines of the 50 train."""

    strategy: Strategy = "decoupled"
    batch_size: int = 16
    """45 lines leave a last batch of 13."""
    part_tokens: int = PART_TOKENS
    l1: float = 0.1

    @property
    def config(self) -> MLMConfig:
        return replace(CONFIG, batch_size=self.batch_size, l1=self.l1)

    def train(self, backbone: Backbone, **more: object) -> Drift:
        return train_drift(
            backbone,
            LINES,
            strategy=self.strategy,
            config=self.config,
            part_tokens=self.part_tokens,
            **more,  # type: ignore[arg-type]
        )


RUNS = {
    "a part a batch": Run(),
    "parts, batches of odd size, and a strong pull": Run(batch_size=7, part_tokens=40, l1=100.0),
    "a line a batch": Run("frozen_embeddings", batch_size=1),
    "a softmax that reaches every row": Run("tied"),
}


@contextmanager
def two_ranks(folder: Path, backbone: Path, runs: Sequence[Run]) -> Iterator[Ranks]:
    """Have another process help with these runs."""
    told = [
        {"lines": LINES, "strategy": run.strategy, "config": asdict(run.config), "part_tokens": run.part_tokens}
        for run in runs
    ]
    meeting = folder / "meeting"
    command = [sys.executable, second_rank.__file__, str(meeting), str(backbone), json.dumps(told)]
    helper = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        with joined(meeting, number=0, size=2, device="cpu") as ranks:
            yield ranks
        _, said = helper.communicate(timeout=60)
        assert helper.returncode == 0, said
    finally:
        helper.kill()
        helper.communicate()


def interrupted(backbone: Backbone, folder: Path, *, step: int) -> None:
    """Leave the checkpoint of one process that was stopped after `step` steps."""

    def stop(progress: Progress) -> None:
        if progress.phase == "training" and progress.step == step + 1:
            raise TrainingCancelled

    with pytest.raises(TrainingCancelled):
        Run().train(backbone, progress=stop, checkpoints=Checkpoints(folder, budget=1e9))


@pytest.fixture(scope="module")
def alone(tiny_backbone: Backbone) -> dict[str, Drift]:
    """What one process trains, with dropout."""
    return {name: run.train(tiny_backbone) for name, run in RUNS.items()}


@pytest.fixture(scope="module")
def together(
    tiny_backbone: Backbone, tiny_backbone_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Drift]:
    """What two do; in the end, `resumed`, going on from what one has left."""
    folder = tmp_path_factory.mktemp("together")
    interrupted(tiny_backbone, folder, step=3)
    with two_ranks(folder, tiny_backbone_dir, [*RUNS.values(), Run()]) as ranks:
        made = {name: run.train(tiny_backbone, ranks=ranks) for name, run in RUNS.items()}
        seen: list[int] = []
        made["resumed"] = Run().train(
            tiny_backbone,
            ranks=ranks,
            checkpoints=Checkpoints(folder, budget=1e9),
            progress=lambda told: seen.append(told.step) if told.phase == "training" else None,
        )
    assert seen == [4, 5, 6]
    return made


def assert_near(mine: Drift, reference: Drift) -> None:
    assert mine.report["best_step"] == reference.report["best_step"] > 0
    for one, other in zip(mine.report["losses"], reference.report["losses"], strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert mine.report["tokens"] == reference.report["tokens"]
    apart = {name: float((mine.dense(name) - reference.dense(name)).abs().max()) for name in reference.shapes}
    noise = {name for name in apart if name.endswith("self.key.bias")}  # no gradient but rounding's: see test_train
    assert {name: far for name, far in apart.items() if name not in noise and far > NEAR} == {}
    assert all(apart[name] < CONFIG.learning_rate * reference.report["steps"] for name in noise)
    assert max(float(reference.dense(name).max()) for name in set(apart) - noise) > 100 * NEAR


@pytest.mark.parametrize("name", RUNS)
def test_two_processes_train_the_drift_of_one(alone: dict[str, Drift], together: dict[str, Drift], name: str) -> None:
    assert_near(together[name], alone[name])


def test_two_go_on_where_one_was_stopped(alone: dict[str, Drift], together: dict[str, Drift]) -> None:
    assert_near(together["resumed"], alone["a part a batch"])
