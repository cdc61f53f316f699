"""Fitting a calibration on out-of-fold answers: one temperature and a bias a label. Imports no torch.

Maximum likelihood with a weak prior towards leaving the answers as they are (Platt 1999; Guo et al. 2017, 4), and kept
only where answers of premises that it was not fitted on become more likely.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ltp.adapter.crossfit.clusters import Floats, Groups
from ltp.calibration import Calibration

SHARPNESS_SPREAD, BIAS_SPREAD = 1.0, 0.25
"""The prior's standard deviations: of 1 / temperature around 1, of each bias around 0."""
LEAST_SHARPNESS, MOST_SHARPNESS = 0.02, 20.0
STEPS, SMALL = 50, 1e-10
FOLDS = 10
"""Of premises, for judging whether a calibration helps."""


def log_losses(logits: Floats, labels: NDArray[np.int64]) -> Floats:
    """The cross-entropy of each pair, (N,)."""
    shifted = logits - logits.max(1, keepdims=True)
    return np.asarray(np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(labels)), labels])


def fit(logits: Floats, labels: NDArray[np.int64], *, biases: bool = True) -> Calibration:
    """Fit to (N, K) logits and (N,) labels by Newton's method; the problem is convex. Without `biases`, they are 0."""
    classes = logits.shape[1]
    centred = logits - logits.mean(1, keepdims=True)
    truth = np.eye(classes)[labels]
    spread = np.array([SHARPNESS_SPREAD, *[BIAS_SPREAD if biases else SMALL] * classes])
    usual = np.array([1.0, *[0.0] * classes])
    found = usual.copy()
    for _ in range(STEPS):
        answers = found[0] * centred + found[1:]
        chances = np.exp(answers - answers.max(1, keepdims=True))
        chances /= chances.sum(1, keepdims=True)
        slope, curvature = _derivatives(centred, chances, truth)
        step = np.linalg.solve(curvature + np.diag(spread**-2), slope + (found - usual) / spread**2)
        found -= step * min(1.0, 2.0 / max(np.abs(step).max(), SMALL))
        found[0] = np.clip(found[0], LEAST_SHARPNESS, MOST_SHARPNESS)
        if np.abs(step).max() < SMALL:
            break
    bias = found[1:] - found[1:].mean()
    return Calibration(float(1 / found[0]), tuple(map(float, bias)))


def _derivatives(centred: Floats, chances: Floats, truth: Floats) -> tuple[Floats, Floats]:
    """Slope (1 + K,) and curvature of the summed loss in sharpness and biases."""
    rest = chances - truth
    slope = np.array([(rest * centred).sum(), *rest.sum(0)])
    mean = (chances * centred).sum(1, keepdims=True)
    mixed = (chances * (centred - mean)).sum(0)
    curvature = np.empty((len(slope), len(slope)))
    curvature[0, 0] = (chances * np.square(centred - mean)).sum()
    curvature[0, 1:] = curvature[1:, 0] = mixed
    curvature[1:, 1:] = np.diag(chances.sum(0)) - chances.T @ chances
    return slope, curvature


def cross_fitted(logits: Floats, labels: NDArray[np.int64], groups: Groups, *, biases: bool = True) -> Floats:
    """Calibrate each premise's logits by a fit to the other premises, (N, K)."""
    calibrated = logits.copy()
    premises = int(groups.max()) + 1
    fold = np.random.default_rng(premises).permutation(premises)[groups] % min(FOLDS, premises)
    for number in range(min(FOLDS, premises)):
        held = fold == number
        if not held.all():
            calibrated[held] = fit(logits[~held], labels[~held], biases=biases).apply(logits[held])
    return calibrated


def helpful(logits: Floats, labels: NDArray[np.int64], groups: Groups) -> tuple[Calibration | None, Floats]:
    """Fit a temperature, or biases too, whichever makes other premises' answers likelier; None where neither does.

    With the answers by which to judge it, (N, K): calibrated without their premises.
    """
    best, chosen = logits, None
    for biases in (False, True):
        calibrated = cross_fitted(logits, labels, groups, biases=biases)
        if log_losses(calibrated, labels).mean() < log_losses(best, labels).mean():
            best, chosen = calibrated, biases
    return (None if chosen is None else fit(logits, labels, biases=chosen)), best
