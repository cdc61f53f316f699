"""Strict JSON: what RFC 8259 leaves open is refused here, with the place of the fault.

Refused: bytes that are not UTF-8, nesting too deep to read, a key given twice, `NaN` and `Infinity`, numbers too large
to hold (`1e999`), lone surrogates and U+0000. The last two pass most parsers and fail later, in an encoder or a
database. So is a text of more values, or an object of more members, than anything that is wanted has, before memory is
spent on it. No other module decodes JSON that came from outside.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import NoReturn

from app.http.json_values import allowed_values, holds_more

MOST_VALUES = 1_000_000
"""Where the caller names no number."""
MOST_MEMBERS = 256
"""Members of one object; no schema of ours knows half as many names."""


class JSONRefused(ValueError):
    """The text is not acceptable JSON. `path` names the value, as in `pairs.3.premise`; empty means the whole body."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path, self.message = path, message


class _Fault:
    """Stands in the parsed tree for a value that must be refused, until its path is known."""

    def __init__(self, message: str) -> None:
        self.message = message


def path_of(parts: Sequence[str | int]) -> str:
    """Write `("pairs", 3, "premise")` as `pairs.3.premise`."""
    return ".".join(map(str, parts))


def parse(raw: bytes, *, most_values: int = MOST_VALUES) -> object:
    """Decode `raw`; raises JSONRefused. Numbers without fraction become int, the others finite floats."""
    if holds_more(raw, limit := allowed_values(len(raw), most=most_values)):
        raise JSONRefused(
            "", f"more than {limit:,} values, keys counted, are too many here; send fewer, or longer ones"
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JSONRefused("", f"byte {error.start} is not UTF-8") from None
    reader = _Reader()
    tree = reader.read(text)
    if reader.faults or "\\u" in text:  # only an escape can smuggle in a surrogate or U+0000
        _refuse_faults(tree)
    return tree


class _Reader:
    """One pass of the standard library's scanner, with marks where it is too lenient."""

    def __init__(self) -> None:
        self.faults = 0

    def read(self, text: str) -> object:
        try:
            return json.loads(
                text, object_pairs_hook=self._object, parse_constant=self._constant, parse_float=self._float,
                parse_int=self._int,
            )  # fmt: skip
        except json.JSONDecodeError as error:
            raise JSONRefused("", f"malformed JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
        except RecursionError:
            raise JSONRefused("", "the JSON is nested too deeply") from None

    def _fault(self, message: str) -> _Fault:
        self.faults += 1
        return _Fault(message)

    def _object(self, pairs: list[tuple[str, object]]) -> object:
        if len(pairs) > MOST_MEMBERS:
            return self._fault(f"has {len(pairs):,} members; at most {MOST_MEMBERS} are read")
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                members[key] = self._fault("this key is given twice")
            seen.add(key)
        return members

    def _constant(self, name: str) -> _Fault:
        return self._fault(f"{name} is not a JSON number")

    def _float(self, literal: str) -> float | _Fault:
        value = float(literal)
        return value if math.isfinite(value) else self._fault("the number is too large")

    def _int(self, literal: str) -> int | _Fault:
        try:
            return int(literal)
        except ValueError:  # the interpreter's own limit on digits
            return self._fault("the number is too large")


def refuse_long_strings(tree: object, *, longest: int) -> None:
    """Raise JSONRefused for a string or a key of more than `longest` characters, before anything copies it."""
    for path, node in _walk(tree):
        for text in node if isinstance(node, dict) else (node,):
            if isinstance(text, str) and len(text) > longest:
                _refuse(path, f"has {len(text):,} characters; at most {longest:,} are read here")


def _walk(tree: object) -> Iterator[tuple[list[str | int], object]]:
    """Yield every value with its path, without recursion, in the order of the text.

    The path is one list that changes from step to step: a path of its own for each value would cost depth times width.
    """
    path: list[str | int] = []
    yield path, tree
    levels = [_members(tree)]
    while levels:
        for key, value in levels[-1]:
            path.append(key)
            yield path, value
            if isinstance(value, (dict, list)):
                levels.append(_members(value))
                break
            path.pop()
        else:
            levels.pop()
            del path[-1:]


def _members(node: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(node, dict):
        return iter(node.items())
    return iter(enumerate(node)) if isinstance(node, list) else iter(())


def _refuse_faults(tree: object) -> None:
    """Raise JSONRefused at the first fault met."""
    for path, node in _walk(tree):
        match node:
            case _Fault():
                raise JSONRefused(path_of(path), node.message)
            case str():
                _refuse_characters(path, node)
            case dict():
                for key in node:
                    _refuse_characters(path, key)


def _refuse_characters(path: Sequence[str | int], text: str) -> None:
    if "\x00" in text:
        _refuse(path, "U+0000 is not allowed in text")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        _refuse(path, f"character {error.start} is a lone surrogate, U+{ord(text[error.start]):04X}")


def _refuse(path: Sequence[str | int], message: str) -> NoReturn:
    raise JSONRefused(path_of(path), message)
