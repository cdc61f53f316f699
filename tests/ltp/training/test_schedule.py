"""How the learning rate changes from step to step."""

from __future__ import annotations

import pytest

from ltp.training.schedule import rate_factor


def test_a_constant_rate_stays() -> None:
    assert [rate_factor("constant", step, 10) for step in range(10)] == [1.0] * 10


def test_a_linear_rate_rises_and_falls_to_nearly_nothing() -> None:
    factors = [rate_factor("linear", step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(1 / 6)
    assert factors.index(max(factors)) == 5
    assert max(factors) == pytest.approx(0.95)
    assert factors[5:] == sorted(factors[5:], reverse=True)
    assert factors[-1] == pytest.approx(0.01)


def test_a_single_step_is_taken_at_the_full_rate() -> None:
    assert rate_factor("linear", 0, 1) == 1.0
