"""An adapter's calibration in its metadata: written only where there is one, so that files without keep their bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from pydantic import TypeAdapter

from ltp import strict_json
from ltp.adapter.recorded_verbalizer import CALIBRATION, recorded_label_space
from ltp.calibration import Calibration
from ltp.config import LABEL_SPACES
from ltp.errors import CorruptArtifact

RECORDED = TypeAdapter(Calibration)


def calibration_facts(calibration: Calibration | None) -> dict[str, str]:
    """Return what the metadata say; nothing where there is none."""
    return {} if calibration is None else {CALIBRATION: json.dumps(asdict(calibration), allow_nan=False)}


def recorded_calibration(file: str, facts: Mapping[str, str]) -> Calibration | None:
    """Return what the metadata say, or None where they say nothing.

    Raises:
        CorruptArtifact: it is no calibration of as many labels as the adapter has.
    """
    if CALIBRATION not in facts:
        return None
    try:
        calibration = strict_json.read(facts[CALIBRATION], RECORDED)
    except ValueError as error:
        raise CorruptArtifact(f"{file}: its calibration cannot be: {error!s:.200}") from error
    labels = LABEL_SPACES[recorded_label_space(file, facts)]
    if len(calibration.bias) != len(labels):
        count = len(calibration.bias)
        raise CorruptArtifact(f"{file}: its calibration has {count} biases, and its labels are {', '.join(labels)}")
    return calibration
