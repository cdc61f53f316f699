"""Language tags: one spelling for each language, and nothing that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidLanguage
from app.registry.language_tags import name_of, normalise


@pytest.mark.parametrize(
    ("tag", "canonical"),
    [("swa", "sw"), ("quy", "quy"), ("EN-gb", "en-GB"), ("iw", "he"), ("gn", "gn"), ("grn", "gn"), ("nah", "nah")],
)
def test_tags_have_one_spelling(tag: str, canonical: str) -> None:
    assert normalise(tag) == canonical == normalise(canonical)


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
