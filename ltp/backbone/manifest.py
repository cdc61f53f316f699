"""What a checkpoint folder is, without loading it: sizes, shapes, fingerprint, recommended rate. Imports no torch.

The folder is a standard one (`config.json`, `model.safetensors`, `tokenizer.json`) and a note of ours, `ltp.json`, that
carries its name, its recommended learning rate, and what is known of files of these sizes and times: their fingerprint,
and that they were once loaded and are usable. Both are determined again when the files have changed.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from ltp import atomic_file
from ltp.backbone import fingerprint
from ltp.backbone.architecture import DECODER, Architecture, Shapes, read_architecture
from ltp.errors import BackboneIncomplete

NOTE = "ltp.json"
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
    """
    arch = read_architecture(directory)
    header = fingerprint.weights_header(directory)
    note = _read_note(directory)
    state = _files(directory)
    if note.get("files") != state or not isinstance(note.get("shapes"), dict):
        shapes = fingerprint.parameter_shapes(directory, arch, header)
        note |= {"files": state, "fingerprint": fingerprint.compute(directory, header, shapes), "shapes": shapes}
        note["checked"] = False
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


def write_note(directory: Path, *, name: str, learning_rate: float, **facts: str | int) -> None:
    """Give a folder its name, its recommended learning rate, and further facts; a fingerprint in the note is kept."""
    _write_note(directory, _read_note(directory) | {"name": name, "learning_rate": learning_rate, **facts})


def _read_note(directory: Path) -> dict[str, Any]:
    path = directory / NOTE
    try:
        note = json.loads(path.read_bytes()) if path.is_file() else {}
        float(note.get("learning_rate", DEFAULT_LEARNING_RATE))
    except (ValueError, TypeError, AttributeError) as error:
        raise BackboneIncomplete(f"{path} is damaged ({error}); delete it") from error
    return dict(note)


def _write_note(directory: Path, note: dict[str, Any]) -> None:
    atomic_file.write_text(directory / NOTE, json.dumps(note, allow_nan=False))


def _files(directory: Path) -> dict[str, list[int]]:
    state = {}
    for name in ("config.json", fingerprint.WEIGHTS, fingerprint.TOKENIZER):
        path = directory / name
        if not path.is_file():
            raise BackboneIncomplete(f"{directory} holds no {name}")
        state[name] = [path.stat().st_size, path.stat().st_mtime_ns]
    return state
