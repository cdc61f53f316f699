"""How many values a JSON text holds, counted before any of them is made.

A value takes two bytes of text and up to a hundred of memory: bytes alone bound nothing. Keys count as values.
"""

from __future__ import annotations

WINDOW = 64 * 1024
"""Bytes looked at at a time, so that counting takes no memory."""
FEW = 100_000
"""So many values are read however short they are: they take ten megabytes at most."""
BYTES_A_VALUE = 8
"""Beyond `FEW`, a text has so many bytes for each value at least; sentences have many times more."""
STRUCTURE = (b",", b":", b"[", b"{")
"""Each begins one value more, outside of strings."""


def allowed_values(size: int, *, most: int) -> int:
    """Return how many values a text of `size` bytes may hold where no more than `most` are wanted."""
    return min(most, max(FEW, size // BYTES_A_VALUE))


def holds_more(raw: bytes, limit: int) -> bool:
    """Tell whether a JSON text holds more than `limit` values; of a text that is no JSON, whether it might."""
    if _count(raw) < limit:
        return False  # commas inside of strings counted along, which is quick
    values, inside = 1, 0
    escaped = raw.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in raw else raw
    for start in range(0, len(escaped), WINDOW):
        pieces = escaped[start : start + WINDOW].split(b'"')
        values += _count(b"".join(pieces[inside::2]))
        if values > limit:
            return True
        inside ^= (len(pieces) - 1) & 1
    return False


def _count(text: bytes) -> int:
    return sum(text.count(sign) for sign in STRUCTURE)
