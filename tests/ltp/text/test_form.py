"""Texts as they are prepared for the tokenizer: equal texts are equal tokens, whatever its own normaliser does."""

from __future__ import annotations

import unicodedata
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tiny_backbone import tiny_tokenizer
from tokenizers import Tokenizer, normalizers

from ltp.backbone.load import Backbone
from ltp.drift.tokens import tokenize
from ltp.errors import CorruptArtifact
from ltp.model.template import Template
from ltp.text.characters import rows
from ltp.text.examples import Example
from ltp.text.form import BLOCK, composed, prepared, read_recorded, recorded

BLANKS = " \t\n\x0b\x0c\x1c\x85\xa0\u1680\u2003\u2028\u202f\u3000\u200b\u200c\u200d\u200e\u200f\ufeff\u2581"
MARKS = "\u0300\u0301\u0302\u0303\u0308\u0323\u0327\u0331\u032e\u0345"
LETTERS = "aeonmwzsdtAEONMɔƆɛƐŋŊ각ᄀ각का়ὰΆ아.?!'"
WORDS = st.text(
    st.sampled_from(LETTERS + MARKS + "".join(row.character for row in rows()[::7])), min_size=1, max_size=8
)
NORMALISERS = {
    "none": None,
    "of XLM-R's kind": normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()]),
    "that takes apart": normalizers.NFD(),
    "that collapses blanks": normalizers.Replace("  ", " "),
}


def tokenizer_with(normaliser: object) -> Tokenizer:
    tokenizer = tiny_tokenizer()
    tokenizer.normalizer = normaliser  # type: ignore[assignment]
    return tokenizer


TOKENIZERS = {name: tokenizer_with(normaliser) for name, normaliser in NORMALISERS.items()}


@st.composite
def equal_texts(draw: st.DrawFn) -> tuple[str, str]:
    """Two ways to write one text: composed or not, and with other blanks between its words and around them."""
    words, ways = draw(st.lists(WORDS, min_size=1, max_size=5)), []
    for _ in range(2):
        blanks = [
            draw(st.text(st.sampled_from(BLANKS), min_size=least, max_size=3)) for least in (0, *[1] * len(words))
        ]
        form = draw(st.sampled_from(["NFC", "NFD"]))
        ways.append(
            blanks[0]
            + "".join(unicodedata.normalize(form, word) + blank for word, blank in zip(words, blanks[1:], strict=True))
        )
    return ways[0], ways[1]


@settings(max_examples=100, deadline=None)
@given(equal_texts())
def test_texts_equal_but_for_composition_and_blanks_have_equal_ids(texts: tuple[str, str]) -> None:
    first, second = (prepared(text) for text in texts)
    assert first == second
    for tokenizer in TOKENIZERS.values():
        assert tokenizer.encode(first).ids == tokenizer.encode(second).ids


@settings(max_examples=40, deadline=None)
@given(texts=equal_texts(), literal=st.booleans())
def test_in_a_template_and_in_a_corpus_they_are_one_text(
    tiny_backbone: Backbone, texts: tuple[str, str], literal: bool
) -> None:
    template = Template(tiny_backbone, prompt_length=2, max_length=64, text_form=1, literal=literal)
    assert template.encode([(texts[0], "a")])[0].ids == template.encode([(texts[1], "a")])[0].ids
    assert template.encode([("a", texts[0])])[0].ids == template.encode([("a", texts[1])])[0].ids
    special, pad = tiny_backbone.special.ids(), tiny_backbone.special.pad
    read = [
        tokenize(
            tiny_backbone.tokenizer,
            [f"dog {text}", "the cat"],
            special=special,
            pad=pad,
            max_length=64,
            report=lambda _: None,
            text_form=1,
        )
        for text in texts
    ]
    assert read[0].ids.tolist() == read[1].ids.tolist()


def test_equal_premises_have_equal_ids_unless_only_case_differs() -> None:
    """`premise_key` folds case besides; the vocabulary tells small letters and capitals apart, and so does a model."""
    ways = ["ọ̀rẹ́  ni", " o\u0300\u0323re\u0301\u0323 ni\u3000", "ọ̀rẹ́\tni\n"]
    assert len({Example(way, "x").premise_key for way in ways}) == len({prepared(way) for way in ways}) == 1
    assert Example("The Dog", "x").premise_key == Example("the dog", "x").premise_key
    assert prepared("The Dog") != prepared("the dog")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_to_prepare_twice_changes_nothing_more(text: str) -> None:
    once = prepared(text)
    assert prepared(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()
    assert "  " not in once
    assert prepared(text, 0) == text


def test_marks_in_any_order_are_one_word() -> None:
    words = {prepared("o" + "".join(marks)) for marks in permutations("\u0323\u0300\u0331")}
    assert len(words) == 2  # both below: the dot and the line keep their order, the tone's place does not matter


def test_characters_of_the_table_are_replaced_and_no_others() -> None:
    assert prepared("Ɛnyɛ Ŋutsu ǹkan ḿ nⴘdi a̮ ꞌa ʼa") == "ɛnyɛ ŋutsu nkan m nʉdi a̱ ꞌa ʼa"
    assert prepared("d̮ ḏ") == prepared("ḏ ḏ"), "what a mark's replacement composes to is composed"
    known = "The dog, the cat. 狗 кот خوب ẹ̀kọ́ ọ̀rẹ́"
    assert prepared(known) == unicodedata.normalize("NFC", known)


@pytest.mark.parametrize("unit", ["각", "ọ́", "ใ", "漢"])
def test_a_word_of_any_length_is_composed_as_a_short_one(unit: str) -> None:
    word = unicodedata.normalize("NFD", unit) * (BLOCK + 7)
    assert composed(word) == unicodedata.normalize("NFC", word)
    assert composed(f"{word} {unit}") == unicodedata.normalize("NFC", f"{word} {unit}")


def test_a_run_of_marks_of_any_length_is_read() -> None:
    assert len(prepared("a" + "\u0301\u0323" * 50_000)) > 90_000


@pytest.mark.parametrize("form", [0, 1])
def test_a_form_is_read_as_it_was_recorded(form: int) -> None:
    assert read_recorded(recorded(form), of="it") == form  # type: ignore[arg-type]
    assert recorded(0) == {}


@pytest.mark.parametrize("written", ["2", "7", "", "01", "one", "-1", "1.0", " 1"])
def test_a_form_that_is_not_known_is_refused_by_name(written: str) -> None:
    with pytest.raises(CorruptArtifact, match=r"sw\.safetensors prepares texts in form .*; this program knows 0 and 1"):
        read_recorded({"text_form": written}, of="sw.safetensors")
