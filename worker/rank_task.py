"""What a job's process asks of the processes that train a drift with it: a file in the job's folder, and their answers.

The file holds lines of the corpus, so it lies where only the service's user may read. `ready` and `failure` name the
files by which rank N says that it is about to begin, and why it could not go on.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, NonNegativeInt

from ltp import atomic_file
from ltp.backbone.strategy import Strategy
from ltp.config import MLMConfig

TASK, MEETING = "ranks.json", "ranks.meeting"


class RankTask(BaseModel):
    """One drift's run, the same for every rank; rank N computes on the Nth device."""

    backbone: str
    """Its fingerprint."""
    lines: list[str]
    strategy: Strategy
    mlm: dict[str, object]
    """An `MLMConfig`'s fields."""
    devices: list[str]
    threads: NonNegativeInt
    """Of each process's arithmetic; 0 leaves torch's own choice."""

    @property
    def config(self) -> MLMConfig:
        """The configuration, checked."""
        return MLMConfig(**self.mlm)  # type: ignore[arg-type]

    def write(self, folder: Path) -> None:
        """Leave it for the others."""
        atomic_file.write_text(folder / TASK, self.model_dump_json())

    @staticmethod
    def read(folder: Path) -> RankTask:
        """Read what the job's process has left."""
        return RankTask.model_validate_json((folder / TASK).read_bytes())


class Failure(BaseModel):
    """Why a rank could not go on."""

    what: str
    out_of_memory: bool


def ready(folder: Path, number: int) -> Path:
    """Name the empty file that rank `number` makes once it has loaded the backbone."""
    return folder / f"rank-{number}.ready"


def failure(folder: Path, number: int) -> Path:
    """Name the file in which rank `number` leaves its `Failure`."""
    return folder / f"rank-{number}.failure.json"
