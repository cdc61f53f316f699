"""Folds hold out whole premises, evenly, and every training side keeps every label."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltp.adapter.crossfit.folds import Fold, folds_of, premises_of
from ltp.config import LABELS
from ltp.errors import TooFewExamples
from ltp.text.examples import Example


def example(premise: int, label: int, hypothesis: str = "") -> Example:
    return Example(f"premise {premise}", hypothesis or f"{premise} {label}", LABELS[label])


def balanced(premises: int) -> list[Example]:
    """Three hypotheses a premise, one of each label, as XNLI has them."""
    return [example(premise, label) for premise in range(premises) for label in range(3)]


def check(examples: list[Example], folds: list[Fold]) -> None:
    premises = premises_of(examples)
    for fold in folds:
        assert sorted(fold.train + fold.held_out) == list(range(len(examples)))
        assert not {premises[index] for index in fold.train} & {premises[index] for index in fold.held_out}
        assert {examples[index].label for index in fold.train} == {each.label for each in examples}
        assert fold.held_out
    held_out = [index for fold in folds for index in fold.held_out]
    assert len(held_out) == len(set(held_out))


def test_every_pair_is_held_out_once_and_labels_are_even() -> None:
    examples = balanced(32)
    folds = folds_of(examples, count=4, seed=0)
    check(examples, folds)
    assert sorted(index for fold in folds for index in fold.held_out) == list(range(96))
    for fold in folds:
        assert Counter(examples[index].label for index in fold.held_out) == dict.fromkeys(LABELS, 8)


def test_single_pairs_are_dealt_by_label() -> None:
    examples = [example(number, number % 3) for number in range(48)]
    for fold in folds_of(examples, count=4, seed=3):
        assert Counter(examples[index].label for index in fold.held_out) == dict.fromkeys(LABELS, 4)


def test_folds_follow_the_seed() -> None:
    examples = balanced(16)
    first, again, other = (folds_of(examples, count=4, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_spelling_does_not_make_another_premise() -> None:
    assert premises_of([Example("A  Dog", "x"), Example("a dog", "y"), Example("a cat", "z")]) == [0, 0, 1]


def test_with_fewer_premises_than_folds_there_are_fewer_folds() -> None:
    examples = balanced(3)
    folds = folds_of(examples, count=10, seed=0)
    check(examples, folds)
    assert len(folds) == 3


def test_a_premise_that_alone_has_a_label_trains_in_every_fold() -> None:
    examples = [example(0, 2), *(example(number, number % 2) for number in range(1, 13))]
    folds = folds_of(examples, count=4, seed=0)
    check(examples, folds)
    assert all(0 in fold.train for fold in folds)
    assert sorted(index for fold in folds for index in fold.held_out) == list(range(1, 13))


@pytest.mark.parametrize("premises", [1, 3], ids=["one premise", "one premise a label"])
def test_what_cannot_be_cross_fitted_is_refused(premises: int) -> None:
    examples = [example(label % premises, label) for label in range(3)]
    with pytest.raises(TooFewExamples, match=f"{premises} premise"):
        folds_of(examples, count=4, seed=0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2)), min_size=3, max_size=40),
    st.integers(2, 6),
    st.integers(0, 5),
)
def test_any_pairs_give_sound_folds_or_are_refused(drawn: list[tuple[int, int]], count: int, seed: int) -> None:
    examples = [example(premise, label, str(number)) for number, (premise, label) in enumerate(drawn)]
    try:
        folds = folds_of(examples, count=count, seed=seed)
    except TooFewExamples:
        return
    check(examples, folds)
    assert 2 <= len(folds) <= count
