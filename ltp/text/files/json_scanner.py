"""JSON of any length, value by value: a text that comes in pieces, read strictly, each value with its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from ltp.errors import ExamplesError
from ltp.text.files.strict_json import DECODER, Refused, bad_character, refused_at
from ltp.text.lines import MAX_LINE_BYTES

_BLANK = " \t\r\n"
_TRIMMED = 2**17
"""Characters that were read are dropped when there are as many."""
_NEAR_THE_END = 16
"""Characters before the end of what is there, in which a fault may only mean that the rest has yet to come."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A value and how it stands in the file."""

    value: Any
    raw: str
    line: int
    column: int


class JsonScanner:
    """Reads on from value to value. Every refusal is an ExamplesError with line and column."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._buffer, self._at, self._ended = "", 0, False
        self._line, self._column, self._placed = 1, 1, 0  # the place of the buffer's character `_placed`

    def peek(self) -> str:
        """The next character that is not blank, or nothing at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in _BLANK:
                    return self._buffer[self._at]
                self._at += 1
            if not self._more():
                return ""

    def expect(self, *characters: str) -> str:
        """Read one of these characters."""
        found = self.peek()
        if found not in characters or not found:
            wanted = " or ".join(map(repr, characters))
            self.refuse(f"malformed JSON: expected {wanted}" + ("" if found else ", and the file ends"))
        self._at += 1
        return found

    def refuse(self, message: str) -> NoReturn:
        """Raise the error that points at what comes next."""
        self._place()
        raise ExamplesError(message, line=self._line, column=self._column)

    def value(self) -> Scanned:
        """Read a value of any kind."""
        self.peek()
        self._place()
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
            except Refused as fault:
                self._refuse_value(str(fault))
            except RecursionError:
                self._refuse_value("malformed JSON: nested too deeply")
            except json.JSONDecodeError as fault:
                cut = self._is_cut(fault)
                if cut and len(self._buffer) - self._at > MAX_LINE_BYTES:
                    self.refuse(f"one value is longer than {MAX_LINE_BYTES // 2**20} MiB; write one row a line")
                if not (cut and self._more()):
                    self._at = max(self._at, min(fault.pos, len(self._buffer)))
                    self.refuse(f"malformed JSON: {fault.msg}")
                continue
            except ValueError:
                self._refuse_value("malformed JSON: a number is too long")
            if end < len(self._buffer) or not self._more():
                return self._taken(value, end)

    def elements(self) -> Iterator[Scanned]:
        """Read an array, element by element."""
        self.expect("[")
        if self.peek() == "]":
            self.expect("]")
            return
        while True:
            yield self.value()
            if self.expect(",", "]") == "]":
                return

    def members(self) -> Iterator[str]:
        """Read an object, key by key; whoever asks reads the value before asking for the next key."""
        seen: set[str] = set()
        self.expect("{")
        if self.peek() == "}":
            self.expect("}")
            return
        while True:
            if self.peek() != '"':
                self.refuse("malformed JSON: expected a key in double quotes")
            key = self.value()
            if key.value in seen:
                message = f"the key {key.value!r} stands twice in one object"
                raise ExamplesError(message, line=key.line, column=key.column)
            seen.add(key.value)
            self.expect(":")
            yield key.value
            if self.expect(",", "}") == "}":
                return

    def _taken(self, value: Any, end: int) -> Scanned:
        raw = self._buffer[self._at : end]
        scanned = Scanned(value, raw, self._line, self._column)
        if "\\u" in raw and (bad := bad_character(value)):
            self.refuse(f"the character U+{ord(bad):04X} is not text; remove it")
        self._at = end
        return scanned

    def _refuse_value(self, message: str) -> NoReturn:
        self._at += refused_at(self._buffer[self._at :])
        self.refuse(message)

    def _is_cut(self, fault: json.JSONDecodeError) -> bool:
        """Whether a fault may only mean that the value does not end in what is there yet."""
        return fault.pos >= len(self._buffer) - _NEAR_THE_END or fault.msg.startswith("Unterminated")

    def _more(self) -> bool:
        """Take more of the file, as much again as is waiting; false at its end."""
        if self._ended:
            return False
        if self._at > _TRIMMED:
            self._place()
            self._buffer, self._at, self._placed = self._buffer[self._at :], 0, 0
        pieces, wanted = [self._buffer], len(self._buffer) - self._at
        while wanted >= 0 and (piece := next(self._texts, None)) is not None:
            pieces.append(piece)
            wanted -= len(piece) + 1
        self._ended = wanted >= 0 and len(pieces) == 1
        self._buffer = "".join(pieces)
        return not self._ended

    def _place(self) -> None:
        """Bring line and column up to where reading stands."""
        newlines = self._buffer.count("\n", self._placed, self._at)
        if newlines:
            self._line += newlines
            self._column = self._at - self._buffer.rfind("\n", self._placed, self._at)
        else:
            self._column += self._at - self._placed
        self._placed = self._at
