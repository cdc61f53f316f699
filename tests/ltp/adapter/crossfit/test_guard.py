"""What is published is the smallest step that the noise allows."""

import numpy as np
import pytest

from ltp.adapter.crossfit.clusters import Floats, standard_error
from ltp.adapter.crossfit.guard import WEIGHTS, Candidate, Choice, choose, loss_of

PREMISES = np.repeat(np.arange(32), 3)
LABELS = np.tile(np.arange(3), 32)


def answers(strength: float, *, noise: int = 0) -> Floats:
    """Logits that speak for the truth by `strength`, beside noise that all candidates share, and some of their own."""
    common = np.random.default_rng(100).normal(size=(96, 3))
    own = 0.4 * np.random.default_rng(noise).normal(size=(96, 3))
    return common + own + strength * np.eye(3)[LABELS]


def chosen(*strengths: float) -> Choice:
    candidates = [
        Candidate(weight, answers(each, noise=number))
        for number, (weight, each) in enumerate(zip(WEIGHTS, strengths, strict=True))
    ]
    return choose(candidates, LABELS, PREMISES)


def test_what_is_clearly_better_is_published() -> None:
    choice = chosen(0.0, 0.5, 1.0, 1.5, 2.0)
    assert choice.index == 4
    assert choice.candidates[4]["loss"] < choice.candidates[0]["loss"]
    assert choice.why.startswith("trained is published")


def test_a_loss_sends_one_back_to_the_start() -> None:
    choice = chosen(1.0, 0.8, 0.6, 0.4, 0.2)
    assert choice.index == 0
    assert choice.why.startswith("start is published")


def test_a_gain_within_the_noise_is_not_enough() -> None:
    choice = choose([Candidate(0.0, answers(1.0)), Candidate(1.0, answers(1.03, noise=2))], LABELS, PREMISES)
    start, trained = choice.candidates
    assert trained["loss"] < start["loss"]
    assert start["behind"] <= start["standard_error"]
    assert choice.index == 0
    assert "smallest step" in choice.why


def test_one_standard_error_is_where_the_noise_ends() -> None:
    seen = set()
    for hundredth in range(100, 180, 4):
        both = [Candidate(0.0, answers(1.0)), Candidate(1.0, answers(hundredth / 100, noise=2))]
        choice = choose(both, LABELS, PREMISES)
        start = choice.candidates[0]
        errors = start["behind"] / start["standard_error"] if start["standard_error"] else 0.0
        assert choice.index == int(errors > 1), (hundredth, errors)
        seen.add(round(errors))
    assert {1, 2} <= seen, "also steps that are little more than that better"


def test_of_one_premise_nothing_is_known_and_the_best_is_taken() -> None:
    both = [Candidate(0.0, answers(1.0)), Candidate(1.0, answers(1.5, noise=2))]
    choice = choose(both, LABELS, np.zeros(96, int))
    assert (choice.index, choice.candidates[0]["standard_error"]) == (1, None)


def test_of_steps_that_are_alike_the_smallest_is_taken() -> None:
    assert chosen(0.0, 1.7, 1.6, 1.6, 1.5).index == 1


def test_boldness_is_neither_punished_nor_rewarded() -> None:
    logits = answers(1.0)
    assert loss_of(5 * logits, LABELS).mean() == pytest.approx(loss_of(logits, LABELS).mean(), abs=2e-2)
    assert choose([Candidate(0.0, logits), Candidate(1.0, 5 * answers(3.0))], LABELS, PREMISES).index == 1


def test_without_a_start_there_is_no_choice_and_the_report_says_so() -> None:
    choice = choose([Candidate(1.0, answers(0.0))], LABELS, PREMISES)
    assert choice.index == 0
    assert "pretrained values" in choice.why


def test_pairs_of_one_premise_count_as_less() -> None:
    alike = np.repeat(np.random.default_rng(0).normal(size=32), 3)
    assert standard_error(alike, PREMISES) == pytest.approx(np.sqrt(3) * standard_error(alike, np.arange(96)), rel=0.02)
    assert standard_error(alike, np.zeros(96, int)) == np.inf
