"""Many lines of JSON at a time: the fast way through a block of objects that are all as they should be.

msgspec decodes to the values that Python's json does, or refuses. What it refuses, and what it takes and strict JSON
does not, is left to `jsonlines.exact_records`, which knows every rule and says what is wrong.
"""

from __future__ import annotations

import io
import re
from typing import Any

import msgspec

from ltp.text.files.strict_json import DECODER

_SPACED = re.compile(rb'"[ \t\r]+:')
"""The end of a key that is not right before its colon."""
_decode = msgspec.json.Decoder().decode


def quick_objects(_line: int, data: bytes) -> list[tuple[int, dict[str, Any]]] | None:
    """The objects with the bytes of each one's line; None where that takes a closer look."""
    if data.count(b"\r") != data.count(b"\r\n") or b"\\u0000" in data:
        return None
    lines = io.BytesIO(data).readlines()
    try:
        objects = list(map(_decode, lines))
        if not all(type(one) is dict for one in objects) or not all(line.startswith(b"{") for line in lines):
            return None
        if not _is_flat(data, objects):
            objects = [
                one if _is_flat(line, [one]) else DECODER.decode(line.decode())
                for line, one in zip(lines, objects, strict=True)
            ]
    except (ValueError, RecursionError):  # msgspec's and json's refusals
        return None
    return list(zip(map(len, lines), objects, strict=True))


def _is_flat(data: bytes, objects: list[dict[str, Any]]) -> bool:
    """Whether no key can stand twice: there are not more places that look like a key's end than there are keys."""
    if data.count(b'":') != sum(map(len, objects)) or data.count(b"{") != len(objects):
        return False
    return _SPACED.search(data) is None
