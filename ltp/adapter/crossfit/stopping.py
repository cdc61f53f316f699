"""When training stops: by the mean loss of all folds' held-out pairs, which is less noisy than one fold's. No torch."""

from __future__ import annotations

from collections.abc import Sequence

STARTED_EPOCHS = 8
"""Epochs from an adapter where none are named: of few pairs the loss is lowest after four to six."""
LEAST_PATIENCE, SHARE = 2, 6
"""Epochs without a lower loss before training stops: a sixth of those allowed, two at least."""
TRIAL = 2
"""Epochs in which each rate of a grid shows what it does; the best goes on."""
GRID = (1 / 3, 1.0, 3.0)
"""Rates that `learning_rate: auto` tries, as factors of the usual one."""


def patience_of(epochs: int) -> int:
    """Epochs without a lower loss after which a run of at most `epochs` stops."""
    return max(LEAST_PATIENCE, epochs // SHARE)


def best_epoch(losses: Sequence[float]) -> int:
    """The epoch, from 1, with the lowest loss; `losses[0]` is that of the start, or infinite where there is none."""
    return min(range(1, len(losses)), key=lambda epoch: losses[epoch])


def is_over(losses: Sequence[float], *, epochs: int) -> bool:
    """Tell whether training stops after these losses: all epochs are done, or it was patient for long enough."""
    done = len(losses) - 1
    lowest = min(range(len(losses)), key=lambda epoch: losses[epoch])
    return done >= epochs or done - lowest >= patience_of(epochs)
