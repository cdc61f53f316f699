"""Sets of examples: repeats are found, sides share no premise, and what cannot be trained on is refused."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ltp.config import LABELS, Label
from ltp.errors import ExamplesError, InvalidConfig, TooFewExamples
from ltp.text.examples import (
    Example,
    check_splittable,
    check_trainable,
    few_shot,
    leaks,
    read_examples,
    shared_premises,
    split,
)

labels = st.sampled_from(LABELS)
premises = st.lists(st.lists(labels, min_size=1, max_size=5), min_size=2, max_size=20)


def set_of(groups: list[list[Label]]) -> list[Example]:
    return [
        Example(f"premise {p}", f"hypothesis {p}.{h}", label)
        for p, group in enumerate(groups)
        for h, label in enumerate(group)
    ]


def triples(count: int) -> list[Example]:
    return set_of([list(LABELS)] * count)


def test_a_leak_is_the_same_pair_apart_from_case_spaces_and_composition() -> None:
    first = Example("Mañana llueve.", "Llueve  mañana.", "neutral", line=1)
    again = Example(" man\u0303ana LLUEVE.", "llueve mañana.", "entailment", line=2)
    other = Example("Mañana llueve.", "Llueve hoy.", "neutral", line=3)
    assert leaks([first], [other, again]) == [again]
    assert [leak.line for leak in leaks([first], [again, again, first])] == [2, 2, 1]
    assert not leaks([first], [other])


def test_leaks_are_pairs_of_the_training_side_and_shared_premises_are_told_apart() -> None:
    train = triples(3)
    dev = [Example("Premise 1", "HYPOTHESIS 1.2", "contradiction"), Example("premise 2", "something else", "neutral")]
    assert leaks(train, dev) == [dev[0]]
    assert shared_premises(train, dev) == ["Premise 1", "premise 2"]
    assert leaks(train, [Example("premise 9", "hypothesis 1.2", "neutral")]) == []


@given(premises, st.floats(0.05, 0.95), st.integers(0, 1000))
def test_a_split_keeps_every_example_and_no_premise_on_both_sides(
    groups: list[list[Label]], dev_share: float, seed: int
) -> None:
    whole = set_of(groups)
    try:
        sides = split(whole, dev_share=dev_share, seed=seed)
    except TooFewExamples:
        assume(False)
    assert Counter(sides.train) + Counter(sides.dev) == Counter(whole)
    assert not shared_premises(sides.train, sides.dev)
    assert {example.label for example in sides.train} == {example.label for example in whole}
    assert sides == split(whole, dev_share=dev_share, seed=seed)


@given(premises, st.floats(0.05, 0.95), st.integers(0, 1000))
def test_whether_examples_can_be_split_depends_on_the_premises_alone(
    groups: list[list[Label]], dev_share: float, seed: int
) -> None:
    whole = set_of(groups)
    by_premise = [
        [example for example in whole if example.premise == premise] for premise in {e.premise for e in whole}
    ]
    without = [{e.label for e in whole if e not in group} for group in by_premise]
    if {example.label for example in whole} in without:
        check_splittable(whole)
        assert split(whole, dev_share=dev_share, seed=seed).dev
    else:
        with pytest.raises(TooFewExamples, match="cannot be split"):
            check_splittable(whole)
        with pytest.raises(TooFewExamples, match="cannot be split"):
            split(whole, dev_share=dev_share, seed=seed)


@given(st.integers(2, 60), st.sampled_from([0.1, 0.2, 0.5, 0.8]), st.integers(0, 1000))
def test_complete_premises_are_split_exactly_by_share(count: int, dev_share: float, seed: int) -> None:
    dev = Counter(example.label for example in split(triples(count), dev_share=dev_share, seed=seed).dev)
    wanted = min(max(1, dev_share * count), count - 1)
    assert all(abs(dev[label] - wanted) <= 0.5 + 1e-9 for label in LABELS)


def test_labels_are_stratified_when_each_premise_has_one() -> None:
    whole = set_of([["entailment"]] * 60 + [["neutral"]] * 30 + [["contradiction"]] * 10)
    dev = Counter(example.label for example in split(whole, dev_share=0.3, seed=4).dev)
    assert dev == {"entailment": 18, "neutral": 9, "contradiction": 3}


def test_the_seed_decides_and_a_single_premise_cannot_be_split() -> None:
    whole = triples(30)
    assert split(whole, dev_share=0.5, seed=0) != split(whole, dev_share=0.5, seed=1)
    assert few_shot(whole, shots=5, seed=0) != few_shot(whole, shots=5, seed=1)
    with pytest.raises(TooFewExamples, match="cannot be split"):
        split(triples(1), dev_share=0.5, seed=0)
    with pytest.raises(InvalidConfig, match="dev_share is 1"):
        split(whole, dev_share=1, seed=0)


@given(premises, st.integers(1, 4), st.integers(0, 1000))
def test_few_shots_are_exact_or_refused(groups: list[list[Label]], shots: int, seed: int) -> None:
    whole = set_of(groups)
    try:
        sides = few_shot(whole, shots=shots, seed=seed)
    except TooFewExamples:
        complete = sum(set(group) == set(LABELS) for group in groups)
        assert complete < 2 * shots
        return
    for side in (sides.train, sides.dev):
        assert Counter(example.label for example in side) == dict.fromkeys(LABELS, shots)
        assert set(side) <= set(whole)
    assert not shared_premises(sides.train, sides.dev)


def test_complete_premises_are_dealt_first_as_otomi_needs() -> None:
    incomplete: list[list[Label]] = [["contradiction", "entailment"]] * 7 + [["entailment"]] * 11
    whole = set_of(incomplete + [list(LABELS)] * 64)
    for seed in range(20):
        sides = few_shot(whole, shots=32, seed=seed)
        assert len(sides.train) == len(sides.dev) == 96
    with pytest.raises(TooFewExamples, match=r"33 shots need 33 neutral examples for training, and .* there are 32"):
        few_shot(whole, shots=33, seed=0)


def test_training_needs_every_label_and_no_blank_text() -> None:
    check_trainable(triples(1))
    with pytest.raises(TooFewExamples, match=r"neutral and contradiction does not occur \(1 entailment, 0 neutral"):
        check_trainable([Example("a", "b", "entailment")])
    with pytest.raises(ExamplesError, match="example 2: the hypothesis is blank"):
        check_trainable([Example("a", "b", "neutral"), Example("a", " \n", "neutral")])
    with pytest.raises(ExamplesError, match="example 1: the label is missing"):
        check_trainable([Example("a", "b")])
    read = read_examples(b"premise\thypothesis\tlabel\na\tb\te\nc\t \tn\n")
    with pytest.raises(ExamplesError, match="line 3, column 3: the hypothesis is blank"):
        check_trainable(read)
    read = read_examples(b'{"label": "e", "hypothesis": "x", "premise": ""}')
    with pytest.raises(ExamplesError, match="line 1, column 46: the premise is blank"):
        check_trainable(read)
