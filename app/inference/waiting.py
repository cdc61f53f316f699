"""Requests that wait for the engine, by tenant: in the order they came, with what they hold in pairs and tokens."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.inference.work import Work


@dataclass(eq=False)
class Line:
    """One tenant's requests."""

    requests: deque[Work[Any, Any]] = field(default_factory=deque)
    pairs: int = 0
    tokens: int = 0
    served: int = 0
    """Number of the batch in which it had its last turn; of the one before it came, for who had none yet."""


class Waiting:
    """The lines of all tenants that have one. Not locked."""

    def __init__(self) -> None:
        self.pairs, self.tokens = 0, 0
        self._lines: dict[str, Line] = {}
        self._batches = 0

    def __bool__(self) -> bool:
        return self.pairs > 0

    def line_of(self, tenant: str) -> Line:
        """Return a tenant's line; an empty one for who has none."""
        return self._lines.get(tenant, Line())

    def tenants_with(self, tenant: str) -> int:
        """Count the tenants with a line, this one in any case."""
        return len(self._lines) + (tenant not in self._lines)

    def tokens_before(self, tenant: str) -> int:
        """Tokens that have their turn before those who come now from this tenant do, when all have equal shares."""
        mine = self.line_of(tenant).tokens
        return sum(min(line.tokens, mine) for line in self._lines.values())

    def add(self, work: Work[Any, Any]) -> None:
        """Put a request at the end of its tenant's line."""
        line = self._lines.setdefault(work.tenant, Line(served=self._batches))
        line.requests.append(work)
        self._count(line, len(work.pairs), sum(work.costs))

    def taken(self, work: Work[Any, Any], pairs: int, tokens: int) -> None:
        """Count pairs that leave for the engine."""
        self._count(self._lines[work.tenant], -pairs, -tokens)

    def drop(self, work: Work[Any, Any]) -> None:
        """Remove what waits of a request, if anything does."""
        line = self.line_of(work.tenant)
        if work in line.requests:
            line.requests.remove(work)
            self._count(line, work.taken - len(work.pairs), -sum(work.costs[work.taken :]))
            self._leave(work.tenant)

    def turns(self) -> Iterator[tuple[Line, int]]:
        """Yield each line for its turn in one batch, and how many follow; those who were left out last time first.

        Among equals the shortest is first, so that what it leaves of its share is the others'.
        """
        self._batches += 1
        order = sorted(self._lines, key=lambda tenant: (self._lines[tenant].served, self._lines[tenant].tokens))
        for place, tenant in enumerate(order):
            line = self._lines[tenant]
            line.served = self._batches
            yield line, len(order) - place - 1
            self._leave(tenant)

    def _leave(self, tenant: str) -> None:
        if not self._lines[tenant].requests:
            del self._lines[tenant]

    def _count(self, line: Line, pairs: int, tokens: int) -> None:
        line.pairs += pairs
        line.tokens += tokens
        self.pairs += pairs
        self.tokens += tokens
