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
TRAINED = 24
"""Bytes of a value that trains: itself, its gradient, two moments, the best; at the end the drift takes their place."""


def drift_bytes(
    backbone: BackboneInfo, *, strategy: Strategy, config: MLMConfig, lines: int, characters: int | None = None
) -> int:
    """Estimate the peak memory of the whole process that runs `train_drift` on so many lines, in bytes.

    Without the number of their characters, lines that may be split are taken for short ones. The text itself is left
    out: a corpus of a few hundred megabytes adds some of its sizes.
    """
    length = min(config.max_length, backbone.max_positions)
    activations = activation_bytes(backbone, examples=max(1, PART_TOKENS // length), length=length)
    embeddings = backbone.vocabulary * backbone.hidden
    trains = sum(prod(shape) for name, shape in backbone.shapes.items() if STRATEGIES[strategy].trains(name))
    rows = backbone.vocabulary
    if STRATEGIES[strategy].moves_read_rows_only:
        rows = min(rows, _tokens(config, lines=lines, length=length, characters=characters))
    if STRATEGIES[strategy].trains(WORD_EMBEDDINGS):
        trains -= embeddings - rows * backbone.hidden
    validated = 2 * FLOAT * embeddings  # the embeddings as validation reads them, trained rows and frozen ones together
    return process_bytes(backbone) + activations + TRAINED * trains + validated


def _tokens(config: MLMConfig, *, lines: int, length: int, characters: int | None) -> int:
    """Most tokens that are read: examples full of them, or, of lines that are split, one a character."""
    if config.long_lines == "cut" or characters is None:
        return lines * length
    return characters + 2 * lines  # `<s>` and `</s>` of further examples are rows that the first has read already
