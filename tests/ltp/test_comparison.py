"""Paired comparisons against values known by hand or by simulation, and what guessing gives."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltp.comparison import MOST_EXACT, beats_guessing, compare, guessing, p_value, sign_flip
from ltp.metrics import score


def right(text: str) -> np.ndarray:
    return np.array([character == "+" for character in text])


def test_premises_of_one_pair_are_mcnemars_exact_test() -> None:
    first, second = right("++++++++-+++"), right("--------+--+")
    # 10 pairs for the first and 1 for the second: 2 (C(11,0) + C(11,1)) / 2^11
    assert p_value(first, second, range(12)) == pytest.approx(2 * 12 / 2**11)
    assert p_value(first, first, range(12)) == 1.0


def test_pairs_of_one_premise_count_once() -> None:
    first, second = right("++++++++++++"), right("------------")
    assert p_value(first, second, range(12)) == pytest.approx(2 / 2**12)
    assert p_value(first, second, [index // 3 for index in range(12)]) == pytest.approx(2 / 2**4)
    assert p_value(first, second, ["one"] * 12) == 1.0


@settings(max_examples=40)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_every_flip_of_signs_is_counted(sums: list[int]) -> None:
    totals = [0]
    for value in sums:
        totals = [total + sign * value for total in totals for sign in (1, -1)]
    expected = sum(abs(total) >= abs(sum(sums)) for total in totals) / len(totals)
    assert sign_flip(np.array(sums)) == pytest.approx(expected)


def test_of_very_many_the_normal_distribution_is_taken() -> None:
    sums = np.array([1] * (MOST_EXACT // 2 + 150) + [-1] * (MOST_EXACT // 2 - 150))
    assert sign_flip(np.append(sums, [1, -1])) == pytest.approx(sign_flip(sums), rel=0.05)


def test_the_interval_is_as_wide_as_premises_differ() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random((200, 3)) < 0.6, generator.random((200, 3)) < 0.5
    first[:80], second[:80] = first[:80, :1], second[:80, :1]  # whole premises are right or wrong
    premises = [index // 3 for index in range(600)]
    found = compare(first.ravel(), second.ravel(), premises)
    low, high = found.interval
    assert low <= found.difference <= high
    each = (first.astype(int) - second).mean(1)
    assert high - low == pytest.approx(2 * 1.96 * each.std() / 200**0.5, rel=0.05)
    alone = compare(first.ravel(), second.ravel(), range(600)).interval
    assert high - low > 1.2 * (alone[1] - alone[0])


def test_a_comparison_says_what_it_is_of() -> None:
    found = compare(right("++++++++++-+"), right("----------++"), range(12))
    assert (found.first, found.second, found.pairs, found.premises) == (11 / 12, 2 / 12, 12, 12)
    assert found.difference == pytest.approx(0.75)
    assert found.real
    assert found.as_dict()["interval"] == [*found.interval]
    again = compare(right("++++++++++-+"), right("----------++"), range(12))
    assert again == found
    assert not compare(right("+-+"), right("-++"), range(3)).real
    assert [replace(found, p=p).real for p in (0.049, 0.05)] == [True, False]


def test_guessing_knows_the_commonest_label() -> None:
    def scored(labels: list[int], space: str = "three_way", classes: int = 3) -> dict:
        probabilities = np.full((len(labels), classes), 1 / classes)
        return score(probabilities, np.array(labels), space).as_dict()

    assert guessing(scored([0, 1, 2])) == 1 / 3
    assert guessing(scored([0, 1, 1, 1])) == 0.75
    assert guessing(scored([0, 0, 1, 1], "two_way", 2)) == 0.5
    assert guessing({"confusion": []}) == 1 / 3


def test_an_accuracy_beats_guessing_when_its_interval_does() -> None:
    confusion = [[30, 0, 0], [0, 30, 0], [0, 0, 30]]
    assert beats_guessing({"interval": [0.34, 0.5], "confusion": confusion})
    for low in (0.33, 1 / 3):
        assert not beats_guessing({"interval": [low, 0.5], "confusion": confusion})
    assert not math.isclose(guessing({"confusion": confusion}), 0.34)
