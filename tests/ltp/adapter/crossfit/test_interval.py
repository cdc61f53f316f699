"""The interval holds what it says it does: by draws of which the truth is known."""

import numpy as np
import pytest

from ltp.adapter.crossfit.clusters import Groups
from ltp.adapter.crossfit.interval import optimism_of_choice, share_interval, student_95
from ltp.metrics import wilson


@pytest.mark.parametrize(("freedom", "quantile"), [(4, 2.7764), (10, 2.2281), (31, 2.0395), (1000, 1.9623)])
def test_students_quantile(freedom: int, quantile: float) -> None:
    assert student_95(freedom) == pytest.approx(quantile, rel=5e-3)


def covered(alike: float, *, draws: int = 500, premises: int = 32) -> float:
    """The share of draws whose interval holds the true share, 0.6; `alike` of the premises have three equal pairs."""
    rng, groups = np.random.default_rng(1), np.repeat(np.arange(premises), 3)
    held = 0
    for _ in range(draws):
        one, each = rng.random(premises) < 0.6, rng.random(3 * premises) < 0.6
        hits = np.where((rng.random(premises) < alike)[groups], one[groups], each)
        low, high = share_interval(hits, groups)
        held += low <= 0.6 <= high
    return held / draws


@pytest.mark.parametrize("alike", [0.0, 0.5, 1.0])
def test_it_holds_however_alike_a_premises_pairs_are(alike: float) -> None:
    assert 0.92 <= covered(alike) <= 0.98


def scored(share: float, pairs: float, *, premises: int) -> tuple[float, float]:
    """The score interval of so many independent pairs, with Student's quantile."""
    square = student_95(premises - 1) ** 2
    centre = (share + square / (2 * pairs)) / (1 + square / pairs)
    reach = (square * (share * (1 - share) / pairs + square / (4 * pairs**2))) ** 0.5 / (1 + square / pairs)
    return centre - reach, centre + reach


@pytest.mark.parametrize(("moved", "times"), [(0.0, 2.0), (0.5, 1.6), (1.0, 4 / 3)])
def test_pairs_that_differ_within_a_premise_count_for_more_the_less_was_trained(moved: float, times: float) -> None:
    groups: Groups = np.repeat(np.arange(32), 3)
    hits = np.tile([True, True, False], 32)
    assert share_interval(hits, groups, moved=moved) == pytest.approx(scored(2 / 3, times * 96, premises=32))


def test_optimism_is_taken_off_and_the_rest_is_a_share() -> None:
    groups: Groups = np.repeat(np.arange(32), 3)
    hits = np.tile([True, True, False], 32)
    found = share_interval(hits, groups, optimism=0.1)
    assert found == pytest.approx(scored(2 / 3 - 0.1, 4 / 3 * 96, premises=32))
    assert share_interval(hits, groups, optimism=0.9)[0] == pytest.approx(0.0, abs=1e-12)


def test_wilsons_interval_would_not() -> None:
    rng = np.random.default_rng(0)
    hits = [np.repeat(rng.random(32) < 0.6, 3) for _ in range(200)]
    held = [low <= 0.6 <= high for low, high in (wilson(int(each.sum()), 96) for each in hits)]
    assert np.mean(held) < 0.85


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_right_and_all_wrong_leave_doubt(share: float) -> None:
    groups: Groups = np.repeat(np.arange(8), 3)
    low, high = share_interval(np.full(24, bool(share)), groups)
    assert low <= share <= high
    assert high - low == pytest.approx(0.41, abs=0.01)


def test_choosing_among_equals_flatters_and_the_flattery_is_taken_off() -> None:
    rng, groups = np.random.default_rng(0), np.repeat(np.arange(32), 3)
    found, estimated = [], []
    for _ in range(60):
        hits = rng.random((10, 96)) < 0.5
        losses = [1.0 - each for each in hits]
        best = max(hits, key=lambda each: each.mean())
        found.append(best.mean() - 0.5)
        estimated.append(optimism_of_choice(losses, list(hits), groups))
    assert np.mean(found) > 0.06
    assert np.mean(estimated) == pytest.approx(np.mean(found), abs=0.02)


def test_without_a_choice_there_is_no_optimism() -> None:
    hits = np.ones(6, bool)
    assert optimism_of_choice([np.zeros(6)], [hits], np.arange(6)) == 0.0
    assert optimism_of_choice([np.zeros(6)] * 3, [hits] * 3, np.arange(6)) == pytest.approx(0.0, abs=1e-12)
