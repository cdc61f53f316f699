"""The names of a file's columns: as records have them, and as they stand in a header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Header:
    """The names of a file's columns."""

    names: Sequence[str]
    """As records have them; in a table without a header "1", "2", "3", ..."""
    written: Sequence[str] = ()
    """As they stand in the header of a table."""
    line: int | None = None
    """Where they do; None where every row has its own."""

    @property
    def named(self) -> bool:
        """Whether the names stand in the file."""
        return list(self.names) != [str(number) for number in range(1, len(self.names) + 1)]
