"""The drift |theta_l - theta| and its file: fp16 under one power-of-two scale, unmoved embedding rows left out (3.1).

Selection is defined on these stored values, so a ticket made today and one made from the file next year are the same.
A file is safetensors: one fp16 tensor a selectable parameter, an int64 `<name>.rows` for each embedding matrix, and
everything else in the metadata.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields
from math import prod
from pathlib import Path
from typing import Annotated, Any, cast

import numpy as np
import torch
from annotated_types import Ge, Le
from pydantic import TypeAdapter
from torch import Tensor

from ltp import strict_json, tensorfile
from ltp.backbone.architecture import EMBEDDING_MATRICES, Shapes
from ltp.backbone.manifest import BackboneInfo
from ltp.backbone.strategy import STRATEGIES, Strategy
from ltp.config import TextForm
from ltp.errors import BackboneMismatch, CorruptArtifact, NonFiniteWeights
from ltp.text.form import read_recorded, recorded

FORMAT, VERSION = "ltp-drift", 1
EXPONENT = TypeAdapter(Annotated[int, Ge(-200), Le(200)])
LARGEST = 65504.0
SMALLEST = 2.0**-24
"""Largest and smallest positive fp16."""
ROWS = ".rows"


@dataclass(frozen=True)
class Drift:
    """How far every selectable parameter moved in one MLM run.

    `values[name]` is fp16 in the parameter's shape, times 2**`scale_exponent`; of an embedding matrix it holds the rows
    `rows[name]` (R,) only, (R, H). `shapes` are the full shapes, sorted by code point. `report` says how it was made.
    """

    values: dict[str, Tensor]
    rows: dict[str, Tensor]
    scale_exponent: int
    strategy: Strategy
    backbone: str
    """Fingerprint."""
    shapes: Shapes
    report: dict[str, Any] = field(default_factory=dict, repr=False)
    text_form: TextForm = 0
    """How its corpus was prepared (`ltp.text.form`)."""

    @property
    def selectable(self) -> int:
        """How many parameters a ticket may choose from."""
        return sum(prod(shape) for shape in self.shapes.values())

    @property
    def moved(self) -> int:
        """How many of them have a drift other than zero."""
        return sum(int(values.count_nonzero()) for values in self.values.values())

    def dense(self, name: str) -> Tensor:
        """The drift of one parameter in fp32 and its full shape."""
        values = self.values[name].float() * 2.0**-self.scale_exponent
        if name not in self.rows:
            return values
        return values.new_zeros(self.shapes[name]).index_copy_(0, self.rows[name], values)

    def save(self, path: Path) -> None:
        """Write the drift as one safetensors file, whole or not at all."""
        arrays: dict[str, tensorfile.Array] = {}
        for name in self.shapes:
            if name in self.rows:
                arrays[name + ROWS] = self.rows[name].cpu().numpy()
            arrays[name] = self.values[name].cpu().numpy()
        metadata = {
            "format": FORMAT,
            "version": str(VERSION),
            "backbone": self.backbone,
            "strategy": self.strategy,
            "scale_exponent": str(self.scale_exponent),
            "shapes": json.dumps(self.shapes, allow_nan=False),
            "report": json.dumps(self.report, allow_nan=False),
            **recorded(self.text_form),
        }
        tensorfile.write(path, arrays, metadata)

    @staticmethod
    def load(path: Path, backbone: BackboneInfo | None = None) -> Drift:
        """Read a drift and check every tensor, against the shapes of `backbone` if given.

        Raises:
            BackboneMismatch: it was measured on another backbone.
            CorruptArtifact: it is damaged, or no drift.
            NonFiniteWeights: a value is NaN, infinite or negative.
        """
        arrays, facts = tensorfile.read(path, check=lambda header: _check_header(header, backbone))
        values = {name: torch.from_numpy(arrays[name]) for name in facts.shapes}
        rows = {name: torch.from_numpy(arrays[name + ROWS]) for name in facts.shapes if name + ROWS in arrays}
        for name, numbers in rows.items():
            ascending = bool((numbers.diff() > 0).all())
            if len(numbers) and not (ascending and 0 <= int(numbers[0]) <= int(numbers[-1]) < facts.shapes[name][0]):
                raise CorruptArtifact(f"the row numbers of {name} are not ascending inside its {facts.shapes[name]}")
        for name in facts.shapes:
            if (arrays[name].view(np.uint16) > np.float16(LARGEST).view(np.uint16)).any():
                raise NonFiniteWeights(f"the drift of {name} has a value that is NaN, infinite or negative")
        return Drift(values, rows, **{each.name: getattr(facts, each.name) for each in fields(facts)})


@dataclass(frozen=True)
class _Facts:
    """A file's metadata, parsed."""

    backbone: str
    strategy: Strategy
    scale_exponent: int
    shapes: Shapes
    report: dict[str, Any]
    text_form: TextForm


def _check_header(header: tensorfile.Header, backbone: BackboneInfo | None) -> _Facts:
    metadata = header.metadata
    if (metadata.get("format"), metadata.get("version")) != (FORMAT, str(VERSION)):
        raise CorruptArtifact(
            f"this is no drift of format {VERSION}: {metadata.get('format')!s:.40} {metadata.get('version')!s:.40}"
        )
    try:
        shapes = strict_json.read(metadata["shapes"], strict_json.SHAPES)
        facts = _Facts(
            metadata["backbone"],
            cast("Strategy", metadata["strategy"]),
            strict_json.read(metadata["scale_exponent"], EXPONENT),
            shapes,
            strict_json.read(metadata["report"], strict_json.FACTS),
            read_recorded(metadata, of="the drift"),
        )
    except (KeyError, ValueError) as error:
        raise CorruptArtifact(f"the drift's metadata cannot be read: {error!r:.300}") from error
    if facts.strategy not in STRATEGIES or list(shapes) != sorted(shapes):
        raise CorruptArtifact(
            f"the drift's metadata is inconsistent: strategy {facts.strategy!r:.40}, {len(shapes)} names"
        )
    if backbone is not None:
        if facts.backbone != backbone.fingerprint:
            raise BackboneMismatch(artefact=facts.backbone, backbone=backbone.fingerprint)
        if shapes != STRATEGIES[facts.strategy].selectable_shapes(backbone.shapes):
            raise CorruptArtifact("the drift's parameters are not the backbone's selectable ones")
    _check_tensors(header, shapes)
    return facts


def _check_tensors(header: tensorfile.Header, shapes: Shapes) -> None:
    expected = set(shapes)
    for name, shape in shapes.items():
        entry, rows = header.entries.get(name), header.entries.get(name + ROWS)
        if name in EMBEDDING_MATRICES:
            expected.add(name + ROWS)
            if rows is None or rows.dtype != "I64" or len(rows.shape) != 1 or rows.shape[0] > shape[0]:
                raise CorruptArtifact(f"the row numbers of {name} are missing, not int64, or more than {shape[0]}")
        stored = shape if rows is None else (rows.shape[0], *shape[1:])
        if entry is None or entry.dtype != "F16" or entry.shape != stored:
            raise CorruptArtifact(f"the drift of {name} is missing, or not fp16 of shape {stored}")
    if set(header.entries) != expected:
        raise CorruptArtifact(f"the drift has tensors of no parameter: {sorted(set(header.entries) - expected)[:3]}")


def encode(values: dict[str, Tensor]) -> tuple[dict[str, Tensor], int]:
    """Round fp32 drifts to fp16 under one power-of-two scale; return them and the exponent.

    The scale is the largest that keeps the greatest drift finite. What is not zero stays so: it becomes at least the
    smallest fp16.
    """
    greatest = max((float(tensor.max()) for tensor in values.values() if tensor.numel()), default=0.0)
    exponent = min(math.floor(math.log2(LARGEST / greatest)), 100) if greatest > 0 else 0
    if math.ldexp(greatest, exponent) > LARGEST:  # log2 rounded up
        exponent -= 1
    stored = {}
    for name, tensor in values.items():
        codes = (tensor * 2.0**exponent).half()
        stored[name] = torch.where((tensor > 0) & (codes == 0), SMALLEST, codes).half()
    return stored, exponent
