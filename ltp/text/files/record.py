"""One row of a file, whatever its format: what stands in it under which name, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ltp.errors import ExamplesError

Value = str | float | int | bool | None
"""What can be added to a row."""


@dataclass(slots=True)
class Record:
    """A row. Where its parts stand is worked out only for an error message."""

    line: int
    """Of its first character, from 1."""
    source: str | tuple[bytes, int, int]
    """As it stands in the file, or the bytes around it and where in them it starts and ends."""
    fields: Mapping[str, Any]
    """Every value by the name of its column or key; without names "1", "2", "3", ... What a row lacks is absent."""
    offset_of: Callable[[str, str], int | None]
    """From `raw` and a name to where in `raw` the value starts, if it is there."""
    missing_at: int | None = 0
    """Where in `raw` to point when a value is absent; None: at its end."""
    column: int = 1
    """Of its first character in `line`."""

    @property
    def raw(self) -> str:
        """As it stands in the file, without the line end; a quoted cell may hold line breaks."""
        if isinstance(self.source, str):
            return self.source
        data, start, end = self.source
        return data[start:end].decode().removesuffix("\n").removesuffix("\r")

    def value(self, name: str | None) -> Any:
        """What stands under a name, or deeper, under names parted by dots (`data.premise`); None when absent."""
        if name is None:
            return None
        return self.fields[name] if name in self.fields else nested(self.fields, name)

    def where(self, name: str | None) -> tuple[int, int]:
        """Line and column of the value under a name, both from 1; where it should stand when it is absent."""
        at = None if name is None else self.offset_of(self.raw, name)
        missing_at = len(self.raw) if self.missing_at is None else self.missing_at
        line, column = place(self.raw, missing_at if at is None else at, self.line)
        return line, column + (self.column - 1 if line == self.line else 0)

    def refuse(self, message: str, name: str | None) -> ExamplesError:
        """The error that points at the value."""
        line, column = self.where(name)
        return ExamplesError(message, line=line, column=column)

    def text(self, name: str | None, *, called: str | None = None, longest: int | None = None) -> str:
        """The value under a name, which has to be text of at most `longest` characters. Raises ExamplesError.

        `called` is what the message calls it.
        """
        value, what = self.value(name), called or name
        if value is None:
            raise self.refuse(f"the {what} is missing", name)
        if not isinstance(value, str):
            raise self.refuse(f"the {what} must be a text, not {value!r:.40}", name)
        if longest is not None and len(value) > longest:
            raise self.refuse(f"the {what} has {len(value):,} characters; at most {longest:,} are read here", name)
        return value


def nested(value: Any, path: str) -> Any:
    """What stands at a path of keys and places in lists (`annotations.0.result`); None where it leads nowhere."""
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def as_text(value: object) -> str:
    """A value as a cell holds it: nothing for None, `true` and `false`, floats with six decimals."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.6f}"
    return str(value)


def place(raw: str, offset: int, line: int) -> tuple[int, int]:
    """Line and column of `raw[offset]` when `raw` starts in column 1 of `line`."""
    line_start = raw.rfind("\n", 0, offset) + 1
    return line + raw.count("\n", 0, offset), offset - line_start + 1
