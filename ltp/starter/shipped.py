"""Which starter the package has for a backbone; only headers are read for that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ltp import tensorfile
from ltp.starter.packed_header import parse_header

FOLDER = Path(__file__).parent / "files"
"""Where the package keeps them: `NAME.safetensors` and, beside it, its card `NAME.md`."""


@dataclass(frozen=True)
class StarterFile:
    """A packed starter."""

    path: Path
    backbone: str
    """Fingerprint."""
    ticket_sha256: str
    """The hash of its ticket's mask."""
    export_sha256: str
    """Of the export that it unpacks to: two starters are one when these agree."""
    nbytes: int

    @property
    def name(self) -> str:
        """The name of its file, and so of the backbone as people call it."""
        return self.path.stem

    @property
    def card(self) -> Path:
        """What people should know of it, as Markdown."""
        return self.path.with_suffix(".md")


def find(fingerprint: str, folder: Path = FOLDER) -> StarterFile | None:
    """The starter for the backbone of this fingerprint; None when there is none.

    Raises:
        CorruptArtifact: a file in the folder is no whole starter.
    """
    return next((each for each in starters(folder) if each.backbone == fingerprint), None)


def starters(folder: Path = FOLDER) -> list[StarterFile]:
    """Every starter in a folder, by name. Raises CorruptArtifact."""
    return [described(path) for path in sorted(folder.glob("*.safetensors"))]


def described(path: Path) -> StarterFile:
    """What a packed file says of itself. Raises CorruptArtifact."""
    header = parse_header(path.name, tensorfile.read_header(path))
    return StarterFile(
        path=path,
        backbone=header.metadata["backbone"],
        ticket_sha256=header.metadata["ticket_sha256"],
        export_sha256=header.export_sha256,
        nbytes=path.stat().st_size,
    )
