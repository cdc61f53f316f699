"""What can be uploaded: paths, open files, bytes, tables; each read whole, as often as it has to be sent."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import math
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from ltp_client.pairs import as_pairs, examples_of
from ltp_client.uploads import IN_MEMORY, Upload, parts, upload

CSV = b"premise,hypothesis,label\na,b,0\n"


def content(made: Upload) -> bytes:
    """What is sent: httpx rewinds a file that can be."""
    found = set()
    for _ in range(2):
        with made.opened() as file:
            file.seek(0)
            found.add(file.read())
    (once,) = found
    return once


def test_a_path_is_read_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mis pares.csv"
    path.write_bytes(CSV)
    for given in (path, str(path)):
        made = upload(given)
        assert (made.name, content(made)) == ("mis pares.csv", CSV)


def test_an_open_file_is_sent_whole_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(CSV)
    with path.open("rb") as binary, path.open(encoding="utf-8") as text:
        binary.read(7)
        assert [(made.name, content(made)) for made in map(upload, (binary, text))] == [("pairs.csv", CSV)] * 2


@pytest.mark.parametrize("file", [io.BytesIO(CSV), io.StringIO(CSV.decode()), CSV])
def test_what_has_no_name_gets_one(file: Any) -> None:
    made = upload(file, name="examples")
    assert (made.name, content(made)) == ("examples", CSV)


def test_what_cannot_be_rewound_is_kept() -> None:
    read, write = os.pipe()
    os.write(write, CSV)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        assert content(upload(file)) == CSV


@pytest.mark.parametrize("compressed", [gzip, bz2, lzma])
def test_a_compressed_file_that_is_opened_is_sent_as_what_it_holds(compressed: Any, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv.gz"
    with compressed.open(path, "wb") as file:
        file.write(CSV * 1000)
    with compressed.open(path) as file:
        made = upload(file, name="pairs.csv")
        with ExitStack() as opened:
            request = httpx.Request("POST", "http://127.0.0.1/", files=parts({}, {"file": made}, opened))
            assert int(request.headers["Content-Length"]) == len(request.read())
        assert (made.name, content(made)) == ("pairs.csv", CSV * 1000)


def test_what_can_only_be_read_is_kept() -> None:
    class Reader:
        def __init__(self) -> None:
            self.read = io.BytesIO(CSV).read

    assert content(upload(Reader())) == CSV  # type: ignore[arg-type]


def test_a_name_that_is_no_text_is_sent_as_far_as_it_is() -> None:
    with ExitStack() as opened:
        made = parts({}, {"file": upload(io.BytesIO(CSV), name=os.fsdecode(b"m\xc3\xads\xff.csv"))}, opened)
        assert made["file"][0] == "mís?.csv"
        httpx.Request("POST", "http://127.0.0.1/", files=made).read()


def test_a_temporary_file_has_no_name_of_its_own() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(CSV)
        made = upload(file)
        assert (made.name, content(made)) == ("pairs", CSV)


def test_a_data_frame_travels_as_json_lines_with_its_types() -> None:
    frame = pd.DataFrame(
        {"premise": ["Ñandu\n\u2028ñ", "b"], "hypothesis": ["c", None], "label": [0, 2], "x": [0.5, None]}
    )
    made = upload(frame[frame["label"] >= 0], name="examples")
    assert made.name == "examples.jsonl"
    rows = [json.loads(line) for line in content(made).decode().split("\n") if line]
    assert rows == [
        {"premise": "Ñandu\n\u2028ñ", "hypothesis": "c", "label": 0, "x": 0.5},
        {"premise": "b", "hypothesis": None, "label": 2, "x": None},
    ]


def test_a_data_frame_keeps_moments_and_digits_and_loses_its_index() -> None:
    frame = pd.DataFrame(
        {
            "premise": pd.Categorical(["a", "b"]),
            "label": pd.Categorical(["neutral", None]),
            "when": pd.to_datetime(["2026-03-01T12:00:00", None]),
            "x": [0.123456789012345, float("inf")],
            "n": pd.array([2**53 + 1, None], dtype="Int64"),
        },
        index=pd.Index(["one", "two"], name="id"),
    )
    rows = [json.loads(line) for line in content(upload(frame)).decode().splitlines()]
    assert rows == [
        {"premise": "a", "label": "neutral", "when": "2026-03-01T12:00:00.000", "x": 0.123456789012345, "n": 2**53 + 1},
        {"premise": "b", "label": None, "when": None, "x": None, "n": None},
    ]


@pytest.mark.slow
def test_a_dataset_says_its_labels_by_name() -> None:
    """In whatever format its rows are asked for; the numbers are each data set's own."""
    import datasets

    text = datasets.Value("string")
    labels = datasets.ClassLabel(names=["contradiction", "entailment", "neutral"])
    columns = {"premise": ["ã", "b\u2028", "c"], "hypothesis": ["x", "y", None], "label": [1, -1, 2]}
    columns["score"] = [[0.5, math.nan], [math.inf], []]  # type: ignore[list-item]
    scores = datasets.List(datasets.Value("float64"))
    features = datasets.Features({"premise": text, "hypothesis": text, "label": labels, "score": scores})
    dataset = datasets.Dataset.from_dict(columns, features=features)
    for each in (dataset, dataset.with_format("numpy"), dataset.to_iterable_dataset()):
        made = upload(each, name="examples")
        assert made.name == "examples.jsonl"
        rows = [json.loads(line) for line in content(made).decode().split("\n") if line]
        assert rows == [
            {"premise": "ã", "hypothesis": "x", "label": "entailment", "score": [0.5, None]},
            {"premise": "b\u2028", "hypothesis": "y", "label": "-", "score": [None]},
            {"premise": "c", "hypothesis": None, "label": "neutral", "score": []},
        ]
    with pytest.raises(TypeError, match="DatasetDict is no path"):
        upload(datasets.DatasetDict({"train": dataset}))


def test_what_is_large_is_not_held_in_memory() -> None:
    made = upload(io.StringIO("x" * (IN_MEMORY + 3_000_000)))
    with made.opened() as file:
        assert not isinstance(file, io.BytesIO)
        assert file.seek(0, os.SEEK_END) == IN_MEMORY + 3_000_000


def test_what_is_no_file_is_said() -> None:
    with pytest.raises(TypeError, match="int is no path, file, bytes, DataFrame"):
        upload(7)  # type: ignore[arg-type]


def test_lists_of_pairs_go_into_the_request_and_files_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "dev.csv"
    path.write_bytes(CSV)
    labelled = [("a", "b", "entailment"), {"premise": "c", "hypothesis": "d", "label": 2}]
    body, files = examples_of({"examples": labelled, "dev_examples": path, "test_examples": None})
    assert body == {
        "examples": [
            {"premise": "a", "hypothesis": "b", "label": "entailment"},
            {"premise": "c", "hypothesis": "d", "label": 2},
        ]
    }
    assert {part: each.name for part, each in files.items()} == {"dev_examples": "dev.csv"}


def test_a_pair_of_another_shape_is_said() -> None:
    with pytest.raises(TypeError, match=r"pair 1 is \('a',\); it must be \(premise, hypothesis\)"):
        list(as_pairs([("a", "b"), ("a",)], width=2))
