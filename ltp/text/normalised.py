"""How long a text is once it is normalised (NFKC), as tokenizers do first: one character may stand for eighteen."""

from __future__ import annotations

import unicodedata

LONGEST_EXPANSION = 18
"""U+FDFA, a ligature, is eighteen letters; no character is more."""
BLOCK = 512
"""Characters normalised at a time; marks that combine across two blocks may count one more or less."""


def normalised_length(text: str, *, most: int) -> int:
    """Count the characters of a text as NFKC writes it, up to `most`; what is beyond is not looked at."""
    if text.isascii():
        return min(len(text), most)
    length = 0
    for start in range(0, len(text), BLOCK):
        length += len(unicodedata.normalize("NFKC", text[start : start + BLOCK]))
        if length >= most:
            return most
    return length


def shortened(text: str, *, most: int) -> str:
    """Return the start of a text that NFKC writes in `most` characters or somewhat more; all of a shorter one.

    It ends at a blank where there is one near.
    """
    if len(text) * (1 if text.isascii() else LONGEST_EXPANSION) <= most:
        return text
    length = 0
    for start in range(0, len(text), BLOCK):
        length += len(unicodedata.normalize("NFKC", text[start : start + BLOCK]))
        if length > most:
            end = start + BLOCK
            blank = text.find(" ", end, end + BLOCK)
            return text[: end if blank < 0 else blank]
    return text
