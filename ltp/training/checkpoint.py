"""Where a training run was, on disk: what is needed to go on with the same bits after an interruption.

Training is seeded per step (`step_seed`), so no generator's state is kept: only tensors and a few numbers.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ltp import tensorfile
from ltp.errors import CorruptArtifact

State = dict[str, Any]
"""What JSON can hold; `identity` names the run (a hash of configuration, data and backbone)."""

WRITE_SPEED = 200e6
"""Bytes a second assumed for the first save, before one was timed."""


def identity_of(**facts: object) -> str:
    """Hash whatever decides a run's course; a checkpoint of another identity must be ignored."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, allow_nan=False).encode()).hexdigest()


class Checkpoints:
    """Checkpoints of one run in `directory`: only the last is kept, and at most `budget` of the run's time is spent.

    `earlier` names directories of previous attempts, read by `load` but never written. `clock` tells seconds.
    """

    def __init__(
        self,
        directory: Path,
        *,
        budget: float = 0.05,
        earlier: Sequence[Path] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.directory = directory
        self.budget = budget
        self._earlier = tuple(earlier)
        self._clock = clock
        self._start = clock()
        self._spent = 0.0
        self._speed = WRITE_SPEED
        self._number = 0

    def save(self, tensors: Mapping[str, Tensor], state: State, *, force: bool = False) -> bool:
        """Write a checkpoint whole or not at all; return False when it was skipped to stay within the budget."""
        size = sum(tensor.nbytes for tensor in tensors.values())
        begin = self._clock()
        if not force and self._spent + size / self._speed > self.budget * (begin - self._start):
            return False
        self._number = 1 + max([self._number, *(number for number, _ in self._files())])
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        path = self.directory / f"checkpoint-{self._number:09d}.safetensors"
        tensorfile.write(path, arrays, {"state": json.dumps(state, allow_nan=False)})
        for stale in self.directory.glob("*checkpoint-*"):
            if stale != path:
                stale.unlink(missing_ok=True)
        took = max(self._clock() - begin, 1e-6)
        self._spent, self._speed = self._spent + took, max(size / took, 1.0)
        return True

    def load(self, *, identity: str | None = None) -> tuple[dict[str, Tensor], State] | None:
        """Read the newest whole checkpoint (of the run `identity`, if given); a damaged one is passed over."""
        for number, path in sorted(self._files(), reverse=True):
            try:
                arrays, metadata = tensorfile.read(path, check=lambda header: header.metadata)
                state = json.loads(metadata["state"])
                if identity is None or state.get("identity") == identity:
                    self._number = max(self._number, number)
                    return {name: torch.from_numpy(array) for name, array in arrays.items()}, state
            except (CorruptArtifact, OSError, KeyError, ValueError, AttributeError):
                continue
        return None

    def _files(self) -> list[tuple[int, Path]]:
        files = []
        for directory in (self.directory, *self._earlier):
            for path in directory.glob("checkpoint-*.safetensors"):
                number = path.stem.removeprefix("checkpoint-")
                if number.isdecimal():
                    files.append((int(number), path))
        return files
