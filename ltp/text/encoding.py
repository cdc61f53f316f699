"""What a text file is written in, told from its first bytes: UTF-8, or UTF-16 and UTF-32. Imports no torch.

A byte-order mark says it. Without one, UTF-16 is known by the zeros beside the characters of ASCII, which every file
of rows has; text in UTF-8 has none. Windows-1252 shows only where UTF-8 fails: `windows_1252`.
"""

from __future__ import annotations

import codecs
import re
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32", "windows-1252"]

BOM = codecs.BOM_UTF8
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_TEXT = re.compile("[\0-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def codec_of(start: bytes) -> tuple[str, bytes]:
    """The codec of a file that starts like this, and its byte-order mark, empty when there is none."""
    for mark, codec in _MARKS:
        if start.startswith(mark):
            return codec, mark
    if b"\0" not in start:
        return "utf-8", b""
    even, odd = start[::2].count(0), start[1::2].count(0)
    for codec, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros > 10 * others and (zeros > len(start) // 4 or not _decodes(start)) and _is_text(start, codec):
            return codec, b""
    return "utf-8", b""


def _decodes(start: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return True


def _is_text(start: bytes, codec: str) -> bool:
    text = codecs.getincrementaldecoder(codec)("surrogatepass").decode(start)
    return "\n" in text and not _NO_TEXT.search(text)


def encoding_named(codec: str) -> Encoding:
    """How a codec is called where people read it."""
    names: dict[str, Encoding] = {"utf-8": "utf-8", "cp1252": "windows-1252"}
    return names.get(codec) or ("utf-16" if codec.startswith("utf-16") else "utf-32")
