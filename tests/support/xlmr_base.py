"""XLM-R base as its description alone: sizes and shapes, for what is computed from them without the weights."""

from __future__ import annotations

from math import prod
from pathlib import Path

from ltp.backbone.architecture import Architecture, expected_shapes
from ltp.backbone.manifest import BackboneInfo

ARCHITECTURE = Architecture(
    vocabulary=250_002,
    hidden=768,
    layers=12,
    heads=12,
    intermediate=3072,
    positions=514,
    types=1,
    pad=1,
    norm_epsilon=1e-5,
    activation="gelu",
    dropout=0.1,
    attention_dropout=0.1,
)
SHAPES = expected_shapes(ARCHITECTURE)
XLMR_BASE = BackboneInfo(
    name="xlm-roberta-base",
    directory=Path("nowhere"),
    fingerprint="b" * 64,
    architecture=ARCHITECTURE,
    layers=ARCHITECTURE.layers,
    hidden=ARCHITECTURE.hidden,
    vocabulary=ARCHITECTURE.vocabulary,
    parameters=sum(prod(shape) for shape in SHAPES.values()),
    learning_rate=2e-5,
    max_positions=ARCHITECTURE.max_positions,
    checked=True,
    shapes=SHAPES,
)
