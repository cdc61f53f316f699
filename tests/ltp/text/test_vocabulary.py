"""What a tokenizer does not know of texts: counted of what carries letters, named, and refused if it is all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_backbone import tiny_tokenizer

from ltp.errors import UnknownText
from ltp.text.vocabulary import TokenCount, UnknownTally, Vocabulary, unknown_warning

VOCABULARY = Vocabulary(tiny_tokenizer())
SANTALI = "ᱟᱢ ᱪᱮᱫ ᱮᱢ"


def count(text: str) -> tuple[int, int]:
    counted = VOCABULARY.count_text(text)
    return counted.words, counted.unknown


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("the dog was eating", (4, 0)),
        (SANTALI, (3, 3)),
        (f"the dog {SANTALI}", (5, 3)),
        ("2019, 3.5!", (0, 0)),
        ("", (0, 0)),
        (f"2019. {SANTALI}?", (3, 3)),
    ],
)
def test_tokens_that_carry_letters_are_counted_and_the_unknown_among_them(text: str, counted: tuple[int, int]) -> None:
    assert count(text) == counted


def test_a_share_is_of_what_carries_letters() -> None:
    assert TokenCount(words=50, unknown=1).share == 0.02
    assert TokenCount().share == 0.0
    assert TokenCount(3, 3).is_unknown
    assert not TokenCount().is_unknown
    assert TokenCount(3, 3) + TokenCount(1, 0) == TokenCount(4, 3)


def test_the_characters_behind_unknown_tokens_are_named_the_commonest_first() -> None:
    assert VOCABULARY.unknown_characters(["the ᱢ dog ᱟᱢ", "ᱢ"]) == ["ᱢ", "ᱟ"]
    assert VOCABULARY.unknown_characters(["the dog"]) == []


@pytest.mark.parametrize("texts", [[SANTALI], [SANTALI, f"{SANTALI} 2019."], [SANTALI] * 5000])
def test_texts_of_unknown_words_alone_are_refused_with_their_characters(texts: list[str]) -> None:
    with pytest.raises(UnknownText, match="vocabulary has none of these words") as caught:
        VOCABULARY.refuse_unknown(texts)
    assert set(caught.value.characters) == set("ᱟᱢᱪᱮᱫ")


@pytest.mark.parametrize("texts", [[], ["2019"], [SANTALI, "the dog"], [f"{SANTALI} dog"]])
def test_one_known_word_or_no_word_at_all_is_no_reason(texts: list[str]) -> None:
    VOCABULARY.refuse_unknown(texts)


def test_looking_ends_at_the_first_known_word() -> None:
    def texts() -> Iterator[str]:
        yield SANTALI
        yield "the dog"
        pytest.fail("it went on")

    VOCABULARY.refuse_unknown(texts())


def test_people_are_warned_from_two_percent_on() -> None:
    assert unknown_warning(TokenCount(1000, 19), VOCABULARY, [SANTALI], of="of it") is None
    warned = unknown_warning(TokenCount(1000, 20), VOCABULARY, ["ᱢ"], of="of it")
    assert warned is not None
    assert warned.startswith("2.0 % of the tokens of it are not in the backbone's vocabulary (ᱢ)")


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text_is_counted_and_refused_only_when_nothing_is_known(texts: list[str]) -> None:
    total = sum(map(VOCABULARY.count_text, texts), TokenCount())
    assert 0 <= total.unknown <= total.words
    if total.is_unknown:
        with pytest.raises(UnknownText):
            VOCABULARY.refuse_unknown(texts)
    else:
        VOCABULARY.refuse_unknown(texts)


def test_a_stream_is_tallied_by_tokens_and_by_texts() -> None:
    tally = UnknownTally(VOCABULARY)
    tally.add(iter(["the dog", f"the {SANTALI}", "2019"]))
    tally.add(["the cat ᱢ"] * 2000)
    assert tally.tokens == TokenCount(2 + 4 + 6000, 3 + 2000)
    assert (tally.texts, tally.texts_unknown) == (2003, 2001)
    assert tally.texts_share == 2001 / 2003
    assert tally.characters[0] == "ᱢ"
    assert tally.as_dict() == {
        "tokens_share": round(2003 / 6006, 6),
        "texts_share": round(2001 / 2003, 6),
        "characters": tally.characters,
    }
    assert "(ᱢ ᱮ" in (tally.warning(of="of it") or "")
    empty = UnknownTally(VOCABULARY)
    assert empty.as_dict() == {"tokens_share": 0.0, "texts_share": 0.0, "characters": []}
    assert empty.warning(of="of it") is None


def test_what_the_table_replaces_is_known_and_not_named() -> None:
    texts = ["ƀlack ᱢ", "ƀ"]  # b with a stroke is read as b
    assert Vocabulary(tiny_tokenizer(), 0).unknown_characters(texts) == ["ƀ", "ᱢ"]
    assert VOCABULARY.unknown_characters(texts) == ["ᱢ"]
    tally = UnknownTally(VOCABULARY)
    tally.add(texts)
    assert (tally.texts_unknown, tally.characters) == (1, ["ᱢ"])
    with pytest.raises(UnknownText):
        Vocabulary(tiny_tokenizer(), 0).refuse_unknown(["ƀ"])
    VOCABULARY.refuse_unknown(["ƀ"])
