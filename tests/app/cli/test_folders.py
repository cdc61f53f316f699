"""Folders of data sets where files of pairs are asked for: the split that the argument means is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import ipc
from support.cli_process import Done, run

Run = Callable[..., Done]
LABELS = ["entailment", "neutral", "contradiction"]


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    """A data set of two splits, as `DatasetDict.save_to_disk` writes it: 12 pairs in two pieces, and 3."""
    folder = tmp_path / "set"
    for split, count in (("train", 12), ("validation", 3)):
        (folder / split).mkdir(parents=True)
        rows = [{"premise": f"a dog {n}", "hypothesis": "a cat", "label": LABELS[n % 3]} for n in range(count)]
        table = pa.Table.from_pylist(rows)
        names = ["data-0.arrow", "data-1.arrow"] if count > 3 else ["data-0.arrow"]
        size = count // len(names)
        for piece, name in enumerate(names):
            with pa.OSFile(str(folder / split / name), "wb") as sink, ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table.slice(piece * size, size))
        (folder / split / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "validation"]}))
    return folder


def test_a_folders_training_split_is_read(ltp: Run, splits: Path) -> None:
    done = ltp("data", "check", splits, "--json")
    assert done.code == 0, done.err
    reading = done.json[0] if isinstance(done.json, list) else done.json
    assert json.dumps(reading).count('"rows": 12') >= 1
    assert "arrow" in json.dumps(reading)


@pytest.mark.process
def test_a_folder_that_could_mean_two_sets_is_refused_as_wrong_usage(splits: Path) -> None:
    done = run("evaluate", splits, "--adapter", "en", "--json")
    assert done.code == 2
    assert "holds 2 sets" in " ".join(done.err.replace("│", " ").split())


@pytest.mark.process
def test_a_source_may_be_a_folder(splits: Path) -> None:
    done = run("adapter", "train", "--source", f"sw={splits}:2", "--lang", "sw", "--dev", splits / "train", "--json")
    assert done.code == 1, "it was read, and there is no service to send it to"
    assert "no file" not in done.err
