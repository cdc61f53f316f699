"""The seeds of a training that are finished: what each may publish, kept until the last one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import Tensor

from ltp.adapter.average import Candidate, Finished, candidates
from ltp.adapter.seed_run import SeedRun, with_prefix
from ltp.config import AdapterConfig


@dataclass
class FinishedSeeds:
    """Seeds that are finished: each one's best epoch (see `SeedRun.best`), and how it went."""

    best: list[dict[str, Tensor]] = field(default_factory=list)
    means: list[dict[str, Tensor]] = field(default_factory=list)
    """Of late epochs; empty tensors unless those are averaged."""
    courses: list[dict[str, Any]] = field(default_factory=list)

    def add(self, run: SeedRun) -> None:
        """Note a run that is finished."""
        self.best.append(run.best)
        self.means.append(run.late_mean)
        self.courses.append({"seed": run.seed, **asdict(run.state)})

    def tensors(self) -> dict[str, Tensor]:
        """All tensors, for a checkpoint."""
        parts = (("done", self.best), ("mean", self.means))
        return {
            f"{part}.{index}.{name}": tensor
            for part, several in parts
            for index, tensors in enumerate(several)
            for name, tensor in tensors.items()
        }

    def restore(self, tensors: Mapping[str, Tensor], courses: list[dict[str, Any]]) -> None:
        """Take over what a checkpoint says is finished."""
        self.courses = courses
        self.best, self.means = (
            [with_prefix(tensors, f"{part}.{index}") for index in range(len(courses))] for part in ("done", "mean")
        )

    def only(self, numbers: Sequence[int]) -> FinishedSeeds:
        """Some of them."""
        best, means = ([several[number] for number in numbers] for several in (self.best, self.means))
        return FinishedSeeds(best, means, [self.courses[number] for number in numbers])

    def candidates(self, config: AdapterConfig) -> list[Candidate]:
        """What may be published: each seed's best epoch, and averages."""
        finished = [
            Finished(course["seed"], course["best_epoch"], len(course["epochs"]), best, mean)
            for course, best, mean in zip(self.courses, self.best, self.means, strict=True)
        ]
        return candidates(finished, config.average)
