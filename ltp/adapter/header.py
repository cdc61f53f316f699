"""What an adapter's file must say in its header, before anything else of it is read."""

from __future__ import annotations

from math import prod

from ltp.adapter import mask_along
from ltp.adapter.seal import check_seal
from ltp.backbone.manifest import BackboneInfo
from ltp.config import MAX_PROMPT_LENGTH
from ltp.errors import BackboneMismatch, CorruptArtifact
from ltp.head import CLASSIFIER, classifier_shapes
from ltp.tensorfile import Entry, Header

FORMAT, VERSION = "ltp-adapter", "1"
KINDS = {("delta", "F16"), ("delta", "F32"), ("rows", "I32")}


def check_header(file: str, header: Header, backbone: BackboneInfo | None) -> None:
    """Refuse a file by its header alone; `file` is what messages call it.

    Raises:
        CorruptArtifact: it is damaged, no adapter, or holds what no adapter has.
        BackboneMismatch: it was trained on another backbone than `backbone`.
    """
    facts = header.metadata
    if facts.get("format") != FORMAT:
        raise CorruptArtifact(f"{file} is not an adapter")
    check_seal(header)
    if facts.get("version") != VERSION:
        raise CorruptArtifact(f"{file} is an adapter of version {facts.get('version')}; this program reads {VERSION}")
    if backbone is not None and facts.get("backbone") != backbone.fingerprint:
        raise BackboneMismatch(artefact=str(facts.get("backbone")), backbone=backbone.fingerprint)
    for name, entry in header.entries.items():
        if not (name.startswith(mask_along.PREFIX) or _fits(name, entry, backbone)):
            raise CorruptArtifact(f"{file}: {name} is {entry.dtype} of shape {entry.shape}, which no adapter has here")


def _fits(name: str, entry: Entry, backbone: BackboneInfo | None) -> bool:
    """Tell whether a tensor may stand in an adapter's file: a known kind, no larger than what it is about."""
    kind, _, parameter = name.partition("/")
    if kind == "prompt":
        known = entry.dtype == "F32" and len(entry.shape) == 2 and entry.shape[0] <= MAX_PROMPT_LENGTH  # (n, H)
        return known and (backbone is None or entry.shape[1] == backbone.hidden)
    if kind == "head":
        known = entry.dtype == "F32" and parameter in CLASSIFIER
        return known and (backbone is None or entry.shape == classifier_shapes(backbone.hidden)[parameter])
    if (kind, entry.dtype) not in KINDS or len(entry.shape) != 1:
        return False
    if backbone is None:
        return True
    shape = backbone.shapes.get(parameter, (0,))
    return entry.shape[0] <= (shape[0] if kind == "rows" else prod(shape))
