"""A first line `sep=;`, which Excel reads and writes: it says what parts the cells, and is no row."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ltp.errors import ExamplesError
from ltp.text.examples import RESULT_COLUMNS, PairFile, read_examples

ROWS = [("premise", "hypothesis", "label"), ("A dog, it runs.", "It moves.", "entailment"), ("A", "B", "c")]


def content(declaration: str, delimiter: str, *, header: bool = True, end: str = "\n") -> bytes:
    rows = [delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in row) for row in ROWS[not header :]]
    return end.join([declaration, *rows, ""]).encode()


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("header", [True, False], ids=["header", "no header"])
@pytest.mark.parametrize(
    ("declaration", "delimiter"),
    [
        ("sep=;", ";"), ("sep=,", ","), ("sep=\t", "\t"), ("SEP=|", "|"), ('"sep=;"', ";"),
        ("sep=;;;", ";"), ('"sep=,",,', ","),
    ],
)  # fmt: skip
def test_it_is_honoured(declaration: str, delimiter: str, header: bool, end: str, mark: bytes) -> None:
    examples = read_examples(mark + content(declaration, delimiter, header=header, end=end), filename="pairs.csv")
    found = [(example.premise, example.hypothesis, example.label) for example in examples]
    assert found == [("A dog, it runs.", "It moves.", "entailment"), ("A", "B", "contradiction")]
    assert [example.line for example in examples] == ([3, 4] if header else [2, 3])


@pytest.mark.parametrize("header", [True, False], ids=["header", "no header"])
def test_it_comes_back_where_it_was(header: bool, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(b"\xef\xbb\xbf" + content("sep=;", ";", header=header, end="\r\n"))
    pairs, written = PairFile(path), io.BytesIO()
    writer = pairs.writer(written)
    for pair in pairs:
        writer.write(pair, ["neutral", 0.1, 0.8, 0.1])
    lines = written.getvalue().decode().split("\r\n")
    assert lines[0] == "\ufeffsep=;"
    if header:
        assert lines[1] == f"premise;hypothesis;label;{';'.join(writer.columns)}"
        assert writer.columns == ("predicted_label", *RESULT_COLUMNS[1:])
    assert lines[-2] == "A;B;c;neutral;0.100000;0.800000;0.100000"


def test_a_fault_is_named_by_its_own_line() -> None:
    with pytest.raises(ExamplesError, match="line 3, column 5: 'perhaps' is not a label"):
        read_examples(b"sep=;\npremise;hypothesis;label\nA;B;perhaps\n", filename="pairs.csv")


def test_with_nothing_behind_it_there_are_no_rows() -> None:
    with pytest.raises(ExamplesError, match="the file holds no rows"):
        read_examples(b"sep=;\r\n\r\n", filename="pairs.csv")


def test_it_is_honoured_in_another_encoding() -> None:
    examples = read_examples(content("sep=;", ";").decode().encode("utf-16"), filename="pairs.csv")
    assert [example.label for example in examples] == ["entailment", "contradiction"]
