"""The header of an adapter's file: what is checked before anything else of the file is read."""

from __future__ import annotations

from math import prod

from ltp.adapter import exported_mask
from ltp.adapter.recorded_codes import check_layout
from ltp.adapter.recorded_verbalizer import VERSIONS, recorded_label_space
from ltp.backbone.manifest import BackboneInfo
from ltp.config import LABEL_SPACES, MAX_PROMPT_LENGTH
from ltp.delta.header_checksum import check_checksum
from ltp.errors import BackboneMismatch, CorruptArtifact
from ltp.model.head import CLASSIFIER, classifier_shapes
from ltp.tensorfile import Entry, Header
from ltp.text.form import read_recorded

FORMAT = "ltp-adapter"
KINDS = {("delta", "I8"), ("delta", "F16"), ("delta", "F32"), ("scales", "F16"), ("rows", "I32")}


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
    check_layout(file, header)
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
