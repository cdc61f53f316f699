"""How fast the engine is taken to be before there was a full batch, and after."""

import pytest

from app.inference.throughput import COUNTED_ON, TELLING, Throughput

BUDGET = 1600


def paced(*batches: tuple[float, float]) -> float:
    """Tokens a second by batches of so many tokens and seconds; 0 while nothing is known."""
    moment = 0.0
    throughput = Throughput(clock=lambda: moment)
    for tokens, seconds in batches:
        throughput.begin(int(tokens), budget=BUDGET)
        moment += seconds
        throughput.finish()
    wait = throughput.seconds(BUDGET)
    return BUDGET / wait / COUNTED_ON if wait else 0


def test_an_overrun_that_comes_before_any_full_batch_is_bounded_by_the_pace_of_smaller_ones() -> None:
    assert paced((TELLING * BUDGET - 1, 1)) == 0
    assert paced((TELLING * BUDGET, 1)) == pytest.approx(100)
    assert paced((TELLING * BUDGET, 1), (200, 1)) == pytest.approx(200)


def test_full_batches_are_averaged_and_smaller_ones_can_only_show_more() -> None:
    assert paced((BUDGET, 1), (10, 1)) == pytest.approx(1600)
    assert paced(*40 * [(BUDGET, 2.0)]) == pytest.approx(800)
    assert paced((BUDGET, 1), *40 * [(BUDGET, 2.0)]) == pytest.approx(800, rel=0.01)
