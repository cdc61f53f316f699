"""What a packed starter says it holds, checked before anything else of it is read or allocated.

A packed file has `masks` (the bits of every mask, compressed), `codes` (of every trained value, compressed) and, for
int8, `scales` (one a block); what else the export has stands there as it is. Its metadata carries the export's own,
the layout of the export's tensors, the SHA-256 of the export that must come out, and a checksum of all that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal, cast, get_args

from pydantic import TypeAdapter

from ltp import strict_json
from ltp.adapter.exported_mask import PREFIX, ticket_of_header
from ltp.adapter.header import checked_header
from ltp.backbone.manifest import BackboneInfo
from ltp.delta.header_checksum import check_checksum
from ltp.errors import CorruptArtifact
from ltp.starter.codes import Coding, blocks_of
from ltp.tensorfile import BYTES, Entry, Header

FORMAT, VERSION = "ltp-starter", "1"
MASKS, CODES, SCALES = "masks", "codes", "scales"
MOST_BYTES = 1 << 30
"""Of an export: a starter is meant to be small."""
LAYOUT = TypeAdapter[dict[str, tuple[str, tuple[int, ...]]]](dict[str, tuple[str, strict_json.Shape]])

Place = Literal["masks", "codes", "as it is"]


@dataclass(frozen=True)
class PackedHeader:
    """The export that a packed file stands for: its metadata, its tensors in order, and how its values are coded."""

    metadata: dict[str, str]
    entries: dict[str, Entry]
    coding: Coding
    export_sha256: str

    def names(self, place: Place) -> list[str]:
        """The export's tensors that are kept in one way."""
        return [name for name in self.entries if place_of(name) == place]

    def elements(self, place: Place) -> int:
        """How many elements these have together."""
        return sum(prod(self.entries[name].shape) for name in self.names(place))


def place_of(name: str) -> Place:
    """Where a packed file keeps a tensor of the export."""
    if name.startswith(PREFIX):
        return "masks"
    return "codes" if name.startswith("delta/") else "as it is"


def metadata_of(export: Header, coding: Coding, sha256: str) -> dict[str, str]:
    """What a packed file says of the export it is made of."""
    layout = {name: (entry.dtype, entry.shape) for name, entry in export.entries.items()}
    own = {key: value for key, value in export.metadata.items() if key != "data_sha256"}
    return {
        "format": FORMAT,
        "version": VERSION,
        "coding": coding,
        "export": json.dumps(own, allow_nan=False),
        "layout": json.dumps(layout, allow_nan=False),
        "export_sha256": sha256,
    }


def parse_header(file: str, header: Header, backbone: BackboneInfo | None = None) -> PackedHeader:
    """Check a packed file's header, and with it that of the export inside.

    Raises:
        CorruptArtifact: it is damaged, no starter, or describes what cannot be.
        BackboneMismatch: it is for another backbone than `backbone`.
    """
    facts = header.metadata
    if (facts.get("format"), facts.get("version")) != (FORMAT, VERSION):
        told = f"{facts.get('format')!s:.40} {facts.get('version')!s:.40}"
        raise CorruptArtifact(f"{file} is no starter of format {VERSION}, but {told}")
    check_checksum(header)
    try:
        metadata = strict_json.read(facts["export"], strict_json.TEXTS)
        entries = _entries(strict_json.read(facts["layout"], LAYOUT))
        packed = PackedHeader(metadata, entries, _coding(facts["coding"]), facts["export_sha256"])
    except (KeyError, ValueError) as error:
        raise CorruptArtifact(f"{file}: its description of the adapter cannot be read: {error!r:.300}") from error
    inside = Header(entries, metadata, 0)
    checked_header(file, inside, backbone)
    if ticket_of_header(inside, backbone) is None:
        raise CorruptArtifact(f"{file} holds no mask: a starter is an adapter with its ticket")
    _compare(file, header.entries, packed)
    return packed


def _coding(text: str) -> Coding:
    if text not in get_args(Coding):
        raise ValueError(f"coding {text!r:.40}")
    return cast("Coding", text)


def _entries(layout: dict[str, tuple[str, tuple[int, ...]]]) -> dict[str, Entry]:
    """The export's tensors, each behind the one before."""
    entries, end = {}, 0
    for name, (dtype, shape) in layout.items():
        if place_of(name) == "codes" and dtype != "F16":
            raise ValueError(f"{name:.100} is {dtype}; the values of a starter are F16")
        entries[name] = Entry(dtype, shape, end, end + BYTES[dtype] * prod(shape))
        end = entries[name].stop
    if end > MOST_BYTES:
        raise ValueError(f"an export of {end:,} bytes; a starter's has at most {MOST_BYTES:,}")
    return entries


def _compare(file: str, there: Mapping[str, Entry], packed: PackedHeader) -> None:
    """Refuse a file whose tensors are not those that its description needs."""
    wanted = {name: (packed.entries[name].dtype, packed.entries[name].shape) for name in packed.names("as it is")}
    if packed.coding == "int8":
        wanted[SCALES] = ("F32", (blocks_of(packed.elements("codes")),))
    found = {name: (entry.dtype, entry.shape) for name, entry in there.items()}
    compressed = {name: found.pop(name, ("", ())) for name in (MASKS, CODES)}
    if found != wanted or any(dtype != "U8" or len(shape) != 1 for dtype, shape in compressed.values()):
        raise CorruptArtifact(f"{file}: its tensors are not those of the adapter that it describes")
