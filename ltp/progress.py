"""How long work reports where it is: one value, handed to a callback at least once a step. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """`step` of `total` of `phase` is done; `metrics` holds what is known there (loss, tokens a second, ...)."""

    phase: str
    step: int
    total: int
    metrics: dict[str, float] = field(default_factory=dict)


ProgressCallback = Callable[[Progress], None]
"""Called from the working thread, often: the receiver throttles. It may raise `TrainingCancelled` to stop the work."""
