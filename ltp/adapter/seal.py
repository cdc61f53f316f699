"""A checksum over a file's header, so that a flipped bit outside the data section is refused as well. Imports no torch.

`tensorfile` seals the data section; names, shapes, scales and fingerprints stand in the header, in front of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from ltp.errors import CorruptArtifact
from ltp.tensorfile import DTYPES, Array, Header, Stored

SEAL = "header_sha256"
UNSEALED = {SEAL, "data_sha256"}


def sealed(tensors: Mapping[str, Array | Stored], metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata with the checksum of itself and of every tensor's name, dtype and shape."""
    layout = {name: [array.dtype.newbyteorder("<").str.lstrip("|"), *array.shape] for name, array in tensors.items()}
    return {**metadata, SEAL: _digest(layout, metadata)}


def check_seal(header: Header) -> None:
    """Compare a header with its checksum.

    Raises:
        CorruptArtifact: they disagree, or there is none.
    """
    layout = {name: [DTYPES.get(entry.dtype, entry.dtype), *entry.shape] for name, entry in header.entries.items()}
    if header.metadata.get(SEAL) != _digest(layout, header.metadata):
        raise CorruptArtifact("the file's header is damaged: its checksum is not the one it names")


def _digest(layout: Mapping[str, list[object]], metadata: Mapping[str, str]) -> str:
    plain = {key: value for key, value in metadata.items() if key not in UNSEALED}
    return hashlib.sha256(json.dumps([layout, plain], sort_keys=True).encode()).hexdigest()
