"""The fast way through cells gives what the exact one does, or nothing: cells, places, raw text, line numbers."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltp.errors import ExamplesError
from ltp.text.files import RecordFile
from ltp.text.files.dialect import Dialect
from ltp.text.files.quick_cells import quick_cells

cells = st.text(',;"\n\r aé犬', max_size=6)
wrapped = cells.map(lambda cell: '"' + cell.replace('"', '""') + '"')
contents = st.lists(st.lists(cells | wrapped, min_size=1, max_size=3).map(",".join), min_size=1, max_size=5)


def exact(content: str, dialect: Dialect) -> list[tuple[int, str, list[str]]] | None:
    lines = enumerate(io.StringIO(content, newline="\n"), start=1)
    try:
        return list(dialect.rows(lines))
    except ExamplesError:
        return None


@given(contents, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(1, 3))
def test_what_is_cut_quickly_is_what_is_cut_exactly(rows: list[str], end: str, quoted: bool, width: int) -> None:
    content = end.join([*rows, ""])
    quick = quick_cells(content.encode(), ",", quoted=quoted)
    if quick is None:
        return
    whole = content.encode()[: quick.length].decode()
    found = [
        (before + 1, whole.encode()[start:stop].decode().removesuffix("\n").removesuffix("\r"), list(cut))
        for before, start, stop, cut in quick.rows(width)
    ]
    assert found == exact(whole, Dialect(",", quoted))


@pytest.mark.parametrize("cell", ["plain", '"a, b"', '"line\nline\n"', '"é ""犬"""'])
def test_well_formed_cells_are_cut_quickly(cell: str) -> None:
    content = f"{cell},b,{cell}\nc,{cell},\n".encode()
    assert quick_cells(content, ",", quoted=True) is not None


@pytest.mark.parametrize("content", [b'a"b,c\n', b'"a"b,c\n', b'"a", "b"\n', b"a\rb,c\n", b"a" * 140_000 + b",b\n"])
def test_what_is_not_plainly_right_is_left_to_the_exact_way(content: bytes) -> None:
    assert quick_cells(content, ",", quoted=True) is None


def test_rows_across_blocks_keep_their_lines_and_texts() -> None:
    rows = [f'{i},"premise {i},\nsecond line",hypothesis {i},e\n' for i in range(20_000)]
    content = "id,premise,hypothesis,label\n" + "".join(rows)
    records = list(RecordFile(content.encode(), "a.csv"))
    assert [record.line for record in records] == list(range(2, 40_002, 2))
    assert [record.raw + "\n" for record in records] == rows
    assert records[-1].fields["premise"] == "premise 19999,\nsecond line"
    assert records[-1].where("hypothesis") == (40_001, 14)


def test_a_quote_that_is_never_closed_is_named_where_it_opens() -> None:
    content = b"premise,hypothesis,label\n" + b"a,b,e\n" * 40_000 + b'a,"b,e\n' + b"a,b,e\n" * 40_000
    with pytest.raises(ExamplesError, match="line 40002, column 3: the quote opened here is not closed"):
        list(RecordFile(content, "a.csv"))


def test_bytes_that_are_no_text_far_down_in_a_cell_with_line_breaks_are_named_where_they_stand() -> None:
    row = 'é,"b\nc",e\n'.encode()
    content = b"premise,hypothesis,label\n" + row * 20_000 + row.replace(b"c", b"c\xff") + row
    with pytest.raises(ExamplesError, match="line 40003, column 2: byte 0xFF is not UTF-8"):
        list(RecordFile(content, "a.csv"))


def test_a_byte_of_windows_1252_far_down_in_a_cell_is_read() -> None:
    rows = ['plain,"b\nc",e'] * 20_000 + ['ñandú,"qué\nsí",e']
    source = RecordFile("\n".join(["premise,hypothesis,label", *rows, ""]).encode("cp1252"), "a.csv")
    assert [record.raw for record in source] == rows
    assert [record.raw for record in source] == rows
    assert source.encoding == "windows-1252"
