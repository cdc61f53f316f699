"""Metrics against values worked out by hand and against the properties they must have."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ltp.config import LABELS
from ltp.metrics import NORMAL_95, expected_calibration_error, score, wilson

logits = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        hnp.arrays(np.float64, (n, 3), elements=st.floats(-8, 8)), hnp.arrays(np.int64, n, elements=st.integers(0, 2))
    )
)


def softmax(values):
    exponents = np.exp(values - values.max(1, keepdims=True))
    return exponents / exponents.sum(1, keepdims=True)


def test_a_worked_example() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.3, 0.1, 0.6], [0.5, 0.3, 0.2]])
    metrics = score(probabilities, np.array([0, 1, 2, 2]))

    assert metrics.accuracy == 0.75
    assert metrics.confusion == [[1, 0, 0], [0, 1, 0], [1, 0, 1]]
    entailment, _, contradiction = (metrics.per_label[name] for name in LABELS)
    assert (entailment.precision, entailment.recall, entailment.f1, entailment.support) == (0.5, 1.0, 2 / 3, 1)
    assert (contradiction.precision, contradiction.recall, contradiction.support) == (1.0, 0.5, 2)
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 1 + 2 / 3) / 3)
    # confidences 0.8, 0.7, 0.6, 0.5 fall in four different bins: |1-0.8| + |1-0.7| + |1-0.6| + |0-0.5|, over 4
    assert metrics.ece == pytest.approx((0.2 + 0.3 + 0.4 + 0.5) / 4)
    json.dumps(metrics.as_dict())


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_matches_published_values(correct: int, total: int, low: float, high: float) -> None:
    """Newcombe 1998, table I, method 3."""
    assert wilson(correct, total) == pytest.approx((low, high), abs=5.1e-5)
    assert wilson(total - correct, total) == pytest.approx((1 - high, 1 - low), abs=5.1e-5)


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_bounds_solve_the_score_equation(case: tuple[int, int]) -> None:
    correct, total = case
    share = correct / total
    for bound in wilson(correct, total):
        assert 0 <= bound <= 1
        assert abs(share - bound) == pytest.approx(NORMAL_95 * math.sqrt(bound * (1 - bound) / total), abs=1e-9)


def test_calibration_sums_inside_a_bin_before_taking_the_absolute_value() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95])
    assert expected_calibration_error(confidence, np.array([True, True, True, False])) == pytest.approx(0.2)
    assert expected_calibration_error(np.ones(3), np.ones(3, bool)) == 0


@given(logits)
def test_the_parts_agree_with_each_other(case) -> None:
    probabilities, labels = softmax(case[0]), case[1]
    metrics = score(probabilities, labels)
    confusion = np.array(metrics.confusion)

    assert confusion.sum() == metrics.pairs == len(labels)
    assert metrics.accuracy == pytest.approx(np.mean(probabilities.argmax(1) == labels))
    assert [label.support for label in metrics.per_label.values()] == confusion.sum(1).tolist()
    assert metrics.interval[0] <= metrics.accuracy <= metrics.interval[1]
    assert 0 <= metrics.ece <= 1
    order = np.random.default_rng(0).permutation(len(labels))
    shuffled = score(probabilities[order], labels[order])
    assert shuffled.confusion == metrics.confusion
    assert shuffled.ece == pytest.approx(metrics.ece)


@pytest.mark.parametrize(
    ("probabilities", "labels"),
    [
        (np.zeros((0, 3)), np.zeros(0, int)),
        (np.full((2, 2), 0.5), np.array([0, 1])),
        (np.full((2, 3), 1 / 3), np.array([0, 3])),
        (np.full((2, 3), 0.5), np.array([0, 1])),
        (np.full((2, 3), np.nan), np.array([0, 1])),
    ],
)
def test_nonsense_is_refused(probabilities, labels) -> None:
    with pytest.raises(ValueError):
        score(probabilities, labels)


def test_macro_f1_is_of_the_labels_that_occur_and_says_which() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.1, 0.7], [0.3, 0.1, 0.6], [0.2, 0.6, 0.2]])
    metrics = score(probabilities, np.array([0, 2, 2, 2]))
    assert metrics.macro_f1_over == ["entailment", "contradiction"]
    assert metrics.macro_f1 == pytest.approx((1.0 + 4 / 5) / 2)
    assert metrics.label_space == "three_way"


def test_two_labels_are_scored_as_two() -> None:
    metrics = score(np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]]), np.array([0, 1, 1]), "two_way")
    assert (metrics.label_space, metrics.confusion) == ("two_way", [[1, 0], [1, 1]])
    assert list(metrics.per_label) == metrics.macro_f1_over == ["entailment", "not_entailment"]
    with pytest.raises(ValueError, match=r"\(N, 2\)"):
        score(np.full((1, 3), 1 / 3), np.array([0]), "two_way")
    with pytest.raises(ValueError, match="0 to 1"):
        score(np.full((1, 2), 1 / 2), np.array([2]), "two_way")
