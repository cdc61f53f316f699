"""JSON as files of rows are read: no key twice, no NaN, no text that is none; and where the fault stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

_BLANK = " \t\r\n"


class Refused(ValueError):
    """What Python's decoder accepts and this reader does not: a key twice, NaN, Infinity."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for index, key in enumerate(keys) if key in keys[:index])
        raise Refused(f"the key {twice!r} stands twice in one object")
    return unique


def _no_constant(constant: str) -> NoReturn:
    raise Refused(f"{constant} is not JSON")


DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
QUICK = json.JSONDecoder(parse_constant=_no_constant)
"""Without a look at keys that stand twice, which takes as long as all the rest."""
LENIENT = json.JSONDecoder()


def entries(raw: str, decoder: json.JSONDecoder = LENIENT) -> Iterator[tuple[str, int, int]]:
    """Yield (key, where the key starts, where its value starts) of an object's top level.

    Raises whatever `decoder` raises at a value that it refuses, after that value's entry was yielded.
    """
    at = skip(raw, skip(raw, 0) + 1)
    while raw[at] == '"':
        key, end = LENIENT.raw_decode(raw, at)
        start = skip(raw, skip(raw, end) + 1)
        yield key, at, start
        _, end = decoder.raw_decode(raw, start)
        at = skip(raw, end)
        if raw[at] == ",":
            at = skip(raw, at + 1)


def skip(raw: str, at: int) -> int:
    """Where the blanks that start at `at` end."""
    while at < len(raw) and raw[at] in _BLANK:
        at += 1
    return at


def offset_of(raw: str, name: str) -> int | None:
    """Where the value of a key starts; of the outermost key of a path for what lies deeper."""
    starts = {key: start for key, _, start in entries(raw)}
    return starts.get(name, starts.get(name.partition(".")[0]))


def refused_at(raw: str) -> int:
    """Where the top-level key that stands twice is, or the top-level value that holds what was refused."""
    start = skip(raw, 0)
    if not raw.startswith("{", start):
        return start
    seen: set[str] = set()
    value_at = start
    try:
        for key, key_at, value_at in entries(raw, DECODER):  # noqa: B007  read after the loop
            if key in seen:
                return key_at
            seen.add(key)
    except (ValueError, RecursionError, IndexError):
        pass
    return value_at


def bad_character(*values: Any) -> str | None:
    """The first U+0000 or lone surrogate in the values, which are no text."""
    for text in _texts(*values):
        for character in text:
            if character == "\0" or "\ud800" <= character <= "\udfff":
                return character
    return None


def _texts(*values: Any) -> Iterator[str]:
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value)
            waiting.extend(value.values())
