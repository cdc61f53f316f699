"""The fast way through lines of JSON gives what the exact one does, or nothing."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ltp.errors import ExamplesError
from ltp.text.files import RecordFile
from ltp.text.files.jsonlines import exact_records
from ltp.text.files.quick_objects import quick_objects

texts = st.text('{":,\\\n\u20acé犬\U0001f600\x7f\ud800\0u', max_size=6)
numbers = st.integers() | st.floats() | st.sampled_from([10**30, -(2**64), 2**63, -0.0, 5e-324, 1e308])
values = st.recursive(
    texts | numbers | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=2), max_leaves=4
)
objects = st.dictionaries(
    texts | st.sampled_from(["a", "b"]), values | st.dictionaries(texts, values, max_size=2), max_size=3
)
written = st.builds(
    lambda one, ascii_only, parts: json.dumps(one, ensure_ascii=ascii_only, separators=parts),
    objects,
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", " : ")]),
)
odd = st.text('{}[]":,0123456789.eE+-\\u \tntrue', max_size=12).map(lambda inner: '{"a":' + inner + "}")


def exact(data: bytes) -> list[tuple[str, int, dict[str, Any]]] | None:
    lines = enumerate(map(bytes.decode, io.BytesIO(data)), start=1)
    try:
        return [(one.raw, one.where(None)[1], dict(one.fields)) for one in exact_records(lines)]
    except ExamplesError:
        return None


@given(st.lists(written | odd, min_size=1, max_size=3), st.sampled_from(["\n", "\r\n"]))
@example(['{"a":1,"a":2}'], "\n")
@example(['{"a":1,"a" :2}'], "\n")
@example(['{"a":"\\":","b":1}', '{"a":1}'], "\n")
@example(['{"a":1e400}', '{"a":NaN}'], "\n")
@example(['{"a":12345678901234567890123}', '{"a":"\\u0000"}'], "\n")
def test_what_is_read_quickly_is_what_is_read_exactly(lines: list[str], end: str) -> None:
    data = end.join([*lines, ""]).encode("utf-8", "replace")
    quick = quick_objects(1, data)
    if quick is None:
        return
    raws = [line.decode().removesuffix("\n").removesuffix("\r") for line in io.BytesIO(data)]
    assert [size for size, _ in quick] == list(map(len, io.BytesIO(data)))
    # repr tells 1 from 1.0 and True, and one NaN is as good as another
    assert repr([(raw, 1, fields) for raw, (_, fields) in zip(raws, quick, strict=True)]) == repr(exact(data))


@pytest.mark.parametrize(
    "line", ['{"a": "é \\"犬\\": {", "b": 1.5}', '{"a": {"b": 1}}', '{"a": "\\u00e9"}', '{"a" : 2}']
)
def test_objects_as_they_should_be_are_read_quickly(line: str) -> None:
    assert quick_objects(1, f"{line}\n{line}\n".encode()) is not None


def test_bytes_that_are_no_text_far_down_are_named_where_they_stand() -> None:
    line = '{"premise": "é", "hypothesis": "b"}\n'.encode()
    content = line * 10_000 + line.replace(b"b", b"b\xff") + line
    with pytest.raises(ExamplesError, match="line 10001, column 34: byte 0xFF is not UTF-8"):
        list(RecordFile(content, "a.jsonl"))


def test_a_byte_of_windows_1252_far_down_is_read() -> None:
    lines = ['{"premise": "plain", "hypothesis": "text"}'] * 10_000 + ['{"premise": "ñandú", "hypothesis": "qué"}'] * 3
    source = RecordFile("\n".join(lines).encode("cp1252"), "a.jsonl")
    records = list(source)
    assert (len(records), records[-1].fields["premise"], source.encoding) == (10_003, "ñandú", "windows-1252")
    assert [record.raw for record in records] == lines
    assert [record.raw for record in source] == lines
