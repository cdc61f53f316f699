"""How texts are prepared before they are tokenized; what is stored and given back is never changed. Imports no torch.

An artefact records the form it was made with, and texts are prepared in that form whenever it is used:

- 0: as they are, for artefacts that record none;
- 1: composed (NFC, so that equal texts are equal tokens), blanks as one space and none at the ends, and characters that
  XLM-R's vocabulary does not have replaced by the table in `ltp.text.characters`.

A form never changes: another table is another form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import get_args

from ltp.config import TextForm
from ltp.errors import CorruptArtifact
from ltp.text.characters import rows

NEWEST: TextForm = 1
_KNOWN: dict[str, TextForm] = {str(form): form for form in get_args(TextForm)}
_FIELD = "text_form"
BLOCK = 512
"""Characters of one word that are composed at a time: ordering the marks of a longer run takes its square in time."""
READ_AS_BLANK = re.compile("[\\u200b-\\u200f\\u2581\\ufeff]")
"""What XLM-R's own normaliser makes a space of, besides what `str.split` takes for one."""


def prepared(text: str, form: TextForm = NEWEST) -> str:
    """Return the text as it is tokenized in a form. To prepare twice changes nothing more."""
    if form == 0:
        return text
    if text.isascii():
        return " ".join(text.split())
    text = composed(" ".join(READ_AS_BLANK.sub(" ", text).split()))
    unknown, table = _table()
    if unknown.search(text):
        text = composed(text.translate(table))  # a mark's replacement may compose, and what comes of it be unknown
        text = text.translate(table)
    return text


def composed(text: str) -> str:
    """Return NFC; of a word longer than any is, block by block."""
    if len(text) <= BLOCK:
        return unicodedata.normalize("NFC", text)
    return " ".join(_composed_word(word) for word in text.split(" "))


def _composed_word(word: str) -> str:
    if len(word) <= BLOCK:
        return unicodedata.normalize("NFC", word)
    done: list[str] = []
    start = 0
    while start < len(word):
        end = _boundary(word, start + BLOCK)
        done.append(unicodedata.normalize("NFC", word[start:end]))
        start = end
    return "".join(done)


def _boundary(word: str, place: int) -> int:
    """The first place from `place` on where a character begins that composes with none before it, if one is near."""
    for near in range(place, min(place + BLOCK, len(word))):
        if unicodedata.category(word[near])[0] != "M" and not _is_later_jamo(word[near]):
            return near
    return place + BLOCK


def _is_later_jamo(character: str) -> bool:
    """Whether it is a Hangul vowel or final, which composes with what is before it although it is a letter."""
    return "\u1160" <= character <= "\u11ff"


def recorded(form: TextForm) -> dict[str, str]:
    """What an artefact's metadata says of its form; nothing for 0, so that older artefacts keep their bytes."""
    return {_FIELD: str(form)} if form else {}


def read_recorded(metadata: Mapping[str, str], *, of: str) -> TextForm:
    """Return the form that an artefact's metadata names; `of` is what messages call the artefact.

    Raises:
        CorruptArtifact: it is none that this program knows.
    """
    written = metadata.get(_FIELD, "0")
    if written not in _KNOWN:
        known = " and ".join(_KNOWN)
        raise CorruptArtifact(
            f"{of} prepares texts in form {written:.40}; this program knows {known}, so use the release that made it"
        )
    return _KNOWN[written]


@cache
def _table() -> tuple[re.Pattern[str], dict[int, str]]:
    """What finds a character of the table, and what replaces each."""
    table = {ord(row.character): row.replacement for row in rows()}
    return re.compile("[" + re.escape("".join(map(chr, table))) + "]"), table
