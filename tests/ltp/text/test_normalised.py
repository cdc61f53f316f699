"""Lengths of texts as tokenizers see them, and where long ones are cut."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ltp.text.normalised import BLOCK, normalised_length, shortened

TEXT = st.text(st.sampled_from("aé ﷺ½①한\u0301"), max_size=80).map(lambda text: text * 40)


@given(TEXT)
def test_a_text_is_as_long_as_its_normal_form(text: str) -> None:
    blocks = len(text) // BLOCK + 1
    assert abs(normalised_length(text, most=10**9) - len(unicodedata.normalize("NFKC", text))) <= 2 * blocks
    assert normalised_length(text, most=100) <= 100


@given(TEXT, st.integers(1, 20_000))
def test_a_shortened_text_begins_like_the_whole_and_is_no_shorter_than_asked(text: str, most: int) -> None:
    short = shortened(text, most=most)
    assert text.startswith(short)
    if short != text:
        length = normalised_length(short, most=10**9)
        assert most < length <= most + 2 * 18 * BLOCK


def test_only_so_much_of_a_long_text_is_looked_at() -> None:
    assert len(shortened("\ufdfa" * 20_000, most=8_192)) == BLOCK
    assert shortened("word " * 4_000, most=8_192).endswith("word")
