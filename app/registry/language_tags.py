"""Language codes: BCP-47 tags as the registry writes them, and which languages ISO 639-3 counts as one macrolanguage.

ISO 639-3 codes and codes with a script, as NLLB writes them (`yor_Latn`), are normalised by `langcodes`. A language of
a macrolanguage stays itself: `swh` is near `sw`, and is not `sw`.

`langcodes` remembers every tag that it was ever asked about, and there are as many tags as callers make up. Here the
last few thousand are remembered, the refused among them, and its own memory is emptied before it grows.
"""

from __future__ import annotations

import threading
from functools import lru_cache

import langcodes
from langcodes import language_distance
from langcodes.data_dicts import LIKELY_SUBTAGS, MACROLANGUAGES
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
_WIDER = {"Hang": "Kore"}
"""Scripts that a wider one has in it, which CLDR knows a language by: Hangul, and Hangul with Han."""
_MEMBERS = {
    macrolanguage: sorted(member for member, its in MACROLANGUAGES.items() if its == macrolanguage)
    for macrolanguage in set(MACROLANGUAGES.values())
}
"""The members of each macrolanguage, from IANA's registry, which has them from ISO 639-3."""
_LOCK = threading.Lock()
"""Held while `langcodes` works: it looks into its memory twice, and must not find it emptied in between."""


def normalise(tag: str) -> str:
    """Return the canonical BCP-47 form: `swa` -> `sw`, `EN_gb` -> `en-GB`, `yor_Latn` -> `yo`; `quy` stays.

    A script goes where the language is written in it unless something else is said: `sr-Latn` stays.

    Raises `InvalidLanguage` for what is no well-formed tag of a registered language.
    """
    canonical = _canonical(tag) if tag.isascii() and len(tag) <= _LONGEST else None
    if canonical is None:
        named = tag_of_name(tag)
        wanted = f" (the tag of {tag.strip()} is {named!r})" if named else ""
        raise InvalidLanguage(
            f"{tag[:_LONGEST]!r} is not a language; give a BCP-47 tag or an ISO 639-3 code such as 'en', 'sw' or 'quy'"
            f"{wanted}"
        )
    return canonical


def same_language(tag: str) -> str:
    """Return the tag that two spellings of one language have in common, names (`Swahili`) too; of others the letters.

    Compare by it; what somebody asks for is a tag.
    """
    written = tag.strip()
    try:
        return normalise(written)
    except InvalidLanguage:
        return tag_of_name(written) or written.casefold()


def tag_of_name(name: str) -> str | None:
    """Return the tag of a language by its name in any language: `Kiswahili` -> `sw`. Good for advice only."""
    return _tag_of_name(name.strip()) if len(name) <= _LONGEST else None


@lru_cache(REMEMBERED)
def _tag_of_name(name: str) -> str | None:
    if not name.replace(" ", "").replace("-", "").isalpha():  # no other text is looked for in langcodes' names
        return None
    with _LOCK:
        _empty_when_full()
        try:
            return str(langcodes.find(name))
        except (LookupError, ValueError, SystemError):  # its compiled table of names fails on some texts
            return None


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
            canonical = _without_usual_script(langcodes.standardize_tag(tag, macro=False))
            code = language.language or "und"
            valid = code != "und" and code.isalpha() and langcodes.tag_is_valid(canonical)
        except (ValueError, LanguageTagError):
            return None
        return canonical if valid else None


def _without_usual_script(tag: str) -> str:
    script = langcodes.Language.get(tag).script
    if script is None:
        return tag
    parts = tag.split("-")
    parts.remove(script)
    usual = _usual_script("-".join(parts))
    return "-".join(parts) if usual in (script, _WIDER.get(script)) else tag


def _usual_script(tag: str) -> str | None:
    """Name the script of a tag without one; where CLDR has no word on a language, its macrolanguage's script."""
    language, _, rest = tag.partition("-")
    known = language if language in LIKELY_SUBTAGS else MACROLANGUAGES.get(language, language)
    return langcodes.Language.get(f"{known}-{rest}" if rest else known).maximize().script


def language_of(tag: str) -> str:
    """Return the language of a normalised tag, without region, script and the like: `en-GB` -> `en`."""
    return tag.partition("-")[0]


def macrolanguage_of(tag: str) -> str | None:
    """Return the macrolanguage that a normalised tag is of: `qu` of `quy` and of itself; None for most languages."""
    language = language_of(tag)
    return MACROLANGUAGES.get(language) or (language if language in _MEMBERS else None)


def relatives_of(tag: str) -> list[str]:
    """List the languages of one macrolanguage, itself first; of a language that has none, the language alone."""
    macrolanguage = macrolanguage_of(tag)
    if macrolanguage is None:
        return [language_of(tag)]
    return [macrolanguage, *_MEMBERS[macrolanguage]]


def _empty_when_full() -> None:
    for memory in _MEMORIES:
        if len(memory) > REMEMBERED:
            memory.clear()
