"""A language delta as one safetensors file that a flipped bit makes unreadable.

The file holds `delta/<name>`, values in ticket order, and for embedding matrices `rows/<name>`, as an adapter's does.
Its metadata names format, backbone, ticket, tensors in order and scales, how it was made, and two SHA-256: of the data
section, and of everything else. The ticket's mask is not in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Annotated, Any, cast

import numpy as np
import torch
from annotated_types import Ge, Le, MaxLen
from pydantic import FailFast, TypeAdapter

from ltp import strict_json, tensorfile
from ltp.backbone.architecture import EMBEDDING_MATRICES
from ltp.backbone.manifest import BackboneInfo
from ltp.backbone.strategy import STRATEGIES, Strategy
from ltp.config import TextForm
from ltp.delta.delta import MAX_EXPONENT, Delta
from ltp.delta.header_checksum import check_checksum, with_checksum
from ltp.errors import BackboneMismatch, CorruptArtifact, DeltaDoesNotFitTicket, NonFiniteWeights
from ltp.tensorfile import Array, Entry, Header
from ltp.text.form import read_recorded, recorded
from ltp.ticket.mask import Ticket

FORMAT, VERSION = "ltp-language-delta", "1"
KINDS = {("delta", "F16"), ("delta", "F32"), ("rows", "I32")}
EXPONENTS = TypeAdapter[list[int]](
    Annotated[list[Annotated[int, Ge(-MAX_EXPONENT), Le(MAX_EXPONENT)]], MaxLen(strict_json.MOST_TENSORS), FailFast()]
)


@dataclass(frozen=True)
class LanguageDelta:
    """What one language's text changed at the positions of a ticket. `report` says how it was made, and if it helps."""

    delta: Delta
    ticket_sha256: str
    backbone: str
    """Fingerprint."""
    strategy: Strategy
    text_form: TextForm = 0
    """How its text was prepared (`ltp.text.form`)."""
    report: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def nbytes(self) -> int:
        """Bytes of its tensors."""
        return self.delta.nbytes

    def check(self, ticket: Ticket) -> None:
        """Make sure that this is its ticket.

        Raises:
            DeltaDoesNotFitTicket: it is not.
        """
        if (self.ticket_sha256, self.strategy) != (ticket.sha256, ticket.strategy):
            raise DeltaDoesNotFitTicket(
                f"the language delta needs the {self.strategy} ticket {self.ticket_sha256}, and this is "
                f"{ticket.sha256} ({ticket.strategy}); make one on this ticket, or train on that one"
            )
        self.delta.check(ticket)

    def save(self, path: Path) -> None:
        """Write the language delta, whole or not at all."""
        tensors: dict[str, Array] = {}
        for name, values in self.delta.values.items():
            tensors[f"delta/{name}"] = values.numpy()
            if name in self.delta.rows:
                tensors[f"rows/{name}"] = self.delta.rows[name].numpy().astype("<i4")
        metadata = {
            "format": FORMAT,
            "version": VERSION,
            "backbone": self.backbone,
            "strategy": self.strategy,
            "ticket_sha256": self.ticket_sha256,
            "names": json.dumps(list(self.delta.values), allow_nan=False),
            "exponents": json.dumps(list(self.delta.exponents.values()), allow_nan=False),
            "report": json.dumps(self.report, allow_nan=False),
            **recorded(self.text_form),
        }
        tensorfile.write(path, tensors, with_checksum(tensors, metadata))

    @staticmethod
    def load(path: Path, backbone: BackboneInfo | None = None) -> LanguageDelta:
        """Read and verify one; with `backbone`, sizes are checked against its own before they are allocated.

        Raises:
            CorruptArtifact: the file is damaged, or no language delta.
            NonFiniteWeights: it carries a NaN or an infinity.
            BackboneMismatch: it was made on another backbone.
        """
        arrays, metadata = tensorfile.read(path, check=lambda header: _checked(path.name, header, backbone))
        return _decode(path.name, arrays, metadata)


def _checked(file: str, header: Header, backbone: BackboneInfo | None) -> dict[str, str]:
    facts = header.metadata
    if facts.get("format") != FORMAT:
        raise CorruptArtifact(f"{file} is not a language delta")
    check_checksum(header)
    if facts.get("version") != VERSION:
        raise CorruptArtifact(
            f"{file} is a language delta of version {facts.get('version')!s:.40}; this program reads {VERSION}"
        )
    read_recorded(facts, of=file)
    if backbone is not None and facts.get("backbone") != backbone.fingerprint:
        raise BackboneMismatch(artefact=str(facts.get("backbone")), backbone=backbone.fingerprint)
    for name, entry in header.entries.items():
        if not _fits(name, entry, backbone):
            raise CorruptArtifact(f"{file}: {name} is {entry.dtype} of shape {entry.shape}, which none has here")
    return facts


def _fits(name: str, entry: Entry, backbone: BackboneInfo | None) -> bool:
    """Tell whether a tensor may stand in such a file: a known kind, no larger than the tensor that it changes."""
    kind, _, parameter = name.partition("/")
    if (kind, entry.dtype) not in KINDS or len(entry.shape) != 1:
        return False
    if backbone is None:
        return True
    shape = backbone.shapes.get(parameter, (0,))
    return entry.shape[0] <= (shape[0] if kind == "rows" else prod(shape))


def _decode(file: str, arrays: dict[str, Array], metadata: dict[str, str]) -> LanguageDelta:
    try:
        names = strict_json.read(metadata["names"], strict_json.NAMES)
        exponents = strict_json.read(metadata["exponents"], EXPONENTS)
        matrices = [name for name in names if name in EMBEDDING_MATRICES]
        delta = Delta(
            values={name: torch.from_numpy(arrays[f"delta/{name}"]) for name in names},
            exponents=dict(zip(names, exponents, strict=True)),
            rows={name: torch.from_numpy(arrays[f"rows/{name}"]).long() for name in matrices},
        )
        language = LanguageDelta(
            delta=delta,
            ticket_sha256=metadata["ticket_sha256"],
            backbone=metadata["backbone"],
            strategy=cast("Strategy", metadata["strategy"]),
            text_form=read_recorded(metadata, of=file),
            report=strict_json.read(metadata["report"], strict_json.FACTS),
        )
    except (KeyError, ValueError) as error:
        raise CorruptArtifact(f"{file} is not a whole language delta: {error!r:.300}") from error
    if language.strategy not in STRATEGIES or len(arrays) != len(names) + len(matrices):
        raise CorruptArtifact(f"{file} describes a language delta that cannot be: {language.strategy:.40}")
    for name in names:
        decoded = delta.decode(name).numpy()
        if not np.isfinite(decoded).all():
            raise NonFiniteWeights(f"{file}: {name} has a NaN or an infinity")
    return language
