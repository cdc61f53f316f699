"""Each method's own best learning rate: tried at one K with one seed, chosen on development data alone.

The paper trains everything at one rate. How well a method does depends on its rate more than on its mask, so a
comparison at one rate compares rates; that is why every method is also trained at its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum
from typing import Any

from ltp.reproduce.plan.cell import Outcome, TrainingCell
from ltp.reproduce.plan.variant import Variant


@dataclass(frozen=True)
class RateScore:
    """How one rate did on the development examples of every language trained on; None where a training diverged."""

    rate: float
    accuracy: float | None
    loss: float | None


@dataclass(frozen=True)
class ChosenRate:
    """The rate that was chosen, and what it was chosen from."""

    rate: float
    scores: tuple[RateScore, ...]

    def facts(self) -> dict[str, Any]:
        """The same as JSON has it."""
        tried = [{"rate": score.rate, "accuracy": score.accuracy, "loss": score.loss} for score in self.scores]
        return {"rate": self.rate, "tried": tried}


@dataclass(frozen=True)
class RateSearch:
    """The trainings by which a method's rate is chosen: for each rate of the grid one a language trained on."""

    setting: str
    variant: Variant
    shots: int
    candidates: Mapping[float, tuple[TrainingCell, ...]]
    fallback: float
    """The rate if there is nothing to choose from: every training diverged, or the grid is empty."""

    @property
    def cells(self) -> list[TrainingCell]:
        """All of them; none where one rate needs no choice."""
        if len(self.candidates) < 2:
            return []
        return [cell for cells in self.candidates.values() for cell in cells]

    def choice(self, outcomes: Mapping[str, Outcome]) -> ChosenRate | None:
        """Highest mean accuracy, then lowest mean loss, then the earlier in the grid; None until all are trained."""
        if any(cell.id not in outcomes for cell in self.cells):
            return None
        if len(self.candidates) < 2:
            return ChosenRate(next(iter(self.candidates), self.fallback), ())
        scores = tuple(_score(rate, [outcomes[cell.id] for cell in cells]) for rate, cells in self.candidates.items())
        ranked = [(score.accuracy, -(score.loss or 0.0), score.rate) for score in scores if score.accuracy is not None]
        best = max(ranked, key=lambda entry: entry[:2], default=(0.0, 0.0, self.fallback))
        return ChosenRate(best[2], scores)


def format_rate(rate: float) -> str:
    """A learning rate as people write it: `2e-5`."""
    mantissa, _, exponent = f"{rate:.6e}".partition("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def _score(rate: float, outcomes: list[Outcome]) -> RateScore:
    if any("diverged" in outcome for outcome in outcomes):
        return RateScore(rate, None, None)
    accuracy, loss = (
        fsum(outcome["dev"][name] for outcome in outcomes) / len(outcomes) for name in ("accuracy", "loss")
    )
    return RateScore(rate, accuracy, loss)
