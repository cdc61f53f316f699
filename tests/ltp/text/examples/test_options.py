"""What people may say about a file, as they write it."""

from __future__ import annotations

import unicodedata

import pytest

from ltp.errors import InvalidConfig
from ltp.text.examples import parse_columns_option, parse_labels_option
from ltp.text.label_words import label_of_word


def test_labels_are_named_in_the_order_of_their_numbers_or_one_by_one() -> None:
    assert parse_labels_option("c,e,n") == {"0": "contradiction", "1": "entailment", "2": "neutral"}
    assert parse_labels_option("entailment, not_entailment") == {"0": "entailment", "1": "not_entailment"}
    assert parse_labels_option("0=contradiction,sí=entailment,a=b=n") == {
        "0": "contradiction",
        "sí": "entailment",
        "a=b": "neutral",
    }


def test_spellings_and_columns_may_hold_commas() -> None:
    assert parse_labels_option("yes, surely=entailment,no, never=not_entailment") == {
        "yes, surely": "entailment",
        "no, never": "not_entailment",
    }
    assert parse_columns_option("label=gold, by all,premise=a,b") == {"label": "gold, by all", "premise": "a,b"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "something like e,n,c"),
        ("e,maybe,c", "'maybe' is none of them"),
        ("e,e,c", "every label once"),
        ("0=", "'0=' is not that"),
        ("0=e,n", "'n' is not that"),
        ("0=foo,1=e", "'foo' is none of them"),
        ("e,1=c", "'e' is not that"),
    ],
)
def test_labels_that_say_nothing_are_refused_with_what_would(text: str, words: str) -> None:
    with pytest.raises(InvalidConfig, match=words):
        parse_labels_option(text)


def test_columns_are_named_by_what_they_hold() -> None:
    columns = {"premise": "example.premise", "hypothesis": "text b"}
    assert parse_columns_option("premise=example.premise, Hypothesis=text b") == columns
    for text in ("", "premise", "premise=", "text=a"):
        with pytest.raises(InvalidConfig, match="premise"):
            parse_columns_option(text)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("entailment", ["e", "Entails", "ENTAILMENT", "implicación", "SUPPORTS", "蕴含", "含意", "함의", "следование"]),
        (
            "neutral",
            ["n", "Netral", "NEUTRE", "NOT ENOUGH INFO", "中立", "중립", "нейтральное", "तटस्थ", "nötr", "TARAFSIZ"],
        ),
        ("contradiction", ["C", "contradictory", "contradicción", "REFUTES", "矛盾", "모순", "Widerspruch", "تناقض"]),
        ("not_entailment", ["not_entailment", "non-entailment", "NotEntail", "no implicación"]),
        (None, ["", "-", "0", "1.0", "maybe", "None", "Paraphrase", "yes", "no", "-1"]),
    ],
)
def test_a_label_word_is_known_however_it_is_composed_and_capitalised(label: str | None, words: list[str]) -> None:
    for word in words:
        for form in (word, unicodedata.normalize("NFD", word), word.upper(), f" {word} "):
            assert label_of_word(form) == label
