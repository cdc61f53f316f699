"""Labelled pairs, from the request or from files: checked for training, and staged as one dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.blobs import BlobStore
from app.intake.faults import fault, file_name, naming
from app.registry import datasets
from app.schemas.adapters import AdapterRequest, LabelledPair
from app.uploads import Part
from ltp.config import LABELS
from ltp.errors import TooFewExamples
from ltp.examples import Example, check_trainable, read_examples, split

PARTS: dict[datasets.Part, str] = {"train": "examples", "dev": "dev_examples", "test": "test_examples"}
"""What the registry calls the parts, and what requests call them."""


@dataclass(frozen=True)
class IncomingExamples:
    """A staged dataset. `counts` is `{train, dev, test, sha256}` as given."""

    blob_id: str
    total: int
    counts: dict[str, Any]
    filename: str | None


def take_examples(
    blobs: BlobStore, *, tenant: str, request: AdapterRequest, files: Mapping[str, Part], longest: int
) -> IncomingExamples:
    """Read, check and stage the examples of a request. Raises InvalidRequest, naming part, line and column."""
    parts: dict[datasets.Part, Sequence[Example]] = {}
    for part, name in PARTS.items():
        examples = _read(name, getattr(request, name), files.get(name), longest=longest)
        if examples is not None:
            parts[part] = examples
    _check(parts, request)
    blob = blobs.stage(tenant, datasets.write_parts(parts))
    counts: dict[str, Any] = {part: len(parts.get(part, ())) for part in PARTS}
    filename = file_name(files["examples"]) if "examples" in files else None
    return IncomingExamples(blob.id, sum(counts.values()), {**counts, "sha256": blob.sha256}, filename)


def _read(name: str, inline: list[LabelledPair] | None, part: Part | None, *, longest: int) -> list[Example] | None:
    if inline is not None and part is not None:
        raise fault(name, "give the examples once: in the request, or as an uploaded file")
    if part is not None:
        with naming(name):
            return read_examples(part.path, filename=part.filename or None, longest=longest)
    if inline is None:
        return None
    return [
        Example(pair.premise, pair.hypothesis, LABELS[pair.label] if isinstance(pair.label, int) else pair.label)
        for pair in inline
    ]


def _check(parts: Mapping[datasets.Part, Sequence[Example]], request: AdapterRequest) -> None:
    if not parts.get("train"):
        raise fault("examples", "there are none; send them in the request or as a file")
    with naming("examples"):
        check_trainable(parts["train"])
        if "dev" not in parts:
            split(parts["train"], dev_share=request.training.dev_share, seed=request.training.seed)
    for part in ("dev", "test"):
        if part in parts:
            if not parts[part]:
                raise fault(PARTS[part], "there are none; leave it out, or send some")
            with naming(PARTS[part]), suppress(TooFewExamples):  # scoring needs no label to occur
                check_trainable(parts[part])
