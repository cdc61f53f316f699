"""How fast the engine is taken to be: by the fastest of the first batches, then by an average that follows."""

import pytest

from app.inference.throughput import COUNTED_ON, FIRST, Throughput

BUDGET = 1000


class Batches:
    """Batches of a full budget, each done after the seconds that are said."""

    def __init__(self) -> None:
        self._now = 0.0
        self.throughput = Throughput(clock=lambda: self._now)

    def take(self, *seconds: float, tokens: int = BUDGET) -> None:
        for each in seconds:
            self.throughput.begin(tokens, budget=BUDGET)
            self._now += each
            self.throughput.finish()

    @property
    def tokens_s(self) -> float:
        return BUDGET / self.throughput.seconds(BUDGET) / COUNTED_ON


def test_nothing_is_known_before_a_full_batch() -> None:
    batches = Batches()
    batches.take(1, tokens=10)
    assert batches.throughput.seconds(BUDGET) == 0


def test_a_first_batch_that_read_adapters_and_compiled_counts_no_longer_once_there_is_a_faster() -> None:
    batches = Batches()
    batches.take(10)
    assert batches.tokens_s == pytest.approx(100)
    batches.take(1)
    assert batches.tokens_s == pytest.approx(1000)
    batches.take(5, 2)
    assert batches.tokens_s == pytest.approx(1000)


def test_later_batches_are_followed_in_both_directions() -> None:
    batches = Batches()
    batches.take(*FIRST * [1.0])
    batches.take(*20 * [2.0])
    assert batches.tokens_s == pytest.approx(500, rel=0.01)
    batches.take(*20 * [0.5])
    assert batches.tokens_s == pytest.approx(2000, rel=0.01)


def test_a_small_batch_can_only_show_that_the_engine_is_faster() -> None:
    batches = Batches()
    batches.take(*FIRST * [1.0])
    batches.take(1, tokens=10)
    assert batches.tokens_s == pytest.approx(1000)
    batches.take(0.01, tokens=100)
    assert batches.tokens_s == pytest.approx(10_000)
