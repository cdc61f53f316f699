"""Language codes: BCP-47 tags as the registry writes them; ISO 639-3 codes are normalised by `langcodes`.

`langcodes` remembers every tag that it was ever asked about, and there are as many tags as callers make up. Here the
last few thousand are remembered, the refused among them, and its own memory is emptied before it grows.
"""

from __future__ import annotations

import threading
from functools import lru_cache

import langcodes
from langcodes import language_distance
from langcodes.tag_parser import LanguageTagError

from app.errors import InvalidLanguage

_LONGEST = 35
"""RFC 5646 asks implementations to allow at least so many characters; no real tag needs more."""
REMEMBERED = 4_096
"""Tags whose canonical form is known without asking; some 8,000 languages have a code, few are used at once."""
_MEMORIES = (
    langcodes.Language._INSTANCES,  # noqa: SLF001  there is no other way to it
    langcodes.Language._PARSE_CACHE,  # noqa: SLF001
    language_distance._DISTANCE_CACHE,  # noqa: SLF001
)
"""What `langcodes` keeps for ever, about a kilobyte a tag."""
_LOCK = threading.Lock()
"""Held while `langcodes` works: it looks into its memory twice, and must not find it emptied in between."""


def normalise(tag: str) -> str:
    """Return the canonical BCP-47 form: `swa` -> `sw`, `EN-gb` -> `en-GB`, `quy` stays.

    Raises `InvalidLanguage` for what is no well-formed tag of a registered language.
    """
    canonical = _canonical(tag) if tag.isascii() and len(tag) <= _LONGEST else None
    if canonical is None:
        raise InvalidLanguage(
            f"{tag[:_LONGEST]!r} is not a language; give a BCP-47 tag or an ISO 639-3 code such as 'en', 'sw' or 'quy'"
        )
    return canonical


@lru_cache(REMEMBERED)
def name_of(tag: str) -> str:
    """Return the English name of a normalised tag: `sw` -> `Swahili`."""
    with _LOCK:
        _empty_when_full()
        return langcodes.Language.get(tag).display_name()


@lru_cache(REMEMBERED)
def _canonical(tag: str) -> str | None:
    """Return the canonical form of a short ASCII tag; None for one that is no language."""
    with _LOCK:
        _empty_when_full()
        try:
            # macro=False: a macrolanguage must not swallow its members (`quy` is not `qu`)
            language = langcodes.Language.get(tag, normalize=True)
            canonical = langcodes.standardize_tag(tag, macro=False)
            code = language.language or "und"
            valid = code != "und" and code.isalpha() and langcodes.tag_is_valid(canonical)
        except (ValueError, LanguageTagError):
            return None
        return canonical if valid else None


def _empty_when_full() -> None:
    for memory in _MEMORIES:
        if len(memory) > REMEMBERED:
            memory.clear()
