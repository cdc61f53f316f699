"""The table of characters against the vocabulary that it is for."""

from __future__ import annotations

import unicodedata

import pytest

from ltp.backbone.load import Backbone
from ltp.text.characters import DOTTED_CIRCLE, rows
from ltp.text.vocabulary import UNKNOWN, Vocabulary


def _unknown(backbone: Backbone, text: str) -> bool:
    tokenizer = backbone.tokenizer
    return tokenizer.token_to_id(UNKNOWN) in tokenizer.encode(f"q{text}", add_special_tokens=False).ids


def test_what_is_replaced_is_unknown_and_what_replaces_it_is_known(mini_backbone: Backbone) -> None:
    known = [row.character for row in rows() if not _unknown(mini_backbone, row.character)]
    lost = [row.replacement for row in rows() for each in row.replacement if _unknown(mini_backbone, each)]
    assert (known, lost) == ([], [])


def test_every_letter_that_is_unknown_only_as_a_capital_is_in_the_table(mini_backbone: Backbone) -> None:
    replaced = {row.character: row for row in rows()}
    capitals = [
        letter
        for letter in map(chr, [*range(0x80, 0xD800), *range(0xE000, 0x30000)])
        if unicodedata.category(letter) in ("Lu", "Lt")
        and _unknown(mini_backbone, letter)
        and not _unknown(mini_backbone, letter.lower())
    ]
    assert len([letter for letter in capitals if unicodedata.name(letter).startswith("LATIN")]) >= 71
    assert [letter for letter in capitals if letter not in replaced] == []
    assert all(replaced[letter].replacement == letter.lower() for letter in capitals)


@pytest.mark.parametrize(
    ("text", "language"),
    [("Ɛnyɛ Ɔno", "ak"), ("Ɖevi Ƒu Ɣeyiɣi Ŋutsu Ʋu", "ee"), ("Ɓauna Ƙasa Ƴar", "ha"), ("Ǹjẹ́ ḿ ǹkan", "yo")],
)
def test_words_of_a_language_are_read(mini_backbone: Backbone, text: str, language: str) -> None:
    assert Vocabulary(mini_backbone.tokenizer, 0).count_text(text).unknown > 0
    assert Vocabulary(mini_backbone.tokenizer, 1).count_text(text).unknown == 0


def test_every_row_is_whole_and_there_is_one_for_a_character() -> None:
    assert len({row.character for row in rows()}) == len(rows())
    for row in rows():
        assert len(row.character) == 1
        assert 1 <= len(row.replacement) <= 2
        assert DOTTED_CIRCLE not in row.character + row.replacement
        assert unicodedata.is_normalized("NFC", row.character), "texts are composed first"
        assert unicodedata.is_normalized("NFC", row.replacement)
        assert row.why in ("case", "mark", "look-alike")
        assert row.languages
        assert row.source
    assert not {row.character for row in rows()} & {each for row in rows() for each in row.replacement}


def test_a_letter_keeps_its_base_where_a_mark_is_dropped() -> None:
    for row in rows():
        if row.why == "mark" and ord(row.character) < 0x370:
            base = unicodedata.normalize("NFD", row.character)[0]
            assert unicodedata.normalize("NFD", row.replacement)[0].lower() in (base.lower(), "ʒ")
