"""What a checkpoint folder is, without loading it: sizes, shapes, fingerprint, recommended rate. Imports no torch.

The folder is a standard one (`config.json`, `model.safetensors`, `tokenizer.json`) and a note of ours, `ltp.json`, that
carries its name, its recommended learning rate, and what is known of these very files, told by size, times and inode:
their fingerprint with the rule it follows, and that they were once loaded and are usable. Both are determined again
when one of these differs.
A folder that was prepared is pinned as well: the SHA-256 of its files, which must stay what they were.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from ltp import atomic_file, tensorfile
from ltp.backbone import fingerprint
from ltp.backbone.architecture import DECODER, Architecture, Shapes, read_architecture
from ltp.errors import BackboneChanged, BackboneIncomplete

NOTE, PINNED = "ltp.json", "pinned"
FILES = ("config.json", fingerprint.WEIGHTS, fingerprint.TOKENIZER)
DEFAULT_LEARNING_RATE = 2e-5
"""XLM-R base's (4.2)."""


@dataclass(frozen=True)
class BackboneInfo:
    """A checkpoint folder in numbers. `shapes` holds every canonical parameter, sorted by code point."""

    name: str
    directory: Path
    fingerprint: str
    architecture: Architecture = field(repr=False)
    layers: int
    hidden: int
    vocabulary: int
    parameters: int
    learning_rate: float
    max_positions: int
    """Tokens in the longest input."""
    checked: bool = field(hash=False, compare=False)
    """Whether these very files were loaded before: every value finite, every piece of the tokenizer with its row."""
    shapes: Shapes = field(repr=False, hash=False)

    @property
    def tied(self) -> bool:
        """Whether the checkpoint's output embeddings are its input embeddings."""
        return DECODER not in self.shapes


def read_manifest(directory: Path) -> BackboneInfo:
    """Describe the checkpoint in `directory`, checking every name and shape against its configuration.

    Raises:
        BackboneNotFound: there is no checkpoint there.
        BackboneIncomplete: naming the file or tensor that is missing, truncated, unknown, or of the wrong shape.
        BackboneChanged: it was pinned, and its files are others now.
    """
    note = _read_note(directory)
    state = _files(directory) if directory.is_dir() and PINNED in note else None
    if state is not None and note.get("files") != state:
        _check_pins(directory, note)
    arch = read_architecture(directory)
    header = fingerprint.weights_header(directory)
    state = state or _files(directory)
    same = note.get("files") == state
    if not same or note.get("rule") != fingerprint.RULE or not isinstance(note.get("shapes"), dict):
        shapes = fingerprint.parameter_shapes(directory, arch, header)
        found = fingerprint.compute(directory, arch, header, shapes)
        note |= {"files": state, "fingerprint": found, "rule": fingerprint.RULE, "shapes": shapes}
        note["checked"] = same and note.get("checked") is True
        with contextlib.suppress(OSError):  # a read-only folder is hashed each time
            _write_note(directory, note)
    shapes = {name: tuple(shape) for name, shape in note["shapes"].items()}
    return BackboneInfo(
        name=str(note.get("name", directory.resolve().name)),
        directory=directory,
        fingerprint=note["fingerprint"],
        architecture=arch,
        layers=arch.layers,
        hidden=arch.hidden,
        vocabulary=arch.vocabulary,
        parameters=sum(prod(shape) for shape in shapes.values()),
        learning_rate=float(note.get("learning_rate", DEFAULT_LEARNING_RATE)),
        max_positions=arch.max_positions,
        checked=note.get("checked") is True,
        shapes=shapes,
    )


def remember_checked(info: BackboneInfo) -> None:
    """Note that the folder was loaded and its content is usable, unless its files have changed meanwhile."""
    with contextlib.suppress(OSError, BackboneIncomplete):
        note = _read_note(info.directory)
        if note.get("fingerprint") == info.fingerprint and note.get("files") == _files(info.directory):
            _write_note(info.directory, note | {"checked": True})


def pin(directory: Path) -> None:
    """Note the SHA-256 of a folder's files, from which they may not differ any more; the first time counts."""
    note = _read_note(directory)
    if PINNED not in note:
        _write_note(directory, note | {PINNED: {name: tensorfile.file_sha256(directory / name) for name in FILES}})


def verify(directory: Path) -> BackboneInfo:
    """Read every byte of a prepared folder again, whatever its sizes and times say, and describe it.

    Raises:
        BackboneChanged: it is not what was prepared.
        BackboneNotFound, BackboneIncomplete: see `read_manifest`; also a folder that was never prepared.
    """
    note = _read_note(directory)
    if PINNED not in note:
        raise BackboneIncomplete(f"{directory} was never prepared; run `ltp backbone prepare` to pin its files")
    _files(directory)
    _check_pins(directory, note)
    _write_note(directory, {name: value for name, value in note.items() if name != "files"})  # so that it is hashed
    info = read_manifest(directory)
    if note.get("rule") == fingerprint.RULE and note.get("fingerprint") not in (None, info.fingerprint):
        raise BackboneChanged(directory, [NOTE])
    return info


def _check_pins(directory: Path, note: dict[str, Any]) -> None:
    pins = note[PINNED]
    changed = [name for name in FILES if tensorfile.file_sha256(directory / name) != pins.get(name)]
    if changed:
        raise BackboneChanged(directory, changed)


def write_note(directory: Path, *, name: str, learning_rate: float, **facts: str | int) -> None:
    """Give a folder its name, its recommended learning rate, and further facts; a fingerprint in the note is kept."""
    _write_note(directory, _read_note(directory) | {"name": name, "learning_rate": learning_rate, **facts})


def _read_note(directory: Path) -> dict[str, Any]:
    path = directory / NOTE
    try:
        note = json.loads(path.read_bytes()) if path.is_file() else {}
        float(note.get("learning_rate", DEFAULT_LEARNING_RATE))
        dict(note.get(PINNED, {}))
    except (ValueError, TypeError, AttributeError) as error:
        raise BackboneIncomplete(f"{path} is damaged ({error}); delete it") from error
    return dict(note)


def _write_note(directory: Path, note: dict[str, Any]) -> None:
    atomic_file.write_text(directory / NOTE, json.dumps(note, allow_nan=False))


def _files(directory: Path) -> dict[str, list[int]]:
    state = {}
    for name in FILES:
        path = directory / name
        if not path.is_file():
            pieces = name == fingerprint.TOKENIZER and next(iter(sorted(directory.glob("*.model"))), None)
            cure = f"; make it from {pieces.name} as docs/backbones.md shows" if pieces else ""
            raise BackboneIncomplete(f"{directory} holds no {name}{cure}")
        stat = path.stat()
        state[name] = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    return state
