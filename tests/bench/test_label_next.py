"""The stand-in for training: what reads a vector is fitted to labels, no premise is on both sides, a gain is found."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.synthetic import pairs

from bench.label_next import FIRST, STEPS, Vectors, curve, fitted, halves, interval
from ltp.config import LABELS
from ltp.text.examples import Example, shared_premises


def vectors(premises: int = 120) -> Vectors:
    """Pairs whose first three features give the label away, and a start that reads nothing."""
    examples = [Example(f"premise {n // 3}", f"hypothesis {n}", LABELS[n % 3]) for n in range(3 * premises)]
    features = torch.randn(len(examples), 8, generator=torch.Generator().manual_seed(0))
    features[:, :3] += 3 * torch.eye(3)[torch.arange(len(examples)) % 3]
    return Vectors(examples, features, torch.zeros(3, 9))


def test_halves_share_no_premise_and_leave_nothing_out() -> None:
    own = vectors()
    pool, scored, premises = halves(own.examples, seed=1)

    assert sorted([*pool, *scored]) == list(range(len(own.examples)))
    assert not shared_premises([own.examples[each] for each in pool], [own.examples[each] for each in scored])
    assert len(premises) == len(scored)
    assert premises.max() + 1 == 60
    assert halves(own.examples, seed=2)[0] != pool


def test_what_is_fitted_reads_the_labels() -> None:
    own = vectors()
    output = fitted(own, list(range(60)))
    answers = torch.cat([own.features, torch.ones(len(own.features), 1)], 1) @ output.T

    assert (answers.argmax(1) == own.truth).float().mean() > 0.9


@pytest.mark.slow
def test_both_ways_begin_from_the_same_labels() -> None:
    own = vectors()
    pool, scored, _ = halves(own.examples, seed=0)
    auto, at_random = (curve(own, pool, scored, strategy, 0) for strategy in ("uncertain", "random"))

    assert len(auto) == len(at_random) == 1 + len(STEPS)
    assert np.array_equal(auto[0], at_random[0]), f"the first {FIRST} are the same"
    assert not all(np.array_equal(one, other) for one, other in zip(auto[1:], at_random[1:], strict=True))
    assert auto[-1].mean() >= auto[0].mean()


def test_an_interval_holds_the_mean_and_narrows_with_premises() -> None:
    generator = np.random.default_rng(0)
    widths = []
    for premises in (20, 200):
        groups = [np.repeat(np.arange(premises), 3) for _ in range(5)]
        gaps = [generator.choice([-1.0, 0.0, 1.0], 3 * premises) for _ in groups]
        low, high = interval(gaps, groups)
        assert low < np.mean([gap.mean() for gap in gaps]) < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_pairs_have_the_labels_that_are_read() -> None:
    examples = pairs(6, seed=0)
    assert Vectors(examples, torch.zeros(6, 2), torch.zeros(3, 3)).truth.tolist() == [0, 1, 2, 0, 1, 2]
