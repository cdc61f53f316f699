"""Means, deviations and the paired bootstrap: against formulas where there are any, and against what must hold."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from ltp.reproduce.report.statistics import Bootstrap, Comparison, Interval, Spread, compare, holm, interval

IDS = {"en": list(range(400)), "es": list(range(400))}


def hits(rate: float, *, seed: int, ids: dict[str, list[int]] = IDS) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {language: generator.random(len(rows)) < rate for language, rows in ids.items()}


def mean(runs: list[dict[str, np.ndarray]]) -> float:
    return float(np.mean([right.mean() for run in runs for right in run.values()]))


def test_a_spread_is_mean_and_sample_deviation() -> None:
    assert Spread.of([0.4, 0.5, 0.9]) == Spread(pytest.approx(0.6), pytest.approx(statistics.stdev([0.4, 0.5, 0.9])), 3)
    assert Spread.of([0.4]) == Spread(0.4, None, 1)


def test_one_seed_and_one_language_give_the_binomial_interval() -> None:
    ids = {"en": list(range(1000))}
    right = {"en": np.arange(1000) < 400}
    found = interval(Bootstrap(ids, seeds=1).replicates([right]))

    reach = 1.96 * (0.4 * 0.6 / 1000) ** 0.5
    assert found.low == pytest.approx(0.4 - reach, abs=0.003)
    assert found.high == pytest.approx(0.4 + reach, abs=0.003)


def test_replicates_centre_on_the_mean_and_seeds_widen_them() -> None:
    runs = [hits(rate, seed=index) for index, rate in enumerate((0.3, 0.5, 0.7))]
    drawn = Bootstrap(IDS, seeds=3).replicates(runs)
    alone = Bootstrap(IDS, seeds=1).replicates(runs[:1])

    assert drawn.mean() == pytest.approx(mean(runs), abs=0.005)
    assert drawn.std() > 3 * alone.std()


def test_parallel_pairs_are_drawn_together() -> None:
    right = np.arange(400) < 160
    both = Bootstrap(IDS, seeds=1).replicates([{"en": right, "es": right}])
    apart = Bootstrap({"en": list(range(400)), "es": list(range(400, 800))}, seeds=1).replicates(
        [{"en": right, "es": right}]
    )

    assert both.std() / apart.std() == pytest.approx(2**0.5, rel=0.05)


def test_languages_count_alike_however_many_pairs_they_have() -> None:
    ids = {"en": list(range(300)), "nah": list(range(100))}
    run = {"en": np.ones(300, bool), "nah": np.zeros(100, bool)}

    assert Bootstrap(ids, seeds=1).replicates([run]).mean() == pytest.approx(0.5, abs=0.005)


def test_a_method_against_itself_and_against_a_better_one() -> None:
    bootstrap = Bootstrap(IDS, seeds=3)
    weak = [hits(0.40, seed=index) for index in range(3)]
    strong = [
        {language: right | (np.random.default_rng(9 + index).random(400) < 0.2) for language, right in run.items()}
        for index, run in enumerate(weak)
    ]
    one, other = (("a", bootstrap.replicates(runs), mean(runs)) for runs in (weak, strong))

    same = compare(one, one)
    assert (same.difference, same.interval, same.p) == (0, Interval(0, 0), 1.0)
    better = compare(other, one)
    assert better.difference > 0.08
    assert better.interval.low > 0
    assert better.p < 0.001
    assert compare(one, other).p == pytest.approx(better.p)


@pytest.mark.slow
def test_the_test_is_honest_where_there_is_no_difference() -> None:
    surprised = 0
    ids = {"en": list(range(150))}
    bootstrap = Bootstrap(ids, seeds=1)
    for trial in range(60):
        pair = [[hits(0.4, seed=2 * trial + which + 1000, ids=ids)] for which in (0, 1)]
        first, second = ((str(which), bootstrap.replicates(runs), mean(runs)) for which, runs in enumerate(pair))
        surprised += compare(first, second).p < 0.05
    assert surprised <= 9


def test_the_same_results_give_the_same_figures() -> None:
    runs = [hits(0.4, seed=0)]

    assert (Bootstrap(IDS, seeds=1).replicates(runs) == Bootstrap(IDS, seeds=1).replicates(runs)).all()


def test_holm_allows_for_the_number_of_comparisons() -> None:
    ps = [0.04, 0.01, 0.03]
    adjusted = holm([Comparison("a", "b", 0.1, Interval(0, 1), p) for p in ps])

    assert [each.p for each in adjusted] == ps
    assert [each.adjusted for each in adjusted] == pytest.approx([0.06, 0.03, 0.06])
    assert holm([]) == []
