"""Parquet, Feather and Arrow files, read batch by batch.

Numbers stay numbers and lists lists. What the numbers of a label stand for is in the file where the Hugging Face hub's
library wrote it (its features, `ClassLabel`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from ltp.errors import ExamplesError
from ltp.text.files.class_labels import class_labels
from ltp.text.files.delimited import distinct
from ltp.text.files.missing import not_installed
from ltp.text.files.table import Row, Table

if TYPE_CHECKING:
    import pyarrow as pa

ArrowFormat = Literal["parquet", "feather", "arrow"]
_ROWS = 1024
"""Of a batch: texts of ten thousand characters make it ten megabytes."""


def arrow_table(source: Callable[[], BinaryIO], name: ArrowFormat) -> Table:
    """The table in a Parquet, Feather or Arrow file. Raises ExamplesError when it cannot be read."""
    try:
        import pyarrow as pa
    except ImportError as fault:
        raise not_installed(f"a {name.capitalize()} file", "parquet") from fault
    try:
        with source() as stream:
            schema = schema_of(stream, name)
    except (pa.ArrowException, OSError) as fault:
        raise _damaged(name, fault) from fault
    names = tuple(schema.names)
    keys = distinct(names)

    def rows() -> Iterator[Row]:
        line = 0
        try:
            with source() as stream:
                for batch in batches(stream, name):
                    for line, values in enumerate(_values(batch, line), start=line + 1):  # noqa: B020
                        yield line, dict(zip(keys, values, strict=True))
        except (pa.ArrowException, OSError) as fault:
            raise _damaged(name, fault) from fault

    return Table(name, "jsonl", names, keys, rows, label_names=label_names(schema.metadata or {}))


def schema_of(stream: BinaryIO, name: ArrowFormat) -> pa.Schema:
    """The columns, and what the file says of them."""
    from pyarrow import ipc, parquet

    if name == "parquet":
        return parquet.ParquetFile(stream).schema_arrow
    return (ipc.open_file if name == "feather" else ipc.open_stream)(stream).schema


def batches(stream: BinaryIO, name: ArrowFormat) -> Iterator[pa.RecordBatch]:
    """The rows, some at a time."""
    from pyarrow import ipc, parquet

    if name == "parquet":
        yield from parquet.ParquetFile(stream).iter_batches(batch_size=_ROWS)
        return
    if name == "arrow":
        found: Iterator[pa.RecordBatch] = iter(ipc.open_stream(stream))
    else:
        file = ipc.open_file(stream)
        found = map(file.get_batch, range(file.num_record_batches))
    for batch in found:
        for start in range(0, batch.num_rows, _ROWS):
            yield batch.slice(start, _ROWS)


def _values(batch: pa.RecordBatch, before: int) -> Iterator[tuple[Any, ...]]:
    """The rows of a batch. Raises ExamplesError for bytes that are no text."""
    columns = []
    for number, column in enumerate(batch.columns, start=1):
        try:
            values = column.to_pylist()
            texts = [value.decode() if isinstance(value, bytes) else value for value in values]
        except UnicodeDecodeError as fault:
            what = f"the column {batch.schema.names[number - 1]!r} holds bytes that are not UTF-8; leave it out"
            raise ExamplesError(what, line=before + 1, column=number) from fault
        for row, text in enumerate(texts, start=before + 1):
            if isinstance(text, str) and "\0" in text:
                raise ExamplesError("the character U+0000 is not text; remove it", line=row, column=number)
        columns.append(texts)
    return zip(*columns, strict=True)


def label_names(metadata: Mapping[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """What the numbers of each column stand for, from what the hub's library wrote into a schema."""
    try:
        return class_labels(json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _damaged(name: str, fault: Exception) -> ExamplesError:
    return ExamplesError(f"the {name} file cannot be read ({fault!s:.200}); write it once more, or as JSON lines")
