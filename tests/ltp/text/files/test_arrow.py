"""Parquet, Feather and Arrow files: typed values, batches, the hub's names of labels, and damaged files."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import feather, ipc, parquet

from ltp.errors import ExamplesError
from ltp.text.files import RecordFile

TABLE = {"premise": ["p1", "ñandú"], "hypothesis": ["h1", None], "label": [0, 2], "votes": [["e", "n"], []]}
LABEL = {"names": ["entailment", "neutral", "contradiction"], "_type": "ClassLabel"}
HUB = {"info": {"features": {"premise": {"dtype": "string", "_type": "Value"}, "label": LABEL}}}


def parquet_of(table: pa.Table, **options: Any) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(table, stream, **options)
    return stream.getvalue()


def arrow_of(table: pa.Table, name: str) -> bytes:
    stream = io.BytesIO()
    if name == "parquet":
        return parquet_of(table)
    if name == "feather":
        feather.write_feather(table, stream)
        return stream.getvalue()
    with ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["parquet", "feather", "arrow"])
def test_values_keep_their_types(name: str) -> None:
    file = RecordFile(arrow_of(pa.table(TABLE), name), f"pairs.{name}")
    assert (file.format.name, file.format.names, file.encoding) == (name, tuple(TABLE), None)
    first, second = file
    assert first.fields == {"premise": "p1", "hypothesis": "h1", "label": 0, "votes": ["e", "n"]}
    assert (second.line, second.fields["label"], second.value("hypothesis")) == (2, 2, None)
    assert str(second.refuse("no", "label")) == "line 2, column 3: no"


@pytest.mark.parametrize("name", ["parquet", "feather", "arrow"])
def test_what_the_numbers_of_a_label_stand_for_is_read(name: str) -> None:
    table = pa.table(TABLE).replace_schema_metadata({"huggingface": json.dumps(HUB)})
    names = RecordFile(arrow_of(table, name)).label_names
    assert names == {"label": ("entailment", "neutral", "contradiction")}
    assert RecordFile(arrow_of(pa.table(TABLE), name)).label_names == {}


@pytest.mark.parametrize(
    "metadata", [b"{", b"[]", b'{"info": {"features": {"label": {"_type": "ClassLabel"}}}}', b"\xff"]
)
def test_other_metadata_is_no_reason_to_refuse(metadata: bytes) -> None:
    table = pa.table(TABLE).replace_schema_metadata({"huggingface": metadata})
    assert len(list(RecordFile(parquet_of(table)))) == 2


def test_rows_of_many_batches_are_numbered_on() -> None:
    table = pa.table({"premise": [str(i) for i in range(5000)], "hypothesis": ["h"] * 5000})
    rows = list(RecordFile(parquet_of(table, row_group_size=700)))
    assert [(row.line, row.fields["premise"]) for row in rows] == [(i + 1, str(i)) for i in range(5000)]


@pytest.mark.parametrize("name", ["parquet", "feather", "arrow"])
def test_damaged_files_are_refused(name: str) -> None:
    content = arrow_of(pa.table(TABLE), name)
    with pytest.raises(ExamplesError, match=f"the {name} file cannot be read"):
        list(RecordFile(content[: len(content) // 2]))


def test_bytes_that_are_no_text_are_refused_by_row() -> None:
    for column, message in (
        (pa.array([b"p", b"\xff"], pa.binary()), "bytes that are not UTF-8"),
        (["p", "a\0"], r"U\+0000"),
    ):
        with pytest.raises(ExamplesError, match=f"line [12], column 1: .*{message}"):
            list(RecordFile(parquet_of(pa.table({"premise": column, "hypothesis": ["h", "i"]}))))
    texts = pa.table({"premise": pa.array([b"p"], pa.binary()), "hypothesis": ["h"]})
    assert next(iter(RecordFile(parquet_of(texts)))).fields["premise"] == "p"
