"""Language codes: BCP-47 tags as the registry writes them; ISO 639-3 codes are normalised by `langcodes`."""

from __future__ import annotations

import langcodes
from langcodes.tag_parser import LanguageTagError

from app.errors import InvalidLanguage

_LONGEST = 35
"""RFC 5646 asks implementations to allow at least so many characters; no real tag needs more."""


def normalise(tag: str) -> str:
    """Return the canonical BCP-47 form: `swa` -> `sw`, `EN-gb` -> `en-GB`, `quy` stays.

    Raises `InvalidLanguage` for what is no well-formed tag of a registered language.
    """
    try:
        if not tag.isascii() or len(tag) > _LONGEST:
            raise ValueError(tag)
        # macro=False: a macrolanguage must not swallow its members (`quy` is not `qu`)
        language = langcodes.Language.get(tag, normalize=True)
        canonical = langcodes.standardize_tag(tag, macro=False)
        code = language.language or "und"
        if code == "und" or not code.isalpha() or not langcodes.tag_is_valid(canonical):
            raise ValueError(tag)
    except (ValueError, LanguageTagError) as error:
        raise InvalidLanguage(
            f"{tag[:_LONGEST]!r} is not a language; give a BCP-47 tag or an ISO 639-3 code such as 'en', 'sw' or 'quy'"
        ) from error
    return canonical


def name_of(tag: str) -> str:
    """Return the English name of a normalised tag: `sw` -> `Swahili`."""
    return langcodes.Language.get(tag).display_name()
