"""Bytes of a backbone that changed are noticed, also when size and time of the file stayed as they were."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ltp.backbone.locate import prepared_directory
from ltp.backbone.manifest import pin, read_manifest, verify
from ltp.errors import BackboneChanged, BackboneIncomplete, BackboneNotFound

FILES = ["config.json", "model.safetensors", "tokenizer.json"]


@pytest.fixture
def folder(tiny_backbone_dir: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny_backbone_dir, tmp_path / "tiny")
    (tmp_path / "tiny" / "ltp.json").unlink(missing_ok=True)
    return tmp_path / "tiny"


def flip(path: Path) -> None:
    """Another last byte of the data, and the times that the file had."""
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replace(path: Path) -> None:
    """Another file in its place, of the same size and times."""
    new = path.with_name("new")
    shutil.copy2(path, new)
    flip(new)
    new.replace(path)


@pytest.mark.parametrize("change", [flip, replace])
def test_the_fingerprint_is_that_of_the_bytes_whatever_size_and_time_say(
    folder: Path, change: Callable[[Path], None]
) -> None:
    before = read_manifest(folder).fingerprint
    change(folder / "model.safetensors")
    assert read_manifest(folder).fingerprint != before


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", [flip, replace])
def test_a_prepared_folder_whose_bytes_changed_is_refused_by_name(
    folder: Path, name: str, change: Callable[[Path], None]
) -> None:
    read_manifest(folder)
    pin(folder)
    assert read_manifest(folder) == verify(folder)
    original = (folder / name).read_bytes()
    change(folder / name)
    for look in (read_manifest, read_manifest, verify):
        with pytest.raises(BackboneChanged, match="ltp backbone prepare") as raised:
            look(folder)
        assert raised.value.files == (name,)
    (folder / name).write_bytes(original)
    assert read_manifest(folder) == verify(folder)


def test_a_changed_file_behind_a_note_that_was_adapted_is_found_by_verify(folder: Path) -> None:
    read_manifest(folder)
    pin(folder)
    flip(folder / "model.safetensors")
    stat = (folder / "model.safetensors").stat()
    note = json.loads((folder / "ltp.json").read_bytes())
    note["files"]["model.safetensors"] = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    (folder / "ltp.json").write_text(json.dumps(note))
    read_manifest(folder)
    with pytest.raises(BackboneChanged):
        verify(folder)


def test_a_copy_of_a_prepared_folder_is_as_good(folder: Path, tmp_path: Path) -> None:
    before = read_manifest(folder).fingerprint
    pin(folder)
    shutil.copytree(folder, tmp_path / "copy")
    assert read_manifest(tmp_path / "copy").fingerprint == before
    assert verify(tmp_path / "copy").fingerprint == before


def test_what_was_never_prepared_cannot_be_verified(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BackboneIncomplete, match="ltp backbone prepare"):
        verify(prepared_directory(str(folder), cache_dir=tmp_path))
    for spec in ("mini", f"owner/name@{'0' * 40}", "nowhere"):
        with pytest.raises(BackboneNotFound):
            prepared_directory(spec, cache_dir=tmp_path)
