"""Adapters made up for measurements of speed: random tickets and values, in the shapes that training gives them."""

from __future__ import annotations

from math import prod

import numpy as np
import torch

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.architecture import EMBEDDING_MATRICES, WORD_EMBEDDINGS, layer_of
from ltp.backbone.layers import layers_in
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import STRATEGIES
from ltp.config import LayerScope
from ltp.delta.delta import Delta
from ltp.ticket.mask import Ticket, active_in_rows

ROWS = 500
"""Rows of the word embeddings that move: about as many tokens as the examples of a few-shot set have."""
EXPONENT = 20
"""Of the values' unit, 2**-20: small against a weight, as trained changes are."""


def ticket(backbone: Backbone, ratio: float, *, scope: LayerScope = "all", seed: int = 0) -> Ticket:
    """Each parameter of a scope active with probability `ratio`; of the word embeddings those of `ROWS` rows only."""
    generator = np.random.default_rng(seed)
    layers, masks = layers_in(scope, backbone.info.layers), {}
    shapes = STRATEGIES["decoupled"].selectable_shapes(backbone.shapes)
    for name, shape in shapes.items():
        if layer_of(name) in layers:
            active = np.zeros(shape, bool)
            rows = generator.choice(shape[0], ROWS, replace=False) if name == WORD_EMBEDDINGS else slice(None)
            active[rows] = generator.random(active[rows].shape, np.float32) < ratio
            masks[name] = np.packbits(active.reshape(-1), bitorder="little")
    size = sum(prod(shapes[name]) for name in masks)
    return Ticket(masks, shapes, size, size, 0, "decoupled", backbone.info.fingerprint)


def adapter(backbone: Backbone, on: Ticket, *, seed: int) -> Adapter:
    """Random changes at every active position, stored as fp16."""
    generator = np.random.default_rng(seed)
    values: dict[str, torch.Tensor] = {}
    rows: dict[str, torch.Tensor] = {}
    for name, count in on.counts.items():
        values[name] = torch.from_numpy(generator.integers(-1000, 1000, count, np.int16).astype(np.float16))
        if name in EMBEDDING_MATRICES:
            every = torch.arange(on.shapes[name][0])
            rows[name] = every[torch.from_numpy(active_in_rows(on, name, every).any(1))]
    return Adapter(
        prompt=torch.from_numpy(generator.standard_normal((4, backbone.info.hidden), np.float32)),
        delta=Delta(values, dict.fromkeys(values, EXPONENT), rows),
        method="ltp",
        strategy="decoupled",
        backbone=backbone.info.fingerprint,
        ticket_sha256=on.sha256,
        template=TemplateOptions(literal=False, max_length=256),
    )
