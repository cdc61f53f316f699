"""Verbalizers: a method's usual words, words of one's own, and what no word may be."""

import pytest
from support.tiny_backbone import tiny_tokenizer

from ltp.backbone.answer_tokens import answer_tokens
from ltp.config import LABEL_SPACES, LABELS, VERBALIZER, VERBALIZERS
from ltp.errors import InvalidConfig, VerbalizerNotSingleToken
from ltp.model.methods import METHODS
from ltp.model.verbalizer import LONGEST_WORD, Verbalizer, verbalizer_of

OWN = {"entailment": "yes", "neutral": "maybe", "contradiction": "no"}


def test_the_papers_words_are_the_default() -> None:
    assert Verbalizer() == verbalizer_of("ltp") == verbalizer_of("pt")
    assert Verbalizer().by_label == VERBALIZER == {"entailment": "right", "neutral": "maybe", "contradiction": "wrong"}
    assert verbalizer_of("ltp", "two_way").by_label == {"entailment": "right", "not_entailment": "wrong"}
    assert verbalizer_of("dp", "two_way").by_label == {"entailment": "yes", "not_entailment": "no"}
    assert verbalizer_of("ft", "two_way") == Verbalizer("two_way", None)


def test_every_usual_verbalizer_has_the_labels_of_its_space_in_order() -> None:
    for recipe in METHODS.values():
        for space, words in (recipe.verbalizers or VERBALIZERS).items():
            assert tuple(words) == LABEL_SPACES[space]
            answer_tokens(tiny_tokenizer(), words)


def test_words_of_ones_own_come_in_the_order_of_the_labels_composed_and_stripped() -> None:
    given = {"contradiction": "no", "neutral": " talvez ", "entailment": "si\u0301"}
    assert verbalizer_of("ltp", words=given).words == ("s\u00ed", "talvez", "no")
    assert tuple(verbalizer_of("ltp", words=given).by_label or ()) == LABELS


@pytest.mark.parametrize(
    ("space", "words", "message"),
    [
        ("three_way", {"entailment": "yes", "neutral": "maybe"}, "a word for each of entailment, neutral, contradict"),
        ("three_way", OWN | {"not_entailment": "no"}, "and for no other"),
        ("two_way", OWN, "entailment, not_entailment, which are the labels of two_way"),
        ("two_way", {"entailment": "yes", "not_entailment": " "}, r"1 to 64 characters \(not_entailment"),
        ("two_way", {"entailment": "y" * (LONGEST_WORD + 1), "not_entailment": "n"}, r"\(entailment"),
    ],
)
def test_one_word_for_exactly_every_label(space, words, message) -> None:
    with pytest.raises(InvalidConfig, match=message):
        verbalizer_of("ltp", space, words)


def test_a_method_without_words_takes_none() -> None:
    with pytest.raises(InvalidConfig, match=r"method 'ft' has a head of its own"):
        verbalizer_of("ft", words=OWN)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("hello", r"'hello' \(neutral\) is 4 pieces of the backbone's vocabulary \(▁he l l o\)"),
        ("dog cat", r"'dog cat' \(neutral\) is 2 pieces .*\(▁dog ▁cat\)"),
        ("", r"'' \(neutral\) is 0 pieces of the backbone's vocabulary; choose"),
        ("<unk>", r"'<unk>' \(neutral\) is not in the backbone's vocabulary"),
        ("ᱚ", r"'ᱚ' \(neutral\) is not in the backbone's vocabulary"),
        ("<mask>", "is the piece <mask>, which is no word"),
        ("</s>", "is the piece </s>, which is no word"),
        ("▁", "is the piece ▁, which is no word"),
        ("yes", r"'yes' \(entailment\) and 'yes' \(neutral\) are the same token"),
    ],
)
def test_what_is_not_one_piece_of_the_vocabulary_is_named(word: str, message: str) -> None:
    with pytest.raises(VerbalizerNotSingleToken, match=message):
        answer_tokens(tiny_tokenizer(), OWN | {"neutral": word})
