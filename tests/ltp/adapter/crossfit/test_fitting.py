"""A calibration is found where there is one to find, and left out where it would not help."""

import numpy as np
import pytest

from ltp.adapter.crossfit.clusters import Floats
from ltp.adapter.crossfit.figures import chances
from ltp.adapter.crossfit.fitting import cross_fitted, fit, helpful, log_losses
from ltp.metrics import expected_calibration_error

PAIRS = 600
PREMISES = np.repeat(np.arange(PAIRS // 3), 3)


def drawn(seed: int, pairs: int = PAIRS) -> tuple[Floats, np.ndarray]:
    """Logits that mean what they say, and labels drawn by them."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.normal(size=(pairs, 3))
    labels = np.array([rng.choice(3, p=row) for row in chances(logits)])
    return logits - logits.mean(1, keepdims=True), labels


def test_temperature_and_biases_are_found() -> None:
    logits, labels = drawn(0, 6000)
    found = fit(3.0 * (logits - np.array([0.5, 0.0, -0.5])), labels)
    assert found.temperature == pytest.approx(3.0, rel=0.1)
    assert found.bias == pytest.approx((0.5, 0.0, -0.5), abs=0.1)
    assert sum(found.bias) == pytest.approx(0.0, abs=1e-6)


def test_it_is_where_the_likelihood_is_highest() -> None:
    logits, labels = drawn(1)
    found = fit(2.0 * logits, labels)
    best = log_losses(found.apply(2.0 * logits), labels).sum()
    for change in (0.9, 1.1):
        other = type(found)(found.temperature * change, found.bias)
        assert log_losses(other.apply(2.0 * logits), labels).sum() > best


def test_answers_that_are_too_bold_become_calibrated_and_stay_the_same_answers() -> None:
    logits, labels = drawn(2)
    found, judged = helpful(4.0 * logits, labels, PREMISES)
    assert found is not None
    assert found.temperature > 2
    errors = [
        expected_calibration_error(chances(each).max(1), each.argmax(1) == labels) for each in (4.0 * logits, judged)
    ]
    assert errors[1] < errors[0] / 2


def test_answers_that_mean_what_they_say_are_mostly_left_alone() -> None:
    kept = []
    for seed in range(20):
        logits, labels = drawn(seed)
        found, judged = helpful(logits, labels, PREMISES)
        if found is None:
            assert judged is logits
        else:
            assert log_losses(judged, labels).mean() < log_losses(logits, labels).mean()
        kept.append(found is None)
    assert sum(kept) >= 8


def test_a_premise_is_judged_without_itself() -> None:
    logits, labels = drawn(3)
    before = cross_fitted(logits, labels, PREMISES)
    changed = labels.copy()
    changed[:3] = (labels[:3] + 1) % 3
    after = cross_fitted(logits, changed, PREMISES)
    assert np.array_equal(before[:3], after[:3])
    assert not np.array_equal(before, after)


@pytest.mark.parametrize("pairs", [2, 3, 12])
def test_few_pairs_give_a_calibration_within_bounds(pairs: int) -> None:
    labels = np.arange(pairs) % 2
    for sharpness in (0.0, 1e-3, 100.0):
        found = fit(sharpness * np.eye(2)[labels], labels)
        assert 0.04 < found.temperature < 60
        assert np.abs(found.bias).max() < 3
        helpful(sharpness * np.eye(2)[1 - labels], labels, np.arange(pairs))
