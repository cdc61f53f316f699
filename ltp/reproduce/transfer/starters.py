"""The starters that are compared, each an export in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ltp.backbone.manifest import BackboneInfo
from ltp.errors import InvalidExperiment
from ltp.reproduce.transfer.experiment import Line

if TYPE_CHECKING:
    from ltp.adapter.artefact import Adapter
    from ltp.ticket.mask import Ticket


@dataclass(frozen=True)
class Starter:
    """One starter: its name in the report, which line it is, and what its file holds."""

    name: str
    line: Line
    sha256: str
    """Of the file."""
    bytes: int
    notes: str
    adapter: Adapter = field(repr=False, compare=False)
    ticket: Ticket = field(repr=False, compare=False)

    def facts(self) -> dict[str, Any]:
        """For a report."""
        plain = {name: getattr(self, name) for name in ("name", "line", "sha256", "bytes", "notes")}
        active, selectable = self.ticket.active, self.ticket.selectable
        return plain | {"ticket_sha256": self.ticket.sha256, "active": active, "share": active / selectable}


def read_starter(path: Path, backbone: BackboneInfo, *, name: str, line: Line) -> Starter:
    """Read an export.

    Raises:
        InvalidExperiment: there is no such file, or the adapter stands on no ticket.
        CorruptArtifact, NonFiniteWeights, BackboneMismatch, DeltaDoesNotFitTicket: see `read_export`.
    """
    from ltp.adapter.artefact import read_export  # it imports torch

    if not path.is_file():
        raise InvalidExperiment(f"there is no file {path} for the {name} starter")
    export = read_export(path, backbone)
    if export.ticket is None:
        raise InvalidExperiment(f"{path} holds an adapter of method {export.adapter.method!r}; a starter has a ticket")
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    return Starter(name, line, sha256, len(content), export.notes, export.adapter, export.ticket)


def read_starters(
    backbone: BackboneInfo, *, shipped: Path | None, clean: Path | None, further: Mapping[str, Path]
) -> tuple[Starter, ...]:
    """The clean one first, since claims are made by it.

    Raises:
        InvalidExperiment: there is none, or a name is taken.
    """
    named: list[tuple[str, Line, Path]] = []
    if clean is not None:
        named.append(("clean", "clean", clean))
    if shipped is not None:
        named.append(("shipped", "shipped", shipped))
    named += [(name, "further", path) for name, path in further.items()]
    if clean is None and shipped is None:
        raise InvalidExperiment("there is no starter to begin from; name an export with --starter or --clean-starter")
    if taken := sorted({"clean", "shipped"} & set(further)):
        raise InvalidExperiment(f"a further starter is named {taken[0]!r}; that is one of the two usual lines")
    return tuple(read_starter(path, backbone, name=name, line=line) for name, line, path in named)
