"""The pairs that an adapter is scored on, with what it answered: kept with it, and told how far they can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.registry import answers
from ltp import answered_share
from ltp.config import LABEL_SPACES
from ltp.text.examples import Example

if TYPE_CHECKING:
    from ltp.adapter.judgement import Judgement


@dataclass(frozen=True)
class Judged:
    """Each pair has its line; one that came in a request has its place there."""

    examples: Sequence[Example]
    judgement: Judgement

    @classmethod
    def of(
        cls, judgement: Judgement, train: Sequence[Example], dev: Sequence[Example], *, uploaded: Sequence[Example]
    ) -> Judged:
        """Find the pairs that were judged, of those that trained or were held out, among those that were uploaded."""
        places = {id(example): place for place, example in enumerate(uploaded, start=1)}
        there = train if judgement.cross_fitted else dev
        found = [there[index] for index in judgement.indices]
        return cls([replace(example, line=example.line or places[id(example)]) for example in found], judgement)

    def write(self, path: Path, *, part: answers.Part, label_space: str) -> None:
        """Write them as the registry keeps them."""
        answers.write(
            path,
            self.examples,
            self.judgement.probabilities.tolist(),
            part=part,
            estimated="cross_fitted" if self.judgement.cross_fitted else None,
            label_space=label_space,  # type: ignore[arg-type]  # checked at intake
        )

    def certainty(self, label_space: str) -> dict[str, Any]:
        """How far the probabilities can be trusted."""
        names = [str(name) for name in LABEL_SPACES[label_space]]  # type: ignore[index]  # checked at intake
        labels = np.array([names.index(str(example.label)) for example in self.examples])
        return answered_share.certainty(self.judgement.probabilities, labels)
