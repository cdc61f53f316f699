"""A ticket: one bit for each parameter of the backbone, and the file it travels in.

A mask is packed eight parameters a byte, little bit order, zero-padded; tensors without an active entry are left out.
The file is safetensors, one uint8 tensor a parameter, with everything else in the metadata.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from torch import Tensor

from ltp import strict_json, tensorfile
from ltp.backbone.architecture import Shapes, layer_of
from ltp.backbone.layers import EMBEDDINGS, count_layers
from ltp.backbone.manifest import BackboneInfo
from ltp.backbone.strategy import STRATEGIES, Strategy
from ltp.compute.cuda.masks import places
from ltp.compute.kernel import bits_before, bits_set
from ltp.compute.threads import parallel_map
from ltp.config import TicketConfig
from ltp.errors import BackboneMismatch, CorruptArtifact

FORMAT, VERSION = "ltp-ticket", 1
COUNTS = TypeAdapter(tuple[strict_json.Count, strict_json.Count, strict_json.Count])
CONFIG = TypeAdapter(TicketConfig)
COUNTED_ROWS = 256
"""Rows of a matrix whose active entries are counted at a time."""
BLOCK = 1 << 15
"""Mask bytes handled at a time; unpacked to positions they take up to two megabytes."""


@dataclass(frozen=True, eq=False)
class Ticket:
    """Which parameters are active.

    `masks` maps names, sorted by code point, to packed bits; `shapes` holds every parameter that the strategy leaves
    unfrozen, in or out of scope. `selectable` and `moved` count the scope; `zero_drift` of the active ones never moved.
    """

    masks: dict[str, NDArray[np.uint8]]
    shapes: Shapes
    selectable: int
    moved: int
    zero_drift: int
    strategy: Strategy
    backbone: str
    """Fingerprint."""
    config: TicketConfig = field(default_factory=TicketConfig)

    @cached_property
    def before(self) -> dict[str, list[int]]:
        """Active parameters before each block of each masked tensor, and in all; see `kernel.bits_before`."""
        return {name: bits_before(mask) for name, mask in self.masks.items()}

    @cached_property
    def counts(self) -> dict[str, int]:
        """Active parameters of each masked tensor."""
        return {name: before[-1] for name, before in self.before.items()}

    @property
    def active(self) -> int:
        """Active parameters, K."""
        return sum(self.counts.values())

    @cached_property
    def sha256(self) -> str:
        """The mask hash: names sorted by code point, shapes and packed bits."""
        digest = hashlib.sha256()
        for name, mask in sorted(self.masks.items()):
            digest.update(json.dumps([name, list(self.shapes[name])], allow_nan=False).encode())
            digest.update(mask.data)
        return digest.hexdigest()

    def positions(self, name: str, *, dtype: torch.dtype = torch.int64, block: int = BLOCK) -> Tensor:
        """Where `name` is active: flat positions in C order, ascending (K_name,). `block` mask bytes at a time."""
        mask = self.masks.get(name, np.zeros(0, np.uint8))
        blocks = [mask[start : start + block] for start in range(0, len(mask), block)]
        stops = [0, *accumulate(map(bits_set, blocks))]
        positions = torch.empty(stops[-1], dtype=dtype)
        array = positions.numpy()

        def unpack(number: int) -> None:
            places = np.flatnonzero(np.unpackbits(blocks[number], bitorder="little").view(np.bool_))
            part = array[stops[number] : stops[number + 1]]
            np.add(places, 8 * block * number, out=part, casting="same_kind")

        parallel_map(unpack, (number for number in range(len(blocks)) if stops[number] < stops[number + 1]))
        return positions

    def positions_on(self, name: str, device: torch.device) -> Tensor:
        """The same as `positions`, found on another device than the CPU: a bit a parameter goes there, not a number."""
        if device.type == "cpu" or name not in self.masks:
            return self.positions(name).to(device)
        return places(self.masks[name], self.counts[name], device)

    def distribution(self) -> list[dict[str, Any]]:
        """Per layer: `active`, its `share` of all active, and the `density` within the layer's unfrozen parameters."""
        layers = range(count_layers(self.shapes) + 1)
        sizes, active = dict.fromkeys(layers, 0), dict.fromkeys(layers, 0)
        for name, shape in self.shapes.items():
            sizes[layer_of(name) or 0] += prod(shape)
            active[layer_of(name) or 0] += self.counts.get(name, 0)
        return [
            {
                "layer": "embeddings" if layer == EMBEDDINGS else layer,
                "active": active[layer],
                "share": active[layer] / max(1, self.active),
                "density": active[layer] / max(1, sizes[layer]),
            }
            for layer in layers
        ]

    def figures(self) -> dict[str, Any]:
        """What is counted of the ticket, by the names under which a registry keeps it in columns."""
        return {
            "active": self.active,
            "selectable": self.selectable,
            "moved": self.moved,
            "zero_drift": self.zero_drift,
            "distribution": self.distribution(),
        }

    def save(self, path: Path) -> None:
        """Write the ticket as one safetensors file, whole or not at all."""
        tensorfile.write(path, cast("dict[str, tensorfile.Array]", self.masks), self.metadata())

    def metadata(self) -> dict[str, str]:
        """Everything but the bits, as a file carries it."""
        return {
            "format": FORMAT,
            "version": str(VERSION),
            "backbone": self.backbone,
            "strategy": self.strategy,
            "mask_sha256": self.sha256,
            "names": json.dumps(list(self.masks), allow_nan=False),
            "shapes": json.dumps(self.shapes, allow_nan=False),
            "counts": json.dumps([self.selectable, self.moved, self.zero_drift], allow_nan=False),
            "config": json.dumps(asdict(self.config), allow_nan=False),
        }

    @staticmethod
    def load(path: Path, backbone: BackboneInfo | None = None, *, leave: bool = False) -> Ticket:
        """Read a ticket; nothing is allocated before every size agrees with its shapes, and those with `backbone`.

        With `leave` its masks stay in the file, which must not be changed, and are mapped.

        Raises:
            BackboneMismatch: it was drawn on another backbone.
            CorruptArtifact: it is damaged, or no ticket.
        """

        def check(header: tensorfile.Header) -> tuple[Ticket, str | None]:
            return parse_header(header, backbone), header.metadata.get("mask_sha256")

        masks: dict[str, tensorfile.Array]
        if leave:
            stored, (described, sha256) = tensorfile.open_verified(path, check=check)
            masks = {name: mask.mapped() for name, mask in stored.items()}
        else:
            masks, (described, sha256) = tensorfile.read(path, check=check)
        ticket = attach_masks(described, cast("dict[str, NDArray[np.uint8]]", masks))
        if ticket.sha256 != sha256:
            raise CorruptArtifact(f"{path.name} names the mask hash {sha256}; it is {ticket.sha256}")
        return ticket


def parse_header(header: tensorfile.Header, backbone: BackboneInfo | None) -> Ticket:
    """Parse a file's metadata and check its tensors' sizes; the masks are still empty arrays.

    Raises:
        BackboneMismatch, CorruptArtifact: see `Ticket.load`.
    """
    ticket = _parse(header.metadata)
    if backbone is not None:
        if ticket.backbone != backbone.fingerprint:
            raise BackboneMismatch(artefact=ticket.backbone, backbone=backbone.fingerprint)
        if ticket.shapes != STRATEGIES[ticket.strategy].selectable_shapes(backbone.shapes):
            raise CorruptArtifact("the ticket's parameters are not the backbone's selectable ones")
    if list(header.entries) != list(ticket.masks):
        raise CorruptArtifact("the ticket's tensors are not those its metadata names")
    for name, entry in header.entries.items():
        if entry.dtype != "U8" or entry.shape != (-(-prod(ticket.shapes[name]) // 8),):
            raise CorruptArtifact(
                f"the mask of {name} is {entry.dtype} {entry.shape}, not bits for {ticket.shapes[name]}"
            )
    return ticket


def _parse(metadata: dict[str, str]) -> Ticket:
    if (metadata.get("format"), metadata.get("version")) != (FORMAT, str(VERSION)):
        raise CorruptArtifact(
            f"this is no ticket of format {VERSION}: {metadata.get('format')!s:.40} {metadata.get('version')!s:.40}"
        )
    try:
        shapes = strict_json.read(metadata["shapes"], strict_json.SHAPES)
        names = strict_json.read(metadata["names"], strict_json.NAMES)
        selectable, moved, zero_drift = strict_json.read(metadata["counts"], COUNTS)
        strategy = cast("Strategy", metadata["strategy"])
        ticket = Ticket(
            masks={name: np.zeros(0, np.uint8) for name in names},
            shapes=shapes,
            selectable=selectable,
            moved=moved,
            zero_drift=zero_drift,
            strategy=strategy,
            backbone=metadata["backbone"],
            config=strict_json.read(metadata["config"], CONFIG),
        )
    except (KeyError, ValueError) as error:
        raise CorruptArtifact(f"the ticket's metadata cannot be read: {error!r:.300}") from error
    known = all(layer_of(name) is not None for name in shapes) and set(names) <= set(shapes)
    if strategy not in STRATEGIES or not known or names != sorted(names) or list(shapes) != sorted(shapes):
        raise CorruptArtifact("the ticket's metadata is inconsistent: strategy, names or their order")
    return ticket


def attach_masks(ticket: Ticket, masks: dict[str, NDArray[np.uint8]]) -> Ticket:
    """Give a parsed ticket its bits.

    Raises:
        CorruptArtifact: a mask is empty, has bits beyond its tensor, or more bits are set than were to be chosen.
    """
    for name, mask in masks.items():
        spare = -prod(ticket.shapes[name]) % 8
        if not mask.any() or (spare and mask[-1] >> (8 - spare)):
            raise CorruptArtifact(f"the mask of {name} has no bit set, or bits beyond its last parameter")
    whole = replace(ticket, masks=masks)
    if not whole.zero_drift <= whole.active <= whole.selectable <= sum(map(prod, whole.shapes.values())):
        raise CorruptArtifact(f"{whole.active} parameters are active of {whole.selectable} that could be")
    return whole


def active_in_rows(ticket: Ticket, name: str, rows: Tensor) -> NDArray[np.bool_]:
    """Which entries of some rows of a matrix are active, (R, H): reads those rows' bits only."""
    height, width = ticket.shapes[name]
    numbers = rows.cpu().numpy()
    if not width % 8:  # every row fills whole bytes
        packed = ticket.masks[name].reshape(height, width // 8)[numbers]
        return np.unpackbits(packed, axis=1, bitorder="little").view(np.bool_)
    bits = numbers[:, None] * width + np.arange(width)  # (R, H)
    active: NDArray[np.bool_] = (ticket.masks[name][bits >> 3] >> (bits & 7).astype(np.uint8) & 1).astype(bool)
    return active


def _count_in_rows(ticket: Ticket, name: str, rows: Tensor) -> int:
    """Count the active entries of some rows, a few rows at a time: all at once would take eight bytes an entry."""
    some = (rows[start : start + COUNTED_ROWS] for start in range(0, len(rows), COUNTED_ROWS))
    return sum(int(active_in_rows(ticket, name, each).sum()) for each in some)
