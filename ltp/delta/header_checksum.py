"""The checksum of a delta's file that covers its header: the data section has one of its own (`ltp.tensorfile`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from ltp.errors import CorruptArtifact
from ltp.tensorfile import DTYPES, Array, Header, Stored

CHECKSUM = "header_sha256"
NOT_COVERED = {CHECKSUM, "data_sha256"}
"""What the header's checksum leaves out: itself, and the checksum of the data, which is known later."""
CALLED = {"i1": "I8"}
"""What the checksum calls a dtype where that is not as numpy does. Releases that did not know int8 compare by the
header's name: so they find the header whole, and refuse such a file by its version."""


def with_checksum(tensors: Mapping[str, Array | Stored], metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata with the checksum of itself and of every tensor's name, dtype and shape."""
    dtypes = {name: array.dtype.newbyteorder("<").str.lstrip("|") for name, array in tensors.items()}
    layout = {name: [CALLED.get(dtypes[name], dtypes[name]), *array.shape] for name, array in tensors.items()}
    return {**metadata, CHECKSUM: _digest(layout, metadata)}


def check_checksum(header: Header) -> None:
    """Compare a header with its checksum.

    Raises:
        CorruptArtifact: they disagree, or there is none.
    """
    dtypes = {name: DTYPES.get(entry.dtype, entry.dtype) for name, entry in header.entries.items()}
    layout = {name: [CALLED.get(dtypes[name], dtypes[name]), *entry.shape] for name, entry in header.entries.items()}
    if header.metadata.get(CHECKSUM) != _digest(layout, header.metadata):
        raise CorruptArtifact("the file's header is damaged: its checksum is not the one it names")


def _digest(layout: Mapping[str, list[object]], metadata: Mapping[str, str]) -> str:
    plain = {key: value for key, value in metadata.items() if key not in NOT_COVERED}
    return hashlib.sha256(json.dumps([layout, plain], sort_keys=True, allow_nan=False).encode()).hexdigest()
