"""What a ticket would be, told without the drift: the whole exactly, each layer to within what lies in one bin."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ltp.backbone.architecture import TYPE_EMBEDDINGS, WORD_EMBEDDINGS
from ltp.config import LayerScope, Rule, TicketConfig
from ltp.drift.stored import Drift
from ltp.errors import InvalidConfig
from ltp.ticket.preview import Magnitudes, preview
from ltp.ticket.selection import magnitudes, select

LAYERS = 12


def drift(*, seed: int = 0, zero: float = 0.2) -> Drift:
    """One of twelve layers, each of which moved further than the one below; a share of the values did not."""
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {WORD_EMBEDDINGS: (400, 8), TYPE_EMBEDDINGS: (1, 8)}
    shapes |= {f"roberta.encoder.layer.{layer}.output.dense.weight": (50, 8 + layer) for layer in range(LAYERS)}
    values, rows = {}, {}
    for number, (name, shape) in enumerate(shapes.items()):
        kept = np.arange(0, shape[0], 2) if "embeddings" in name else np.arange(shape[0])
        if "embeddings" in name:
            rows[name] = torch.from_numpy(kept)
        moved = np.exp(rng.normal(number / 4, 1, (len(kept), *shape[1:]))) * (rng.random((len(kept), 1)) >= zero)
        values[name] = torch.from_numpy(moved.astype(np.float16))
    return Drift(values, rows, 0, "decoupled", "f" * 64, dict(sorted(shapes.items())))


def kept(measured: Drift) -> list[Magnitudes]:
    """What a registry keeps of it, read back."""
    return [Magnitudes.read(each) for each in json.loads(json.dumps([each.as_dict() for each in magnitudes(measured)]))]


@pytest.mark.parametrize("rule", ["global", "per_layer"])
@pytest.mark.parametrize("layers", ["all", "upper", (2, 11, 5)])
@pytest.mark.parametrize("ratio", [0.001, 0.05, 0.2, 0.6, 0.95, 1.0])
def test_it_tells_what_selecting_gives(ratio: float, layers: LayerScope | tuple[int, ...], rule: Rule) -> None:
    measured, config = drift(), TicketConfig(active_ratio=ratio, rule=rule, layers=layers)
    ticket, told = select(measured, config), preview(kept(measured), config)
    assert (told.selectable, told.moved, told.active) == (ticket.selectable, ticket.moved, ticket.active)
    assert told.zero_drift == ticket.zero_drift
    for row, (layer, active) in zip(ticket.distribution(), sorted(told.by_layer.items()), strict=True):
        assert row["layer"] == (layer or "embeddings")
        assert active == pytest.approx(row["active"], abs=0 if rule == "per_layer" or told.zero_drift else 25)


def test_what_never_moved_is_taken_by_the_names_of_tensors() -> None:
    measured = drift(zero=1.1)
    for ratio in (0.3, 0.7, 0.85, 0.97):
        config = TicketConfig(active_ratio=ratio)
        told = preview(kept(measured), config)
        assert told.zero_drift == told.active
        assert [row["active"] for row in select(measured, config).distribution()] == list(told.by_layer.values())


def test_layers_that_are_not_there_are_refused() -> None:
    with pytest.raises(InvalidConfig, match="13"):
        preview(kept(drift()), TicketConfig(layers=(13,)))


def test_what_is_kept_is_small() -> None:
    assert len(json.dumps([each.as_dict() for each in magnitudes(drift(seed=3))])) < 16_000
