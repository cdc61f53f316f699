"""Packing an exported adapter into the few bytes that are shipped, and unpacking an ordinary export."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import cast

import numpy as np

from ltp import tensorfile
from ltp.adapter.exported_mask import ticket_of_header
from ltp.adapter.header import checked_header
from ltp.backbone.manifest import BackboneInfo
from ltp.delta.header_checksum import with_checksum
from ltp.errors import CorruptArtifact
from ltp.starter import codes
from ltp.starter.codes import Coding
from ltp.starter.packed_header import CODES, MASKS, SCALES, PackedHeader, Place, metadata_of, parse_header, place_of
from ltp.starter.shipped import StarterFile
from ltp.tensorfile import Array, Header

EXPORT = "starter.safetensors"
"""The name of the file that is unpacked."""
Arrays = dict[str, Array]


def pack(export: Path, *, coding: Coding = "int8") -> bytes:
    """Pack an exported adapter, its mask included; with int8 its values change by at most half a code.

    Raises:
        CorruptArtifact: the file is damaged, or an adapter that cannot be packed: without a ticket, or not in fp16.
    """

    arrays, header = tensorfile.read(export, check=lambda header: _packable(export.name, header))
    described = PackedHeader(header.metadata, header.entries, coding, "")
    kept = {name: arrays[name] for name in described.names("as it is")}
    kept[MASKS] = codes.packed(_joined(arrays, described, "masks", np.uint8))
    values = _joined(arrays, described, "codes", np.float16)
    if coding == "fp16":
        kept[CODES] = codes.packed(values)
    else:
        numbers, scales = codes.quantised(cast("codes.Values", values))
        kept |= {CODES: codes.packed(numbers), SCALES: scales}
        values = codes.restored(numbers, scales)
    with tempfile.TemporaryDirectory() as folder:
        metadata = {key: value for key, value in header.metadata.items() if key != "data_sha256"}
        tensorfile.write(Path(folder, EXPORT), _with_values(arrays, described, values), metadata)
        about = metadata_of(header, coding, tensorfile.file_sha256(Path(folder, EXPORT)))
        tensorfile.write(Path(folder, "packed"), kept, with_checksum(kept, about))
        return Path(folder, "packed").read_bytes()


def unpack(file: Path | StarterFile, folder: Path, *, backbone: BackboneInfo | None = None) -> Path:
    """Write the export that a packed file stands for into `folder`; any registry takes it as it takes others.

    Raises:
        CorruptArtifact: the file is damaged, or what came out is not the export it names.
        BackboneMismatch: it is for another backbone than `backbone`.
    """
    path = file.path if isinstance(file, StarterFile) else file
    arrays, packed = tensorfile.read(path, check=lambda header: parse_header(path.name, header, backbone))
    count = packed.elements("codes")
    if packed.coding == "fp16":
        values = codes.unpacked(arrays[CODES], np.dtype(np.float16), count, what=f"{path.name}: its values")
    else:
        numbers = codes.unpacked(arrays[CODES], np.dtype(np.int8), count, what=f"{path.name}: its codes")
        values = codes.restored(numbers.astype(np.int8), arrays[SCALES].astype(np.float32))
    masks = codes.unpacked(arrays[MASKS], np.dtype(np.uint8), packed.elements("masks"), what=f"{path.name}: its masks")
    whole = {name: arrays[name] for name in packed.names("as it is")}
    whole |= _parted(masks, packed, "masks") | _parted(values, packed, "codes")
    target = folder / EXPORT
    tensorfile.write(target, {name: whole[name] for name in packed.entries}, packed.metadata)
    if tensorfile.file_sha256(target) != packed.export_sha256:
        target.unlink()
        raise CorruptArtifact(f"{path.name} does not unpack to the adapter that it names; install the package again")
    return target


def _packable(file: str, header: Header) -> Header:
    checked_header(file, header, None)
    values = [entry.dtype for name, entry in header.entries.items() if place_of(name) == "codes"]
    if ticket_of_header(header, None) is None or set(values) != {"F16"}:
        told = "a starter is an export with its ticket, and its values are fp16 (train with `delta_dtype` fp16)"
        raise CorruptArtifact(f"{file} is not packed: {told}")
    return header


def _joined(arrays: Arrays, described: PackedHeader, place: Place, dtype: type[np.generic]) -> Array:
    """All tensors of one place end to end."""
    return np.concatenate([np.empty(0, dtype), *(arrays[name] for name in described.names(place))])


def _parted(joined: Array, described: PackedHeader, place: Place) -> Arrays:
    """The tensors of one place out of all of them end to end."""
    parted, start = {}, 0
    for name in described.names(place):
        (length,) = described.entries[name].shape
        parted[name], start = joined[start : start + length], start + length
    return parted


def _with_values(arrays: Arrays, described: PackedHeader, values: Array) -> Arrays:
    """The export's tensors with other values, in their order."""
    changed = arrays | _parted(values, described, "codes")
    return {name: changed[name] for name in described.entries}
