"""Temperature and bias: bounded, fp32, and applied as written."""

import math

import numpy as np
import pytest

from ltp.calibration import Calibration
from ltp.errors import InvalidConfig


def test_logits_are_divided_and_moved_in_their_own_arithmetic() -> None:
    calibration = Calibration(2.0, (0.5, 0.0, -0.5))
    for dtype in (np.float32, np.float64):
        logits = np.array([[2, 4, 6], [0, -2, 1]], dtype)
        found = calibration.apply(logits)
        assert found.dtype == dtype
        assert found.tolist() == [[1.5, 2.0, 2.5], [0.5, -1.0, 0.0]]


def test_its_numbers_are_fp32_ones() -> None:
    calibration = Calibration(1.1, (0.1, -0.1))
    assert calibration.temperature == float(np.float32(1.1)) != 1.1
    assert calibration.bias == (float(np.float32(0.1)), float(np.float32(-0.1)))
    assert Calibration(calibration.temperature, calibration.bias) == calibration


@pytest.mark.parametrize("temperature", [0.0, -1.0, 0.01, 64.5, math.inf, math.nan])
def test_temperatures_that_answer_nothing_are_refused(temperature: float) -> None:
    with pytest.raises(InvalidConfig, match=r"temperature is .* from 0\.015625 to 64"):
        Calibration(temperature, (0.0, 0.0))
    assert [Calibration(most, (64.0, -64.0)).temperature for most in (2.0**-6, 2.0**6)] == [2.0**-6, 2.0**6]


@pytest.mark.parametrize("bias", [math.inf, -math.inf, math.nan, 64.1, -65.0])
def test_biases_that_decide_alone_are_refused(bias: float) -> None:
    with pytest.raises(InvalidConfig, match="bias is"):
        Calibration(1.0, (0.0, bias))
