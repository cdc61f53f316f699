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
