"""Label spaces of examples: told, asked for, folded, and never mixed in silence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltp.config import LABEL_SPACES, LABELS, Label
from ltp.errors import ExamplesError, TooFewExamples
from ltp.text.examples import Example, check_trainable, few_shot, folded, label_space_of, settle, split, two_way

LABEL = st.sampled_from([*LABELS, "not_entailment"])


def examples(*labels: Label) -> list[Example]:
    return [Example(f"premise {n}", f"hypothesis {n}", label, line=n) for n, label in enumerate(labels, start=1)]


THREE, TWO = examples(*LABELS), examples(*LABEL_SPACES["two_way"])


def test_the_labels_tell_their_space() -> None:
    assert (label_space_of(THREE), label_space_of(TWO)) == ("three_way", "two_way")
    assert label_space_of(examples("entailment")) is None


def test_labels_of_two_spaces_are_refused_with_both_places() -> None:
    mixed = examples("entailment", "neutral", "not_entailment")
    with pytest.raises(ExamplesError, match=r"not_entailment \(line 3\) stands beside neutral \(line 2\).*two_way"):
        settle({"train": mixed}, None, train="train")
    settled = settle({"train": mixed}, "two_way", train="train")  # asked for, it has one meaning
    assert [each.label for each in settled.parts["train"]] == ["entailment", "not_entailment", "not_entailment"]


def test_three_labels_are_folded_into_two_and_it_is_said() -> None:
    settled = settle({"train": THREE, "dev": TWO}, "two_way", train="train")
    assert settled.label_space == "two_way"
    assert [each.label for each in settled.parts["train"]] == ["entailment", "not_entailment", "not_entailment"]
    assert [each.line for each in settled.parts["train"]] == [1, 2, 3]
    assert settled.notes == ["1 neutral and 1 contradiction were read as not_entailment (train)"]


def test_held_out_parts_follow_training() -> None:
    assert settle({"train": TWO, "test": THREE}, None, train="train").notes == [
        "1 neutral and 1 contradiction were read as not_entailment (test)"
    ]
    with pytest.raises(ExamplesError, match=r"line 2: not_entailment says not which of neutral and contradiction"):
        settle({"train": THREE, "dev": TWO}, None, train="train")
    with pytest.raises(ExamplesError, match=r"label_space three_way was asked for.*ask for label_space two_way"):
        settle({"train": TWO}, "three_way", train="train")
    assert settle({"train": THREE, "dev": THREE}, None, train="train") == (
        "three_way",
        {"train": THREE, "dev": THREE},
        [],
    )


@given(st.lists(LABEL))
def test_folding_loses_no_row_and_is_done_once(labels: list[Label]) -> None:
    given_examples = examples(*labels)
    once = folded(given_examples)
    assert [(each.premise, each.line) for each in once] == [(each.premise, each.line) for each in given_examples]
    assert [each.label for each in once] == [two_way(label) for label in labels]
    assert folded(once) == once


def test_every_label_of_the_space_must_occur_and_the_way_out_is_named() -> None:
    check_trainable(TWO)
    check_trainable(THREE)
    with pytest.raises(TooFewExamples, match=r"neutral does not occur.*or train with label_space two_way"):
        check_trainable(examples("entailment", "contradiction"))
    with pytest.raises(TooFewExamples, match=r"and entailment does not occur \(0 entailment, 1 not_ent.*add examples"):
        check_trainable(examples("not_entailment"))
    with pytest.raises(TooFewExamples, match=r"not_entailment does not occur \(1 entailment, 0 not_entailment\)"):
        check_trainable(examples("entailment"), "two_way")


def test_splits_and_few_shot_samples_hold_for_two_labels() -> None:
    many = [
        Example(f"premise {n // 2}", f"hypothesis {n}", LABEL_SPACES["two_way"][n % 2], line=n + 1) for n in range(40)
    ]
    halves = split(many, dev_share=0.5, seed=1)
    drawn = few_shot(many, shots=4, seed=1, label_space="two_way")
    for sides in (halves, drawn):
        assert not {each.premise for each in sides.train} & {each.premise for each in sides.dev}
    for side in (drawn.train, drawn.dev):
        assert sorted(str(each.label) for each in side) == ["entailment"] * 4 + ["not_entailment"] * 4
    assert [sum(each.label == "entailment" for each in side) for side in (halves.train, halves.dev)] == [10, 10]
