"""Our safetensors files are everyone's, and a header that lies is refused before anything is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ltp import tensorfile
from ltp.errors import CorruptArtifact

ARRAYS = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.array([1, 2, 3], np.uint8),
    "c": np.zeros((0, 4), np.float16),
    "d": np.array([2**40], np.int64),
}


def test_safetensors_reads_what_we_write(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.safetensors"
    digest = tensorfile.write(path, ARRAYS, {"note": "ä"})
    loaded = load_file(path)
    assert all(
        np.array_equal(loaded[name], array) and loaded[name].dtype == array.dtype for name, array in ARRAYS.items()
    )
    header = tensorfile.read_header(path)
    assert list(header.entries) == list(ARRAYS)  # in the order given, also of equal offsets
    assert header.metadata == {"note": "ä", "data_sha256": digest}
    again, metadata = tensorfile.read(path, check=lambda header: header.metadata)
    assert all(np.array_equal(again[name], array) for name, array in ARRAYS.items())
    assert metadata["note"] == "ä"
    views, same = tensorfile.parse("file", np.fromfile(path, np.uint8), check=lambda header: header.metadata)
    assert all(
        np.array_equal(views[name], array) and views[name].dtype == array.dtype for name, array in ARRAYS.items()
    )
    assert same == metadata
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_we_read_the_header_of_what_safetensors_writes(tmp_path: Path) -> None:
    save_file(ARRAYS, tmp_path / "file", metadata={"x": "y"})
    header = tensorfile.read_header(tmp_path / "file")
    assert {name: entry.shape for name, entry in header.entries.items()} == {n: a.shape for n, a in ARRAYS.items()}
    with pytest.raises(CorruptArtifact, match="SHA-256"):
        tensorfile.read(tmp_path / "file", check=lambda header: header.metadata)


def test_damage_in_memory_is_refused_as_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    tensorfile.write(path, ARRAYS, {})
    whole = np.fromfile(path, np.uint8)
    for place in (0, 20, len(whole) - 1):
        flipped = whole.copy()
        flipped[place] ^= 1
        with pytest.raises(CorruptArtifact):
            tensorfile.parse("file", flipped, check=lambda header: header.metadata)
    for size in (0, 7, 8, 40, len(whole) - 1):
        with pytest.raises(CorruptArtifact):
            tensorfile.parse("file", whole[:size], check=lambda header: header.metadata)


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    tensorfile.write(tmp_path / "file", ARRAYS, {})
    before = (tmp_path / "file").read_bytes()
    with pytest.raises(TypeError, match="complex"):
        tensorfile.write(tmp_path / "file", ARRAYS | {"z": np.zeros(1, np.complex64)}, {})
    assert (tmp_path / "file").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_the_check_sees_the_header_before_the_data_is_read(tmp_path: Path) -> None:
    tensorfile.write(tmp_path / "file", ARRAYS, {})

    def refuse(header: tensorfile.Header) -> None:
        raise CorruptArtifact(f"{len(header.entries)} tensors")

    with pytest.raises(CorruptArtifact, match="4 tensors"):
        tensorfile.read(tmp_path / "file", check=refuse)


def _entry(start: int, stop: int, *, dtype: str = "U8", shape: Any = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [stop - start] if shape is None else shape, "data_offsets": [start, stop]}


@pytest.mark.parametrize(
    "header",
    [
        {"a": _entry(0, 4), "b": _entry(3, 8)},
        {"a": _entry(0, 3), "b": _entry(4, 8)},
        {"a": _entry(0, 7)},
        {"a": _entry(0, 9)},
        {"a": _entry(0, 8, shape=[3])},
        {"a": _entry(0, 8, shape=[-2, -4])},
        {"a": _entry(0, 8, shape=[True, 8])},
        {"a": _entry(0, 8, shape="8")},
        {"a": _entry(0, 8, dtype="F7")},
        {"a": {"dtype": "U8", "shape": [8], "data_offsets": [0]}},
        {"a": {"dtype": "U8", "shape": [8]}},
        {"a": [1]},
        {"a": _entry(0, 8), "__metadata__": 3},
        [],
        None,
        "[" * 100_000,
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, header: Any) -> None:
    text = header.encode() if isinstance(header, str) else json.dumps(header).encode()
    (tmp_path / "file").write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(CorruptArtifact, match="file"):
        tensorfile.read_header(tmp_path / "file")


def test_a_header_longer_than_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes((2**63).to_bytes(8, "little") + b"{}")
    with pytest.raises(CorruptArtifact, match="truncated"):
        tensorfile.read_header(tmp_path / "file")
