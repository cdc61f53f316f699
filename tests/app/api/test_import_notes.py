"""What an export's notes may say of scores: whatever training here writes, and nothing that contradicts itself."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from app.api.import_notes import ImportNotes, read_notes
from app.api.schemas.adapters import ImportRequest
from ltp.adapter.crossfit.figures import quality
from ltp.adapter.crossfit.judged import Judged
from ltp.errors import CorruptArtifact


def read(dev: dict[str, Any]) -> ImportNotes:
    return read_notes(json.dumps({"lang": "sw", "metrics": {"dev": dev}}), ImportRequest())


def flawless() -> dict[str, Any]:
    """Out-of-fold answers that are all right, after a choice that flatters."""
    labels = np.arange(48) % 3
    judged = Judged(np.arange(48), labels, np.arange(48) // 3)
    return quality(5.0 * np.eye(3)[labels], judged, "three_way", optimism=0.02, moved=1.0)


def test_a_cross_fitted_score_comes_along_whose_interval_lies_below_it() -> None:
    dev = flawless()
    assert dev["interval"][1] < dev["accuracy"] == 1
    kept = read(dev).metrics.dev
    assert kept is not None
    assert (kept.accuracy, kept.interval) == (1, dev["interval"])


def test_an_interval_that_cannot_be_is_refused() -> None:
    dev = flawless()
    with pytest.raises(CorruptArtifact, match="does not hold the accuracy"):
        read(dev | {"estimated": None})
    with pytest.raises(CorruptArtifact, match="ends before it begins"):
        read(dev | {"interval": dev["interval"][::-1]})
