"""A folder of a data set as one file: what the library `datasets` saves to disk, or a folder with files of one split.

Read are the layouts of `Dataset.save_to_disk` (Arrow files, named in `state.json`), of `DatasetDict.save_to_disk` (a
folder a split, named in `dataset_dict.json`), and of repositories of the hub (`train-00000-of-00002.parquet` or
`train.csv`, in `data/` or not). Of several files of one split, those of Arrow and Parquet are joined.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ltp.errors import ExamplesError
from ltp.text.files.arrow import ArrowFormat, batches, schema_of
from ltp.text.files.missing import not_installed

SPLITS: dict[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "dev": ("validation", "dev", "valid", "val"),
    "test": ("test",),
}
"""What data sets call the parts."""
ENDINGS = (".parquet", ".arrow", ".feather", ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".xlsx", ".ods", ".xml")
ABOUT = ("dataset_dict.json", "state.json", "dataset_info.json", "dataset_infos.json")
CHOSEN = "indices.arrow"
"""Which rows, in which order, are meant of those in a folder's other files: what filter, shuffle and select chose."""
JOINED: dict[str, ArrowFormat] = {".parquet": "parquet", ".arrow": "arrow", ".feather": "feather"}


def file_of(folder: Path, into: Path, *, part: str | None = None) -> Path:
    """Return the file that holds a folder's pairs; one in `into` if it has to be joined.

    `part` is `train`, `dev` or `test`: which split of several is meant.

    Raises:
        ExamplesError: there is no file of pairs, or more than one could be meant.
    """
    if (folder / "dataset_dict.json").is_file():
        splits = _listed(folder / "dataset_dict.json", "splits")
        return file_of(folder / _chosen(folder, splits, part), into)
    files = _saved(folder) if (folder / "state.json").is_file() else _found(folder, part)
    return files[0] if len(files) == 1 else _joined(folder, files, into)


def _listed(path: Path, field: str) -> list[str]:
    try:
        listed = json.loads(path.read_bytes())[field]
        names = [each if isinstance(each, str) else each["filename"] for each in listed]
    except (ValueError, KeyError, TypeError) as error:
        raise ExamplesError(f"{path} does not say what its data set is made of ({error!r:.200})") from error
    if bad := [name for name in names if Path(name).name != name]:
        raise ExamplesError(f"{path} names {bad[0]!r}, which does not lie in the folder")
    return names


def _saved(folder: Path) -> list[Path]:
    """The files of a data set that was saved to disk, in order."""
    if (folder / CHOSEN).exists():
        told = f"{folder} holds all rows and a choice of them ({CHOSEN}), as old releases of `datasets` save it"
        raise ExamplesError(f"{told}; save what its flatten_indices() gives, and name that folder")
    files = [folder / name for name in _listed(folder / "state.json", "_data_files")]
    if absent := [file.name for file in files if not file.is_file()] or ([] if files else ["any file of data"]):
        raise ExamplesError(f"{folder} lacks {absent[0]}, which its state.json names; save the data set once more")
    return files


def _found(folder: Path, part: str | None) -> list[Path]:
    """The files of a folder that nobody described: all are of one split, or of those whose names say so."""
    there = sorted(path for path in (*folder.iterdir(), *folder.glob("data/*")) if _is_data(path))
    if not there:
        raise ExamplesError(f"{folder} holds no file of pairs ({', '.join(ENDINGS)}); name the file itself")
    by_split: dict[str, list[Path]] = {}
    for path in there:
        by_split.setdefault(_split_of(path), []).append(path)
    return by_split[_chosen(folder, list(by_split), part)]


def _is_data(path: Path) -> bool:
    name = path.name.removesuffix(".gz")
    return path.is_file() and not name.startswith(".") and name not in ABOUT and name.endswith(ENDINGS)


def _split_of(path: Path) -> str:
    """The split that a file's name begins with; its own name where it begins with none."""
    start = re.match(r"[a-z]+", path.name.lower())
    words = {word for several in SPLITS.values() for word in several}
    return start[0] if start and start[0] in words else path.name


def _chosen(folder: Path, splits: Sequence[str], part: str | None) -> str:
    if len(splits) == 1:
        return splits[0]
    fitting = [split for split in splits if split in SPLITS.get(part or "", ())]
    if len(fitting) != 1:
        listed = ", ".join(splits[:8])
        raise ExamplesError(f"{folder} holds {len(splits)} sets ({listed}); name one of them, as a file or a folder")
    return fitting[0]


def _joined(folder: Path, files: Sequence[Path], into: Path) -> Path:
    """One Arrow file of several of the same columns, written batch by batch."""
    kinds = {file.suffix for file in files}
    if len(kinds) != 1 or kinds.isdisjoint(JOINED):
        raise ExamplesError(f"{folder} holds {len(files)} files of one set ({files[0].name}, ...); join them first")
    try:
        import pyarrow as pa
        from pyarrow import ipc
    except ImportError as error:
        raise not_installed("a folder of several Arrow or Parquet files", "parquet") from error
    kind, target = JOINED[kinds.pop()], into / f"{folder.resolve().name}.arrow"
    try:
        with files[0].open("rb") as first:
            schema = schema_of(first, kind)
        with pa.OSFile(str(target), "wb") as sink, ipc.new_stream(sink, schema) as writer:
            for batch in _all_batches(files, kind):
                writer.write_batch(batch)
    except (pa.ArrowException, OSError) as error:
        raise ExamplesError(f"the files of {folder} cannot be joined ({error!s:.200}); do they differ?") from error
    return target


def _all_batches(files: Sequence[Path], kind: ArrowFormat) -> Iterator[object]:
    for file in files:
        with file.open("rb") as stream:
            yield from batches(stream, kind)
