"""What is published: the start, what was trained, or a mean of both, by a rule that counts the noise. No torch.

A few pairs can do harm, and a difference that their noise explains is no reason to move. So the candidates lie on the
way from the start to what was trained, and of those that cannot be told from the best the smallest step is taken: the
rule of one standard error (Breiman et al. 1984, 3.4.3), that of paired differences, clustered by premise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.adapter.crossfit.clusters import Floats, Groups, standard_error
from ltp.adapter.crossfit.fitting import fit, log_losses

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of what was trained, in its mean with the start; 0 is the start itself."""
ERRORS = 1.0
"""Standard errors within which a candidate cannot be told from the best."""


@dataclass(frozen=True)
class Candidate:
    """`logits` (N, K) are its out-of-fold answers, `weight` how far from the start it lies."""

    weight: float
    logits: Floats

    @property
    def name(self) -> str:
        """What a report calls it."""
        if self.weight in (0.0, 1.0):
            return "trained" if self.weight else "start"
        return f"start + {self.weight:g} (trained - start)"


@dataclass(frozen=True)
class Choice:
    """The candidate that is published, by its `index`; every one's figures, and why it is that one."""

    index: int
    candidates: list[dict[str, Any]]
    why: str


def loss_of(logits: Floats, labels: NDArray[np.int64]) -> Floats:
    """Log loss of each pair, (N,), at the temperature that suits the answers best.

    What is published is calibrated afterwards: training that only made answers more careful is no gain, and one that
    answers better and too boldly is.
    """
    return log_losses(logits / fit(logits, labels, biases=False).temperature, labels)


def choose(candidates: Sequence[Candidate], labels: NDArray[np.int64], groups: Groups) -> Choice:
    """Take the smallest step whose mean loss lies within one standard error of the best; `candidates` by weight."""
    losses = [loss_of(candidate.logits, labels) for candidate in candidates]
    best = int(np.argmin([loss.mean() for loss in losses]))
    behind = [float((loss - losses[best]).mean()) for loss in losses]
    errors = [standard_error(loss - losses[best], groups) for loss in losses]
    index = next(number for number in range(len(losses)) if number == best or _near(behind[number], errors[number]))
    figures = [
        {
            "name": candidate.name,
            "weight": candidate.weight,
            "loss": float(loss.mean()),
            "accuracy": float((candidate.logits.argmax(1) == labels).mean()),
            "behind": behind[number],
            "standard_error": errors[number] if np.isfinite(errors[number]) else None,
        }
        for number, (candidate, loss) in enumerate(zip(candidates, losses, strict=True))
    ]
    return Choice(index, figures, _why(figures, index, best))


def _near(behind: float, error: float) -> bool:
    return bool(np.isfinite(error)) and behind <= ERRORS * error


def _why(figures: Sequence[dict[str, Any]], index: int, best: int) -> str:
    chosen, leader, start = figures[index], figures[best], figures[0]
    lost = f"log loss {chosen['loss']:.3f} out of fold"
    if len(figures) == 1:
        return f"what was trained is published ({lost}): it began from pretrained values, with which it is not compared"
    beside = "" if index == 0 else f", the start's {start['loss']:.3f}"
    if index == best == 0:
        return f"{chosen['name']} is published ({lost}): no step towards what was trained is better"
    if index == best:
        return (
            f"{chosen['name']} is published ({lost}{beside}): it is the best, and every smaller step is worse by more"
            " than the noise of these pairs"
        )
    return (
        f"{chosen['name']} is published ({lost}{beside}): {leader['name']} has {leader['loss']:.3f}, which is"
        f" {chosen['behind']:.3f} less, with a standard error of {chosen['standard_error']:.3f}; of what cannot be told"
        " apart the smallest step is taken"
    )
