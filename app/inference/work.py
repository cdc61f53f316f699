"""One request for predictions, while it waits and while it is answered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.trace_context import TRACEPARENT

P = TypeVar("P")
R = TypeVar("R")


@dataclass(eq=False)
class Work(Generic[P, R]):
    """One request's pairs, queued or with the engine. `future` gives the results in the order of the pairs."""

    pairs: Sequence[P]
    costs: Sequence[int]
    """Estimated tokens of each pair."""
    tenant: str = ""
    """Whose they are."""
    future: Future[list[R]] = field(default_factory=Future)
    accepted: float = field(default_factory=time.monotonic)
    started: float | None = None
    finished: float | None = None
    results: list[R | None] = field(default_factory=list)
    taken: int = 0
    """Pairs handed to the engine so far."""
    left: int = 0
    """Pairs without a result."""
    traceparent: str = field(default_factory=TRACEPARENT.get)
    """The request's span; empty where it has none."""

    def __post_init__(self) -> None:
        self.results, self.left = [None] * len(self.pairs), len(self.pairs)

    @property
    def queued_s(self) -> float:
        """Seconds from being accepted to the first pair's turn; all of them for one that never had a turn."""
        return (self.started or time.monotonic()) - self.accepted

    @property
    def computed_s(self) -> float:
        """Seconds from the first pair's turn to the answer; 0 before."""
        return (self.finished or time.monotonic()) - self.started if self.started is not None else 0.0
