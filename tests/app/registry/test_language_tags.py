"""Language tags: one spelling for each language, and nothing that is none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import langcodes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langcodes import language_distance
from support.peak_memory import peak_mb

from app.errors import InvalidLanguage
from app.registry.language_tags import (
    REMEMBERED,
    macrolanguage_of,
    name_of,
    normalise,
    relatives_of,
    same_language,
)

CODES = [line.split("\t") for line in Path(__file__).with_name("language_codes.tsv").read_text().splitlines()[1:]]
"""What data sets and NLLB call languages: set, code, our tag, macrolanguage (`-` if none), English name."""


@pytest.mark.parametrize(
    ("tag", "canonical"),
    [("swa", "sw"), ("quy", "quy"), ("EN-gb", "en-GB"), ("iw", "he"), ("gn", "gn"), ("grn", "gn"), ("nah", "nah")],
)
def test_tags_have_one_spelling(tag: str, canonical: str) -> None:
    assert normalise(tag) == canonical == normalise(canonical)


@pytest.mark.parametrize(
    ("code", "tag", "macrolanguage", "name"), [row[1:] for row in CODES], ids=["-".join(row[:2]) for row in CODES]
)
def test_codes_in_use_mean_this_language(code: str, tag: str, macrolanguage: str, name: str) -> None:
    for written in (code, code.replace("_", "-"), code.upper(), code.lower(), tag):
        assert normalise(written) == tag
    assert (macrolanguage_of(tag) or "-", name_of(tag)) == (macrolanguage, name)


@pytest.mark.parametrize("named", ["AmericasNLI", "AfriXNLI", "NLLB"])
def test_no_two_languages_of_a_set_become_one(named: str) -> None:
    tags = [tag for of, _, tag, *_ in CODES if of == named]
    assert len(tags) == len(set(tags)) == {"AmericasNLI": 10, "AfriXNLI": 17, "NLLB": 202}[named]


@pytest.mark.parametrize(
    ("tag", "canonical"),
    [
        ("swh_Latn", "swh"),
        ("sr_Latn", "sr-Latn"),
        ("zh-Hant-TW", "zh-TW"),
        ("zh-Hans-TW", "zh-Hans-TW"),
        ("yor_Arab", "yo-Arab"),
        ("acm_Arab", "acm"),
        ("acm_Latn", "acm-Latn"),
        ("sw-Latn-x-latn", "sw-x-latn"),
    ],
)
def test_the_usual_script_goes_and_another_stays(tag: str, canonical: str) -> None:
    assert normalise(tag) == canonical == normalise(canonical)


def test_relatives_are_of_one_macrolanguage() -> None:
    assert relatives_of("quz")[0] == relatives_of("qu")[0] == "qu"
    assert {"quy", "quz"} < set(relatives_of("quy"))
    assert relatives_of("swh") == relatives_of("sw-KE") == ["sw", "swc", "swh"]
    assert relatives_of("es-MX") == ["es"]


@pytest.mark.parametrize("tag", ["yor_Xyzw", "yor_", "_Latn", "yor__Latn", "yor_Latn_", "yor_Latn_Latn"])
def test_a_script_that_is_none_is_refused(tag: str) -> None:
    with pytest.raises(InvalidLanguage):
        normalise(tag)


@pytest.mark.parametrize("tag", ["", "xx", "english", "und", "en-", "en@1", "en\0", "x-foo", "a" * 60, "español", "e"])
def test_what_is_no_language_is_refused(tag: str) -> None:
    with pytest.raises(InvalidLanguage, match="BCP-47"):
        normalise(tag)


@given(st.text(max_size=12))
@pytest.mark.slow
def test_any_text_is_refused_or_normalised_once_and_for_all(tag: str) -> None:
    try:
        canonical = normalise(tag)
    except InvalidLanguage:
        return
    assert normalise(canonical) == canonical


def test_languages_have_names() -> None:
    assert name_of("sw") == "Swahili"


MANY = 100_000
MOST_MB = 32
"""A third of what a hundred thousand tags take where they are kept."""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["sw-x-{:08d}", "qq-{:08d}"], ids=["taken", "refused"])
def test_a_hundred_thousand_tags_leave_nothing_behind(form: str) -> None:
    def ask(numbers: range) -> None:
        for number in numbers:
            with suppress(InvalidLanguage):
                normalise(form.format(number))

    ask(range(MANY, MANY + 2 * REMEMBERED))  # so that what is remembered is full
    assert peak_mb(lambda: ask(range(MANY))) < MOST_MB
    kept = (langcodes.Language._INSTANCES, langcodes.Language._PARSE_CACHE)
    assert max(map(len, kept)) <= REMEMBERED + 8


def test_names_of_many_tags_leave_nothing_behind() -> None:
    for number in range(2 * REMEMBERED):
        assert name_of(f"sw-x-{number:08d}")
    kept = (langcodes.Language._INSTANCES, langcodes.Language._PARSE_CACHE, language_distance._DISTANCE_CACHE)
    assert max(map(len, kept)) <= REMEMBERED + 8


def test_tags_are_told_by_many_threads_at_once() -> None:
    tags = [f"sw-x-{number:04d}" for number in range(6_000)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(normalise, tags)) == tags


def test_a_name_is_answered_with_its_tag_and_compared_by_it() -> None:
    with pytest.raises(InvalidLanguage, match=r"'Kiswahili' is not a language.*the tag of Kiswahili is 'sw'"):
        normalise("Kiswahili")
    assert same_language("Swahili") == same_language("swa") == "sw"
    assert same_language(" Ashéninka of nowhere ") == "ashéninka of nowhere"
