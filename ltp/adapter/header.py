"""The header of an adapter's file: what is checked before anything else of the file is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from math import prod

from ltp.adapter import exported_mask
from ltp.adapter.recorded_verbalizer import VERSIONS, recorded_label_space
from ltp.backbone.manifest import BackboneInfo
from ltp.config import LABEL_SPACES, MAX_PROMPT_LENGTH
from ltp.errors import BackboneMismatch, CorruptArtifact
from ltp.model.head import CLASSIFIER, classifier_shapes
from ltp.tensorfile import DTYPES, Array, Entry, Header, Stored
from ltp.text.form import read_recorded

FORMAT = "ltp-adapter"
CHECKSUM = "header_sha256"
NOT_COVERED = {CHECKSUM, "data_sha256"}
"""What the header's checksum leaves out: itself, and the checksum of the data, which is known later."""
KINDS = {("delta", "F16"), ("delta", "F32"), ("rows", "I32")}


def checked_header(file: str, header: Header, backbone: BackboneInfo | None) -> dict[str, str]:
    """Return a file's metadata, or refuse the file by its header alone; `file` is what messages call it.

    Raises:
        CorruptArtifact: it is damaged, no adapter, or holds what no adapter has.
        BackboneMismatch: it was trained on another backbone than `backbone`.
    """
    facts = header.metadata
    if facts.get("format") != FORMAT:
        raise CorruptArtifact(f"{file} is not an adapter")
    check_checksum(header)
    if facts.get("version") not in VERSIONS:
        known = ", ".join(VERSIONS)
        raise CorruptArtifact(f"{file} is an adapter of version {facts.get('version')}; this program reads {known}")
    read_recorded(facts, of=file)
    if backbone is not None and facts.get("backbone") != backbone.fingerprint:
        raise BackboneMismatch(artefact=str(facts.get("backbone")), backbone=backbone.fingerprint)
    classes = len(LABEL_SPACES[recorded_label_space(file, facts)])
    for name, entry in header.entries.items():
        if not (name.startswith(exported_mask.PREFIX) or _fits(name, entry, backbone, classes)):
            raise CorruptArtifact(f"{file}: {name} is {entry.dtype} of shape {entry.shape}, which no adapter has here")
    return facts


def _fits(name: str, entry: Entry, backbone: BackboneInfo | None, classes: int) -> bool:
    """Tell whether a tensor may stand in an adapter's file: a known kind, no larger than the tensor that it changes."""
    kind, _, parameter = name.partition("/")
    if kind == "prompt":
        known = entry.dtype == "F32" and len(entry.shape) == 2 and entry.shape[0] <= MAX_PROMPT_LENGTH  # (n, H)
        return known and (backbone is None or entry.shape[1] == backbone.hidden)
    if kind == "head":
        known = entry.dtype == "F32" and parameter in CLASSIFIER
        return known and (
            backbone is None or entry.shape == classifier_shapes(backbone.hidden, classes=classes)[parameter]
        )
    if (kind, entry.dtype) not in KINDS or len(entry.shape) != 1:
        return False
    if backbone is None:
        return True
    shape = backbone.shapes.get(parameter, (0,))
    return entry.shape[0] <= (shape[0] if kind == "rows" else prod(shape))


def with_checksum(tensors: Mapping[str, Array | Stored], metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata with the checksum of itself and of every tensor's name, dtype and shape."""
    layout = {name: [array.dtype.newbyteorder("<").str.lstrip("|"), *array.shape] for name, array in tensors.items()}
    return {**metadata, CHECKSUM: _digest(layout, metadata)}


def check_checksum(header: Header) -> None:
    """Compare a header with its checksum.

    Raises:
        CorruptArtifact: they disagree, or there is none.
    """
    layout = {name: [DTYPES.get(entry.dtype, entry.dtype), *entry.shape] for name, entry in header.entries.items()}
    if header.metadata.get(CHECKSUM) != _digest(layout, header.metadata):
        raise CorruptArtifact("the file's header is damaged: its checksum is not the one it names")


def _digest(layout: Mapping[str, list[object]], metadata: Mapping[str, str]) -> str:
    plain = {key: value for key, value in metadata.items() if key not in NOT_COVERED}
    return hashlib.sha256(json.dumps([layout, plain], sort_keys=True, allow_nan=False).encode()).hexdigest()
