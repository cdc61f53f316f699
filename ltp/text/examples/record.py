"""One row of a file, whatever its format: what stands in it, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ltp.errors import ExamplesError
from ltp.text.examples.columns import Role

Value = str | float | int | bool | None
"""What can be added to a row."""


@dataclass(slots=True)
class Record:
    """A row. Where its parts stand is worked out only for an error message."""

    line: int
    """Of its first character, from 1."""
    raw: str
    """As it stands in the file, without the line end; a quoted cell may hold line breaks."""
    values: Mapping[Role, Any]
    """What stands under each role; a role whose column the row does not have is absent."""
    offsets: Callable[[str], Mapping[Role, int]]
    """From `raw` to where in it each role's value starts."""
    missing_at: int = 0
    """Where in `raw` to point when a value is absent."""

    def where(self, role: Role) -> tuple[int, int]:
        """Line and column of the role's value, both from 1."""
        return place(self.raw, self.offsets(self.raw).get(role, self.missing_at), self.line)

    def refuse(self, message: str, role: Role) -> ExamplesError:
        """The error that points at the role's value."""
        line, column = self.where(role)
        return ExamplesError(message, line=line, column=column)

    def text(self, role: Role, *, longest: int | None = None) -> str:
        """The role's value, which has to be text of at most `longest` characters. Raises ExamplesError."""
        if role not in self.values:
            raise self.refuse(f"the {role} is missing", role)
        value = self.values[role]
        if not isinstance(value, str):
            raise self.refuse(f"the {role} must be a text, not {value!r:.40}", role)
        if longest is not None and len(value) > longest:
            raise self.refuse(f"the {role} has {len(value):,} characters; at most {longest:,} are read here", role)
        return value


def place(raw: str, offset: int, line: int) -> tuple[int, int]:
    """Line and column of `raw[offset]` when `raw` starts in column 1 of `line`."""
    line_start = raw.rfind("\n", 0, offset) + 1
    return line + raw.count("\n", 0, offset), offset - line_start + 1
