"""Folders of data sets as one file: what `datasets` saves, what a hub's repository holds, what could mean two."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from ltp.errors import ExamplesError
from ltp.text.examples import read
from ltp.text.files.folders import file_of

ROWS = [{"premise": f"dog {number}", "hypothesis": "a cat", "label": number % 3} for number in range(6)]
NAMES = ["entailment", "neutral", "contradiction"]
FEATURES = {"info": {"features": {"label": {"names": NAMES, "_type": "ClassLabel"}}}}
TABLE = pa.Table.from_pylist(ROWS).replace_schema_metadata({b"huggingface": json.dumps(FEATURES).encode()})


def saved(folder: Path, table: pa.Table = TABLE, *, shards: int = 1) -> Path:
    """What `Dataset.save_to_disk` writes."""
    folder.mkdir(parents=True)
    size = -(-len(table) // shards)
    names = [f"data-{shard:05}-of-{shards:05}.arrow" for shard in range(shards)]
    for shard, name in enumerate(names):
        with pa.OSFile(str(folder / name), "wb") as sink, ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.slice(shard * size, size))
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text("{}")
    return folder


def premises(path: Path) -> list[str]:
    return [example.premise for example in read(path)[0]]


WANTED = [row["premise"] for row in ROWS]


def test_a_data_set_that_was_saved_to_disk_is_read(tmp_path: Path) -> None:
    found = file_of(saved(tmp_path / "set"), tmp_path)
    assert found == tmp_path / "set" / "data-00000-of-00001.arrow"
    assert premises(found) == WANTED
    assert [example.label for example in read(found)[0]] == NAMES * 2


def test_its_pieces_are_joined_in_their_order_with_what_they_say_of_labels(tmp_path: Path) -> None:
    found = file_of(saved(tmp_path / "set", shards=3), tmp_path)
    assert found.parent == tmp_path
    assert premises(found) == WANTED
    assert [example.label for example in read(found)[0]] == NAMES * 2


@pytest.mark.parametrize(("part", "split"), [("train", "train"), ("dev", "validation"), ("test", "test")])
def test_of_a_data_set_of_splits_the_one_that_is_meant_is_taken(tmp_path: Path, part: str, split: str) -> None:
    splits = ["train", "validation", "test"]
    for name in splits:
        saved(tmp_path / "set" / name)
    (tmp_path / "set" / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
    assert file_of(tmp_path / "set", tmp_path, part=part).parent.name == split
    with pytest.raises(ExamplesError, match=r"holds 3 sets \(train, validation, test\); name one of them"):
        file_of(tmp_path / "set", tmp_path)


def test_a_hubs_repository_is_read_by_the_names_of_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "data"
    folder.mkdir(parents=True)
    for shard in range(2):
        parquet.write_table(TABLE.slice(3 * shard, 3), folder / f"train-0000{shard}-of-00002.parquet")
    (folder / "validation.csv").write_text("premise,hypothesis,label\nx,y,neutral\n")
    (tmp_path / "set" / "dataset_infos.json").write_text("{}")
    (tmp_path / "set" / "README.md").write_text("A data set.")
    assert premises(file_of(tmp_path / "set", tmp_path, part="train")) == WANTED
    assert premises(file_of(tmp_path / "set", tmp_path, part="dev")) == ["x"]
    with pytest.raises(ExamplesError, match=r"holds 2 sets \(train, validation\)"):
        file_of(tmp_path / "set", tmp_path, part="test")


def test_a_folder_with_one_file_is_that_file(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    with pytest.raises(ExamplesError, match="holds no file of pairs"):
        file_of(folder, tmp_path)
    (folder / "pairs.csv").write_text("premise,hypothesis,label\nx,y,neutral\n")
    assert file_of(folder, tmp_path, part="dev") == folder / "pairs.csv"
    (folder / "others.csv").write_text("premise,hypothesis,label\nx,y,neutral\n")
    with pytest.raises(ExamplesError, match=r"\(others\.csv, pairs\.csv\)"):
        file_of(folder, tmp_path, part="train")


def test_a_folder_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "set", shards=2)
    (folder / "data-00001-of-00002.arrow").unlink()
    with pytest.raises(ExamplesError, match=r"lacks data-00001-of-00002\.arrow"):
        file_of(folder, tmp_path)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "../../elsewhere.arrow"}]}))
    with pytest.raises(ExamplesError, match="does not lie in the folder"):
        file_of(folder, tmp_path)
    (folder / "state.json").write_text("[]")
    with pytest.raises(ExamplesError, match="does not say what its data set is made of"):
        file_of(folder, tmp_path)


def test_rows_that_were_left_out_of_a_data_set_are_not_read(tmp_path: Path) -> None:
    folder = saved(tmp_path / "set")
    (folder / "indices.arrow").write_bytes(b"which rows")
    with pytest.raises(ExamplesError, match="flatten_indices"):
        file_of(folder, tmp_path)


def test_pieces_of_text_are_not_joined(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for shard in range(2):
        (folder / f"train-{shard}.csv").write_text("premise,hypothesis,label\nx,y,neutral\n")
    with pytest.raises(ExamplesError, match="holds 2 files of one set"):
        file_of(folder, tmp_path)
