"""The curve from confidence to accuracy, and the threshold that a target accuracy asks for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltp.answered_share import LEAST_ANSWERED, MOST_POINTS, Point, best, curve, reaching, read


def answers(confidences: list[float], rights: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    probabilities = np.array([[confidence, (1 - confidence) / 2, (1 - confidence) / 2] for confidence in confidences])
    return probabilities, np.array([0 if right else 1 for right in rights])


def test_a_worked_example() -> None:
    sure, unsure = [0.9] * 20, [0.5] * 20
    points = read(curve(*answers(sure + unsure, [True] * 18 + [False] * 2 + [True] * 8 + [False] * 12)))
    assert points == [Point(0.0, 1.0, 0.65), Point(0.9, 0.5, 0.9)]
    assert reaching(points, 0.65) == points[0]
    assert reaching(points, 0.66) == reaching(points, 0.9) == points[1]
    assert reaching(points, 0.91) is None
    assert best(points) == points[1]


def test_of_points_that_are_as_accurate_the_one_that_answers_most_is_the_best() -> None:
    points = [Point(0.0, 1.0, 0.5), Point(0.4, 0.7, 0.8), Point(0.6, 0.3, 0.8)]
    assert best(points) == best(points[::-1]) == points[1]


def test_surer_answers_that_are_no_righter_raise_nothing() -> None:
    points = read(curve(*answers([0.9] * 20 + [0.5] * 20, [True] * 10 + [False] * 10 + [True] * 20)))
    assert [point.accuracy for point in points] == [0.75, 0.75]


def test_no_point_stands_on_a_handful_of_pairs() -> None:
    points = read(curve(*answers([0.4 + index / 100 for index in range(24)], [index > 11 for index in range(24)])))
    assert min(point.answered for point in points) * 24 == pytest.approx(LEAST_ANSWERED, abs=1e-4)
    few = curve(*answers([0.5, 0.9], [True, False]))
    assert few == [{"threshold": 0.0, "answered": 1.0, "accuracy": 0.5}]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(34, 100), st.booleans()), min_size=1, max_size=200))
def test_what_a_point_says_holds_of_the_answers(drawn: list[tuple[int, bool]]) -> None:
    probabilities, labels = answers([hundredth / 100 for hundredth, _ in drawn], [right for _, right in drawn])
    points = read(curve(probabilities, labels))
    assert 1 <= len(points) <= MOST_POINTS
    assert points[0].threshold == 0
    assert points[0].accuracy == round(float((probabilities.argmax(1) == labels).mean()), 6)
    assert [*map(tuple, points)] == sorted(map(tuple, points))
    assert sorted(point.accuracy for point in points) == [point.accuracy for point in points]
    for point in points:
        kept = probabilities.max(1) >= point.threshold
        assert round(float(kept.mean()), 6) == point.answered
