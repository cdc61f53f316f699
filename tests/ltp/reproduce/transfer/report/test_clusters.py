"""Intervals over premises and seeds: as wide as these differ, the same draws for all that is compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltp.reproduce.data.suite import Suite
from ltp.reproduce.report.statistics import compare, interval
from ltp.reproduce.transfer.report.clusters import PremiseBootstrap, clusters_of

PREMISES, A_PREMISE = 200, 3


def bootstrap() -> PremiseBootstrap:
    rows = np.repeat(np.arange(PREMISES), A_PREMISE)
    return PremiseBootstrap({"quy": rows, "aym": rows})


def test_rows_of_a_premise_are_one_cluster_in_every_language(data: Path) -> None:
    suite = Suite(data, "americasnli")
    clusters = clusters_of([suite.file("test", language) for language in ("quy", "aym")], 30)

    assert clusters["quy"].tolist() == np.repeat(np.arange(10), 3).tolist() == clusters["aym"].tolist()


def test_an_interval_is_as_wide_as_premises_that_stand_together_make_it() -> None:
    generator = np.random.default_rng(0)
    apart = generator.random(PREMISES * A_PREMISE) < 0.5
    together = np.repeat(generator.random(PREMISES) < 0.5, A_PREMISE)
    widths = []
    for right in (apart, together):
        found = interval(bootstrap().replicates([{"quy": right}]))
        assert found.low < right.mean() < found.high
        widths.append(found.high - found.low)
    wanted = 2 * 1.96 * 0.5 / np.sqrt(PREMISES)
    assert widths[1] == pytest.approx(wanted, rel=0.05)
    assert widths[0] == pytest.approx(wanted / np.sqrt(A_PREMISE), rel=0.1)


def test_seeds_that_differ_widen_an_interval_by_their_standard_error() -> None:
    right = [np.full(PREMISES * A_PREMISE, False) for _ in range(3)]
    for seed, share in enumerate((0.4, 0.5, 0.6)):
        right[seed][: int(share * len(right[seed]))] = True
    of_all = bootstrap().replicates([{"quy": each} for each in right])
    of_one = bootstrap().replicates([{"quy": np.stack(right).mean(0)}])  # type: ignore[dict-item]
    assert np.std(of_all) ** 2 - np.std(of_one) ** 2 == pytest.approx(0.1**2 / 3, rel=0.1)


def test_languages_count_alike_and_seeds_do() -> None:
    true, false = np.full(PREMISES * A_PREMISE, True), np.full(PREMISES * A_PREMISE, False)
    runs = [{"quy": true, "aym": false}, {"quy": true, "aym": false}]
    assert bootstrap().replicates(runs) == pytest.approx(np.full(10_000, 0.5))


def test_a_difference_on_the_same_pairs_is_surer_than_either_figure() -> None:
    generator = np.random.default_rng(1)
    one = generator.random(PREMISES * A_PREMISE) < 0.5
    other = one.copy()
    other[np.flatnonzero(~one)[:20]] = True
    figures = [("a", bootstrap().replicates([{"quy": each}]), float(each.mean())) for each in (other, one)]
    told = compare(*figures)
    assert told.difference == pytest.approx(20 / (PREMISES * A_PREMISE))
    assert told.interval.low > 0
    assert told.p < 0.01
