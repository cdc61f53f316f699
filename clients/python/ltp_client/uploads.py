"""What is uploaded: a path, an open file, bytes, a DataFrame or a `datasets.Dataset`, as a file that can be read twice.

Neither pandas nor datasets is imported: what is given says by its methods what it is. Tables are written as JSON lines,
which keep numbers, empty cells and line breaks apart, in memory or, larger, in a temporary file.
"""

from __future__ import annotations

import io
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias, cast, runtime_checkable

IN_MEMORY = 16 * 1024 * 1024
PIECE = 1024 * 1024
GZIP = ".gz"
NO_LABEL = "-"
"""Written for -1, with which data sets mark a pair that nobody agreed on; the service leaves such rows out."""


@runtime_checkable
class DataFrame(Protocol):
    """A table of pandas."""

    @property
    def columns(self) -> Any:
        """Names of its columns."""

    @property
    def to_json(self) -> Any:
        """Writes it."""


@runtime_checkable
class Dataset(Protocol):
    """A table of the library `datasets`."""

    @property
    def column_names(self) -> Any:
        """Names of its columns."""

    @property
    def features(self) -> Any:
        """What each column holds."""

    def __iter__(self) -> Iterator[Any]:
        """Yield its rows."""


Source: TypeAlias = "str | os.PathLike[str] | IO[bytes] | IO[str] | bytes | DataFrame | Dataset"
"""What can be uploaded; a `str` is a path."""


@dataclass(frozen=True)
class Upload:
    """A file to send. `opened` gives its content from the beginning, as often as it has to be sent."""

    name: str
    opened: Callable[[], AbstractContextManager[IO[bytes]]]


def is_source(given: object) -> bool:
    """Whether this is a file or a table, and not a list of pairs."""
    kinds = (str, os.PathLike, bytes, DataFrame, Dataset)
    return isinstance(given, kinds) or hasattr(given, "read")


def upload(source: Source, *, name: str = "pairs") -> Upload:
    """Make a file of what was given; `name` is for what has none. Raises TypeError for anything else."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return Upload(path.name, lambda: path.open("rb"))
    if isinstance(source, bytes):
        return _kept(name, [source])
    if hasattr(source, "read"):
        return _of_file(cast("IO[Any]", source), name)
    if isinstance(source, Dataset):
        return _kept(f"{name}.jsonl", _lines(source))
    if isinstance(source, DataFrame):
        text = source.to_json(orient="records", lines=True, force_ascii=False, date_format="iso", double_precision=15)
        return _kept(f"{name}.jsonl", [str(text).encode()])
    raise TypeError(f"{type(source).__name__} is no path, file, bytes, DataFrame or datasets.Dataset")


def parts(body: Mapping[str, Any], uploads: Mapping[str, Upload], opened: ExitStack) -> dict[str, Any]:
    """A multipart body for httpx: the JSON as the part `request`, and the files, which stay open with the stack."""
    files: dict[str, Any] = {"request": (None, json.dumps(body, allow_nan=False), "application/json")}
    for name, each in uploads.items():
        filename = each.name.encode("utf-8", "replace").decode()  # on some disks a name is no text
        files[name] = (filename, opened.enter_context(each.opened()), "application/octet-stream")
    return files


def _of_file(file: IO[Any], name: str) -> Upload:
    """An open file, as a whole where it can be rewound; with its name if it has one."""
    named = getattr(file, "name", None)
    plain = isinstance(getattr(file, "raw", file), io.FileIO | io.BytesIO)
    if isinstance(named, str) and not named.startswith("<"):
        name = Path(named).name if plain else Path(named).name.removesuffix(GZIP)
    seekable = getattr(file, "seekable", None)
    if seekable is not None and seekable():
        file.seek(0)
        if plain:  # others may tell httpx the size of what is below them, such as a compressed file
            return Upload(name, lambda: nullcontext(file))  # httpx rewinds it each time
    return _kept(name, _pieces(file))


def _pieces(file: IO[Any]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece.encode() if isinstance(piece, str) else piece


def _kept(name: str, pieces: Iterable[bytes]) -> Upload:
    """Content that is held here: in memory, or beyond some size in a temporary file, which goes with the upload."""
    file: IO[bytes] = io.BytesIO()
    for piece in pieces:
        if isinstance(file, io.BytesIO) and file.tell() > IN_MEMORY:
            held, file = file, cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115  closed with the upload
            file.write(held.getbuffer())
        file.write(piece)
    file.flush()
    return Upload(name, lambda: nullcontext(file))


def _lines(dataset: Dataset) -> Iterator[bytes]:
    """Rows as JSON lines; labels by their names, since their numbers mean something else in each data set."""
    plain = dataset.with_format(None) if hasattr(dataset, "with_format") else dataset
    names = {column: feature.names for column, feature in (dataset.features or {}).items() if hasattr(feature, "names")}
    for row in plain:
        named = {column: _label(row[column], labels) for column, labels in names.items() if column in row}
        yield json.dumps(_finite({**row, **named}), ensure_ascii=False, default=str, allow_nan=False).encode() + b"\n"


def _finite(value: Any) -> Any:
    """A value with null for what is no number (NaN) and for infinities, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def _label(value: Any, labels: list[str]) -> Any:
    if not isinstance(value, int):
        return value
    return labels[value] if 0 <= value < len(labels) else NO_LABEL
