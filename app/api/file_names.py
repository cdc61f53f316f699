"""Names of files as clients give them, made fit to be kept, shown, sent in a header, and given to a file again."""

from __future__ import annotations

import unicodedata

LONGEST = 255
"""Bytes of a name that file systems take."""
LONGEST_ENDING = 20
"""Bytes of an ending such as `.jsonl`, which is kept when a name is cut."""
UNFIT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of characters that are no letters of a name: controls, marks of direction, halves of characters, lines."""
JOINERS = "\u200c\u200d"
"""Formats all the same, but Persian and the scripts of India spell words with them."""


def clean_name(name: str) -> str:
    """Return the last element of a path, without what no name needs, in 255 bytes at most; empty if nothing is left."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(each for each in last if unicodedata.category(each) not in UNFIT or each in JOINERS).strip()
    if kept.strip(".") == "":
        return ""
    stem, dot, ending = kept.rpartition(".")
    if not stem or len((dot + ending).encode()) > LONGEST_ENDING:
        stem, dot, ending = kept, "", ""
    room = LONGEST - len((dot + ending).encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + ending
