"""A published adapter, soft prompt and sparse delta, as one safetensors file that a flipped bit makes unreadable.

The file holds `prompt` (n, H), `delta/<name>` (values in ticket order; without a ticket, of every element) and, for
what has rows, `rows/<name>`; int8 values have `scales/<name>`; a classification head is `head/<name>`. Its metadata
names format version, backbone, ticket, tensors in order and exponents, and two SHA-256: of the data section, and of
everything else. An export carries the ticket's mask as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Le, MaxLen
from pydantic import FailFast, TypeAdapter
from torch import Tensor

from ltp import strict_json, tensorfile
from ltp.adapter import exported_mask
from ltp.adapter.header import FORMAT, checked_header
from ltp.adapter.magnitude import within
from ltp.adapter.recorded_calibration import calibration_facts, recorded_calibration
from ltp.adapter.recorded_codes import RECORDED, check_finite, code_facts
from ltp.adapter.recorded_verbalizer import recorded_verbalizer, verbalizer_facts, version_of
from ltp.backbone.architecture import BY_ROWS, Shapes
from ltp.backbone.manifest import BackboneInfo
from ltp.backbone.strategy import STRATEGIES, Strategy
from ltp.calibration import Calibration
from ltp.config import TextForm
from ltp.delta.codes import LARGEST_MAGNITUDE
from ltp.delta.delta import MAX_EXPONENT, Delta
from ltp.delta.header_checksum import with_checksum
from ltp.errors import CorruptArtifact, DeltaDoesNotFitTicket, NonFiniteWeights
from ltp.model.head import CLASSIFIER
from ltp.model.methods import METHODS, Method
from ltp.model.verbalizer import Verbalizer, verbalizer_of
from ltp.tensorfile import Array, Content, Header, Stored
from ltp.text.form import read_recorded, recorded
from ltp.ticket.mask import Ticket

LARGEST = float(np.finfo(np.float32).max)
"""Of a decoded value."""


@dataclass(frozen=True)
class TemplateOptions:
    """How texts are put into the template when this adapter answers."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    literal: bool
    max_length: Annotated[int, Ge(0), Le(1 << 20)]


EXPONENTS = TypeAdapter[list[int]](
    Annotated[list[Annotated[int, Ge(-MAX_EXPONENT), Le(MAX_EXPONENT)]], MaxLen(strict_json.MOST_TENSORS), FailFast()]
)
TEMPLATE = TypeAdapter(TemplateOptions)


@dataclass(frozen=True)
class Adapter:
    """What few-shot training publishes. `prompt` is (n, H) fp32, n = 0 for methods that have none.

    `ticket_sha256` is None when nothing but the prompt moved, and when everything could (a dense delta).
    """

    prompt: Tensor
    delta: Delta
    method: Method
    strategy: Strategy
    backbone: str
    ticket_sha256: str | None
    template: TemplateOptions
    head: dict[str, Tensor] = field(default_factory=dict)
    """Of a classification head, fp32, by the names of `CLASSIFIER`; empty for methods that predict a word."""
    text_form: TextForm = 0
    """How texts are prepared for it (`ltp.text.form`)."""
    chosen: Verbalizer | None = None
    """Labels and words; None for the method's usual three-way ones."""
    calibration: Calibration | None = None
    """What is done to its logits before they are probabilities."""

    @property
    def verbalizer(self) -> Verbalizer:
        """Which labels it answers with, and the words that it predicts for them."""
        return self.chosen or verbalizer_of(self.method)

    @property
    def nbytes(self) -> int:
        """Bytes of its tensors."""
        return self.prompt.nbytes + self.delta.nbytes + sum(tensor.nbytes for tensor in self.head.values())

    def save(
        self,
        path: Path,
        *,
        ticket: Ticket | None = None,
        notes: str = "",
        left: Mapping[str, Stored] | None = None,
    ) -> None:
        """Write the adapter, whole or not at all; with its `ticket`, an export that needs nothing else.

        `notes` are for the reader of an export; nothing here depends on them. `left` holds the values of an adapter
        that was loaded without them (`Export.left`).

        Raises:
            DeltaDoesNotFitTicket: `ticket` is another adapter's.
        """
        tensors: dict[str, Array | Stored] = {"prompt": self.prompt.cpu().numpy()}
        tensors |= {f"head/{name}": tensor.cpu().numpy() for name, tensor in self.head.items()}
        for name, values in self.delta.values.items():
            tensors[f"delta/{name}"] = values.numpy() if left is None else left[name]
            if name in self.delta.scales:
                tensors[f"scales/{name}"] = self.delta.scales[name].numpy()
            if name in self.delta.rows:
                tensors[f"rows/{name}"] = self.delta.rows[name].numpy().astype("<i4")
        metadata = {
            "format": FORMAT,
            "version": version_of(
                self.verbalizer, self.method, calibrated=self.calibration is not None, coded=bool(self.delta.scales)
            ),
            "backbone": self.backbone,
            "method": self.method,
            "strategy": self.strategy,
            "ticket_sha256": self.ticket_sha256 or "",
            "names": json.dumps(list(self.delta.values), allow_nan=False),
            "exponents": json.dumps(list(self.delta.exponents.values()), allow_nan=False),
            "template": json.dumps(asdict(self.template), allow_nan=False),
            "notes": notes,
            **verbalizer_facts(self.verbalizer),
            **recorded(self.text_form),
            **calibration_facts(self.calibration),
            **code_facts(self.delta),
        }
        if ticket is not None:
            self.check(ticket)
            masks, about = exported_mask.to_tensors(ticket)
            tensors |= masks
            metadata |= about
        tensorfile.write(path, tensors, with_checksum(tensors, metadata))

    @classmethod
    def load(cls, path: Path, backbone: BackboneInfo | None = None) -> Adapter:
        """Read and verify an adapter; with `backbone`, sizes are checked against its own before they are allocated.

        Raises:
            CorruptArtifact: the file is damaged, or no adapter.
            NonFiniteWeights: it carries a NaN or an infinity.
            BackboneMismatch: it was made on another backbone.
        """
        return _read(path, backbone).adapter

    @classmethod
    def parse(cls, name: str, content: Content, backbone: BackboneInfo | None = None) -> Adapter:
        """As `load`, of a file that is in memory; the adapter's values are views of it."""
        arrays, metadata = tensorfile.parse(name, content, check=lambda header: checked_header(name, header, backbone))
        return _decode(name, arrays, metadata)

    def check(self, ticket: Ticket | None, shapes: Shapes | None = None) -> None:
        """Make sure that this is the adapter's ticket; with the backbone's `shapes`, that a dense delta fits it.

        Raises:
            DeltaDoesNotFitTicket: it is not, or does not.
        """
        sha256 = None if ticket is None else ticket.sha256
        if self.ticket_sha256 != sha256:
            raise DeltaDoesNotFitTicket(f"the adapter needs ticket {self.ticket_sha256}, and this is {sha256}")
        if ticket is not None:
            if ticket.strategy != self.strategy:
                raise DeltaDoesNotFitTicket(f"the adapter is {self.strategy}, and its ticket {ticket.strategy}")
            self.delta.check(ticket)
        elif shapes is not None:
            self.delta.check_dense(shapes)


class Export(NamedTuple):
    """What an exported file holds; `ticket` is None when nothing but the prompt moved, or everything could."""

    adapter: Adapter
    ticket: Ticket | None
    notes: str
    left: Mapping[str, Stored] | None = None
    """The delta's values, where they were left in the file; in `adapter` they are tensors without content."""


def read_export(path: Path, backbone: BackboneInfo | None = None, *, leave: bool = False) -> Export:
    """Read and verify an export: an adapter, and the ticket it needs.

    With `leave` the values are verified and stay in the file, which must not be changed: so one of any size takes
    little memory.

    Raises:
        CorruptArtifact, NonFiniteWeights, BackboneMismatch: see `Adapter.load`.
        DeltaDoesNotFitTicket: the adapter and the exported mask do not belong together, or there is no mask.
    """
    export = _read(path, backbone, leave=leave)
    export.adapter.check(export.ticket, backbone.shapes if backbone else None)
    return export


def open_export(path: Path) -> Export:
    """Read and verify an adapter's own file, without a ticket, and leave its values there."""
    return _read(path, None, leave=True)


def _read(path: Path, backbone: BackboneInfo | None, *, leave: bool = False) -> Export:
    def check(header: Header) -> tuple[dict[str, str], Ticket | None]:
        return checked_header(path.name, header, backbone), exported_mask.ticket_of_header(header, backbone)

    arrays: Mapping[str, Array | Stored]
    arrays, (metadata, ticket) = (tensorfile.open_verified if leave else tensorfile.read)(path, check=check)
    adapter = _decode(path.name, arrays, metadata)
    left = {name: array for name in adapter.delta.values if isinstance(array := arrays[f"delta/{name}"], Stored)}
    whole = ticket and exported_mask.from_tensors(ticket, arrays)
    return Export(adapter, whole, metadata.get("notes", ""), left if leave else None)


def _decode(file: str, arrays: Mapping[str, Array | Stored], metadata: Mapping[str, str]) -> Adapter:
    try:
        names = strict_json.read(metadata["names"], strict_json.NAMES)
        exponents = strict_json.read(metadata["exponents"], EXPONENTS)
        scales = {name: _array(arrays[f"scales/{name}"]) for name in names} if RECORDED in metadata else {}
        delta = Delta(
            values={name: _tensor(arrays[f"delta/{name}"]) for name in names},
            exponents=dict(zip(names, exponents, strict=True)),
            rows={name: torch.from_numpy(_array(arrays[f"rows/{name}"])).long() for name in names if name in BY_ROWS},
            scales={name: torch.from_numpy(array) for name, array in scales.items()},
        )
        adapter = Adapter(
            prompt=torch.from_numpy(_array(arrays["prompt"])),
            delta=delta,
            method=metadata["method"],  # type: ignore[arg-type]  # checked below
            strategy=metadata["strategy"],  # type: ignore[arg-type]
            backbone=metadata["backbone"],
            ticket_sha256=metadata["ticket_sha256"] or None,
            template=strict_json.read(metadata["template"], TEMPLATE),
            text_form=read_recorded(metadata, of=file),
            head={name: torch.from_numpy(_array(arrays[f"head/{name}"])) for name in _head_of(arrays)},
            chosen=recorded_verbalizer(file, metadata),
            calibration=recorded_calibration(file, metadata),
        )
    except (KeyError, ValueError) as error:
        raise CorruptArtifact(f"{file} is not a whole adapter: {error!r:.300}") from error
    own = {name: arrays[name] for name in ("prompt", *(f"head/{name}" for name in adapter.head))}
    check_finite(file, scales)
    _check_values(file, adapter, own | {f"delta/{name}": scales.get(name, arrays[f"delta/{name}"]) for name in names})
    return adapter


def _head_of(arrays: Mapping[str, Array | Stored]) -> list[str]:
    return [name.removeprefix("head/") for name in arrays if name.startswith("head/")]


def _tensor(array: Array | Stored) -> Tensor:
    """A tensor of the values, or one without content for those that stay in their file."""
    if isinstance(array, Stored):
        return torch.empty(array.shape, dtype=torch.from_numpy(np.empty(0, array.dtype)).dtype, device="meta")
    return torch.from_numpy(array)


def _array(array: Array | Stored) -> Array:
    return np.array(array.mapped()) if isinstance(array, Stored) else array


def _check_values(file: str, adapter: Adapter, given: Mapping[str, Array | Stored]) -> None:
    known = adapter.method in METHODS and adapter.strategy in STRATEGIES and _possible(adapter)
    if not known:
        told = f"{adapter.method:.40}, {adapter.strategy:.40}, {adapter.template}"
        raise CorruptArtifact(f"{file} describes an adapter that cannot be: {told}")
    for name, values in given.items():
        parameter = name.removeprefix("delta/")
        scale = 2.0 ** -adapter.delta.exponents.get(parameter, 0)
        scale *= LARGEST_MAGNITUDE if parameter in adapter.delta.scales else 1
        if not within(values, LARGEST / scale):
            raise NonFiniteWeights(f"{file}: {name} has a NaN or an infinity, or a value beyond {LARGEST:.3g}")


def _possible(adapter: Adapter) -> bool:
    """Tell whether the adapter has what its method makes, and nothing else."""
    recipe = METHODS[adapter.method]
    has_ticket, has_delta = adapter.ticket_sha256 is not None, bool(adapter.delta.values)
    head = CLASSIFIER if recipe.classifies else ()
    return (
        (recipe.needs_ticket or not has_ticket)
        and (recipe.dense or has_ticket or not has_delta)
        and recipe.soft == bool(len(adapter.prompt))
        and (tuple(sorted(adapter.head)) == head)
    )
