"""How much memory an MLM run takes, told before anything is loaded. Imports no torch."""

from __future__ import annotations

from math import prod

from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.manifest import BackboneInfo
from ltp.backbone.strategy import STRATEGIES, Strategy
from ltp.config import MLMConfig
from ltp.model.footprint import FLOAT, activation_bytes, process_bytes

PART_TOKENS = 2048
"""Padded tokens computed at a time."""
TRAINED = 32
"""Bytes of a value that trains: itself, its gradient, two moments, the best twice while it is replaced, its drift."""


def drift_bytes(backbone: BackboneInfo, *, strategy: Strategy, config: MLMConfig, lines: int) -> int:
    """Estimate the peak memory of the whole process that runs `train_drift` on so many lines, in bytes.

    The text itself is left out: a corpus of a few hundred megabytes adds some of its sizes.
    """
    length = min(config.max_length, backbone.max_positions)
    activations = activation_bytes(backbone, examples=max(1, PART_TOKENS // length), length=length)
    embeddings = backbone.vocabulary * backbone.hidden
    trains = sum(prod(shape) for name, shape in backbone.shapes.items() if STRATEGIES[strategy].trains(name))
    rows = backbone.vocabulary
    if STRATEGIES[strategy].moves_read_rows_only:
        rows = min(rows, lines * length)
    if STRATEGIES[strategy].trains(WORD_EMBEDDINGS):
        trains -= embeddings - rows * backbone.hidden
    validated = 2 * FLOAT * embeddings  # the embeddings as validation reads them, trained rows and frozen ones together
    return process_bytes(backbone) + activations + TRAINED * trains + validated
