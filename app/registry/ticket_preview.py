"""What a ticket would cost before it is made: active parameters, layer by layer, and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

from app.errors import NotReadyYet
from app.registry.drifts import MAGNITUDES
from app.storage.models import DriftRow
from ltp.backbone.layers import EMBEDDINGS
from ltp.config import TicketConfig
from ltp.ticket.preview import Magnitudes, Preview, preview

CODE_BYTES, VALUE_BYTES = 1 + 2 / 64, 2
"""Of an adapter's changed value: in int8 with its part of a scale, and in fp16."""


@dataclass(frozen=True)
class TicketPreview:
    """What a ticket would be; `layers` are those of the drift, and nothing where a release before made it."""

    active: int
    selectable: int
    moved: int
    zero_drift: int
    layers: dict[int, tuple[int, int]] | None
    """Active and selectable parameters of each; 0 are the embeddings."""
    mask_bytes: int
    stored_mask_bytes: int
    adapter_least: int
    adapter_most: int


def of_drift(drift: DriftRow, config: TicketConfig) -> TicketPreview:
    """Tell what a ticket selected from a drift would be.

    Raises:
        NotReadyYet: the drift is not published; or a release before measured it, which kept no more than how many
            parameters there are, and part of the layers is asked for.
        InvalidConfig: the layers are not the backbone's.
    """
    if drift.status != "ready":
        raise NotReadyYet(f"drift {drift.id} is {drift.status}; it must be ready")
    kept = (drift.report or {}).get(MAGNITUDES)
    if kept:
        layers = [Magnitudes.read(each) for each in kept]
        return _described(preview(layers, config), {each.layer: each.size for each in layers})
    if config.layers != "all":
        told = "was measured by a release that did not keep how its layers moved"
        raise NotReadyYet(f"drift {drift.id} {told}; leave `layers` out, or make the ticket and look at it")
    selectable, moved = drift.selectable or 0, drift.moved or 0
    active = round(config.active_ratio * selectable)
    return TicketPreview(
        active=active,
        selectable=selectable,
        moved=moved,
        zero_drift=max(0, active - moved),
        layers=None,
        mask_bytes=-(-selectable // 8),
        stored_mask_bytes=_packed(active, selectable),
        adapter_least=0,
        adapter_most=VALUE_BYTES * active,
    )


def _described(found: Preview, sizes: dict[int, int]) -> TicketPreview:
    with_mask = {layer: active for layer, active in found.by_layer.items() if active}
    return TicketPreview(
        active=found.active,
        selectable=found.selectable,
        moved=found.moved,
        zero_drift=found.zero_drift,
        layers={layer: (active, sizes[layer]) for layer, active in found.by_layer.items()},
        mask_bytes=sum(-(-sizes[layer] // 8) for layer in with_mask),
        stored_mask_bytes=sum(_packed(active, sizes[layer]) for layer, active in with_mask.items()),
        adapter_least=round(CODE_BYTES * (found.active - found.by_layer.get(EMBEDDINGS, 0))),
        adapter_most=VALUE_BYTES * found.active,
    )


def _packed(active: int, size: int) -> int:
    """Bytes that so many bits take compressed: what their entropy says, which compression hardly beats."""
    share = active / size if size else 0.0
    if share in (0.0, 1.0):
        return 0
    return round(size * -(share * log2(share) + (1 - share) * log2(1 - share)) / 8)
