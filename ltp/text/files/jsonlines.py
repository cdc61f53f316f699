"""JSON lines: one object a line, read strictly, and written back unchanged but for added keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NoReturn

from ltp.errors import ExamplesError
from ltp.text.files.record import Record, Value

_BLANK = " \t\r\n"


class JsonLines:
    """The format of a file of JSON objects."""

    name: Literal["jsonl"] = "jsonl"
    separator: None = None
    quoted: None = None

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.names = names
        """The keys of the first object."""

    def records(self, lines: Iterable[tuple[int, str]]) -> Iterator[Record]:
        """Yield a record for each line that is not blank. Raises ExamplesError."""
        for number, text in lines:
            if text.strip():
                yield _record(text.rstrip("\r\n"), number)

    def taken(self, record: Record) -> Iterable[str]:
        """The keys of the record's object, which a further key may not have."""
        return _keys(record.raw)

    def header(self, names: Sequence[str]) -> list[str]:
        """JSON lines have none."""
        del names
        return []

    def extend(self, record: Record, names: Sequence[str], values: Sequence[Value]) -> str:
        """The record's text with a key for each value at the end of the object."""
        rounded = [round(value, 6) if isinstance(value, float) else value for value in values]
        added = json.dumps(dict(zip(names, rounded, strict=True)), ensure_ascii=False, allow_nan=False)
        return record.raw.rstrip().removesuffix("}").rstrip() + ", " + added.removeprefix("{")


class _Refused(ValueError):
    """What Python's decoder accepts and this reader does not: a key twice, NaN, Infinity."""


def _record(raw: str, line: int) -> Record:
    entries = _parse(raw, line)
    if not isinstance(entries, dict):
        hint = "; write one object a line, not an array" if raw.lstrip().startswith("[") else ""
        raise ExamplesError(f"expected a JSON object{hint}", line=line, column=_skip(raw, 0) + 1)
    _refuse_bad_text(entries, raw, line)
    return Record(line, raw, entries, _offset_of, missing_at=_skip(raw, 0))


def _parse(raw: str, line: int) -> Any:
    try:
        return _DECODER.decode(raw)
    except json.JSONDecodeError as fault:
        hint = "; each object must stand on one line" if raw.strip() in {"{", "["} else ""
        raise ExamplesError(f"malformed JSON: {fault.msg}{hint}", line=line, column=fault.pos + 1) from fault
    except _Refused as fault:
        raise ExamplesError(str(fault), line=line, column=_refused_at(raw)) from fault
    except ValueError as fault:  # an integer of thousands of digits
        raise ExamplesError("malformed JSON: a number is too long", line=line, column=_refused_at(raw)) from fault
    except RecursionError as fault:
        raise ExamplesError("malformed JSON: nested too deeply", line=line, column=_refused_at(raw)) from fault


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for index, key in enumerate(keys) if key in keys[:index])
        raise _Refused(f"the key {twice!r} stands twice in one object")
    return unique


def _no_constant(constant: str) -> NoReturn:
    raise _Refused(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
_LENIENT = json.JSONDecoder()


def _entries(raw: str, decoder: json.JSONDecoder) -> Iterator[tuple[str, int, int]]:
    """Yield (key, where the key starts, where its value starts) of an object's top level.

    Raises whatever `decoder` raises at a value that it refuses, after that value's entry was yielded.
    """
    at = _skip(raw, _skip(raw, 0) + 1)
    while raw[at] == '"':
        key, end = _LENIENT.raw_decode(raw, at)
        start = _skip(raw, _skip(raw, end) + 1)
        yield key, at, start
        _, end = decoder.raw_decode(raw, start)
        at = _skip(raw, end)
        if raw[at] == ",":
            at = _skip(raw, at + 1)


def _skip(raw: str, at: int) -> int:
    while at < len(raw) and raw[at] in _BLANK:
        at += 1
    return at


def _keys(raw: str) -> tuple[str, ...]:
    return tuple(key for key, *_ in _entries(raw, _LENIENT))


def _offset_of(raw: str, name: str) -> int | None:
    """Where the value of a key starts; of the outermost key of a path for what lies deeper."""
    entries = {key: start for key, _, start in _entries(raw, _LENIENT)}
    return entries.get(name, entries.get(name.partition(".")[0]))


def _refused_at(raw: str) -> int:
    """The column of the top-level key that stands twice, or of the top-level value that holds what was refused."""
    start = _skip(raw, 0)
    if not raw.startswith("{", start):
        return start + 1
    seen: set[str] = set()
    value_at = start
    try:
        for key, key_at, value_at in _entries(raw, _DECODER):  # noqa: B007  read after the loop
            if key in seen:
                return key_at + 1
            seen.add(key)
    except (ValueError, RecursionError):
        pass
    return value_at + 1


def _refuse_bad_text(entries: dict[str, Any], raw: str, line: int) -> None:
    r"""Refuse U+0000 and lone surrogates, which only a `\u` escape can have brought in."""
    if "\\u" not in raw:
        return
    for index, (key, value) in enumerate(entries.items()):
        for text in _texts(key, value):
            bad = next((c for c in text if c == "\0" or "\ud800" <= c <= "\udfff"), None)
            if bad is not None:
                at = list(_entries(raw, _LENIENT))[index][2]
                raise ExamplesError(f"the character U+{ord(bad):04X} is not text; remove it", line=line, column=at + 1)


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
