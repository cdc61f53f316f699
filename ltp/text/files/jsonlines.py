"""JSON lines: one object a line, read strictly, and written back unchanged but for added keys."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from ltp.errors import ExamplesError
from ltp.text.files.quick_objects import quick_objects
from ltp.text.files.record import Record, Value
from ltp.text.files.strict_json import DECODER, QUICK, Refused, bad_character, entries, offset_of, refused_at, skip
from ltp.text.lines import TextFile

_SPACED = re.compile(r'"[ \t\r]+:')
"""The end of a key that is not right before its colon."""


class JsonLines:
    """The format of a file of JSON objects."""

    name: Literal["jsonl"] = "jsonl"
    result: Literal["jsonl"] = "jsonl"
    separator: None = None
    quoted: None = None

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.names = names
        """The keys of the first object."""

    def records(self, text: TextFile) -> Iterator[Record]:
        """Yield a record for each line that is not blank. Raises ExamplesError."""
        for line, data, objects in text.read_blocks(quick_objects):
            if objects is None:
                yield from exact_records(enumerate(map(bytes.decode, io.BytesIO(data)), line))
                continue
            start = 0
            for number, (size, fields) in enumerate(objects, line):
                end = start + size
                yield Record(number, (data, start, end), fields, offset_of)
                start = end

    def taken(self, record: Record) -> Iterable[str]:
        """The keys of the record's object, which a further key may not have."""
        return record.fields

    def heading(self, names: Sequence[str]) -> list[str]:
        """JSON lines have none."""
        del names
        return []

    def extend(self, record: Record, names: Sequence[str], values: Sequence[Value]) -> str:
        """The record's text with a key for each value at the end of the object."""
        return extended(record.raw, names, values)


def exact_records(lines: Iterable[tuple[int, str]]) -> Iterator[Record]:
    """Yield a record for each line that is not blank. Raises ExamplesError."""
    for number, text in lines:
        if text.strip():
            yield _record(text.rstrip("\r\n"), number)


def extended(raw: str, names: Sequence[str], values: Sequence[Value]) -> str:
    """An object's text with a key for each value at its end; floats with six decimals."""
    rounded = [round(value, 6) if isinstance(value, float) else value for value in values]
    added = json.dumps(dict(zip(names, rounded, strict=True)), ensure_ascii=False, allow_nan=False)
    start = raw.rstrip().removesuffix("}").rstrip()
    return start + ("" if start.endswith("{") else ", ") + added.removeprefix("{")


def _record(raw: str, line: int) -> Record:
    fields = _parse(raw, line)
    if not isinstance(fields, dict):
        hint = "; write one object a line, not an array" if raw.lstrip().startswith("[") else ""
        raise ExamplesError(f"expected a JSON object{hint}", line=line, column=skip(raw, 0) + 1)
    if "\\u" in raw:  # nothing else can have brought in U+0000 or lone surrogates
        _refuse_bad_text(fields, raw, line)
    return Record(line, raw, fields, offset_of, missing_at=skip(raw, 0))


def _parse(raw: str, line: int) -> Any:
    try:
        value = QUICK.decode(raw)
        # no key can stand twice where there are not more places that look like one's end than there are keys
        if type(value) is dict and raw.count('":') == len(value) and not _SPACED.search(raw) and raw.count("{") == 1:
            return value
        return DECODER.decode(raw)
    except json.JSONDecodeError as fault:
        hint = "; each object must stand on one line" if raw.strip() in {"{", "["} else ""
        raise ExamplesError(f"malformed JSON: {fault.msg}{hint}", line=line, column=fault.pos + 1) from fault
    except Refused as fault:
        raise ExamplesError(str(fault), line=line, column=refused_at(raw) + 1) from fault
    except ValueError as fault:  # an integer of thousands of digits
        raise ExamplesError("malformed JSON: a number is too long", line=line, column=refused_at(raw) + 1) from fault
    except RecursionError as fault:
        raise ExamplesError("malformed JSON: nested too deeply", line=line, column=refused_at(raw) + 1) from fault


def _refuse_bad_text(fields: dict[str, Any], raw: str, line: int) -> None:
    for index, (key, value) in enumerate(fields.items()):
        if bad := bad_character(key, value):
            at = list(entries(raw))[index][2]
            raise ExamplesError(f"the character U+{ord(bad):04X} is not text; remove it", line=line, column=at + 1)
