"""Which format a file of rows has: separators, quoting, blanks after separators, and what is no data at all."""

from __future__ import annotations

import io
import zipfile

import pytest

from ltp.errors import ExamplesError
from ltp.text.files import RecordFile

HEADER = "premise\thypothesis\tlabel\n"
ROWS = [
    ["The dog, it sleeps.", "It rests.", "e"],
    ['She said "no".', "She spoke; twice.", "n"],
    ["1,50 or 2,0", "A|B", "c"],
]


def texts(content: str | bytes, name: str = "pairs.tsv") -> list[list[str]]:
    file = RecordFile(content if isinstance(content, bytes) else content.encode(), name)
    return [list(record.fields.values()) for record in file]


def format_of(content: str, name: str = "pairs.tsv") -> tuple[str, str | None, bool | None]:
    form = RecordFile(content.encode(), name).format
    return form.name, form.separator, form.quoted


def test_a_pipe_parts_cells_whatever_the_name_says() -> None:
    content = "premise|hypothesis|label\nThe dog, asleep; on the mat.|An animal rests.|entailment\n"
    assert texts(content, "pipe.csv") == [["The dog, asleep; on the mat.", "An animal rests.", "entailment"]]
    assert format_of(content, "pipe.csv") == ("csv", "|", False)
    assert texts("p|h|e\np|h|n\n", "a.txt") == [["p", "h", "e"], ["p", "h", "n"]]


@pytest.mark.parametrize("wrapped", ['"1.\tto grow\t2.\tto sell"', '"First line.\nSecond line."', '"a ""b""\tc"'])
def test_a_tsv_whose_rows_are_even_only_when_quoted_is_quoted(wrapped: str) -> None:
    content = HEADER + f"plain\tplain\te\n{wrapped}\tFood is grown.\tn\nlast\trow\tc\n"
    assert texts(content) == [
        ["plain", "plain", "e"], [wrapped[1:-1].replace('""', '"'), "Food is grown.", "n"], ["last", "row", "c"],
    ]  # fmt: skip
    assert format_of(content) == ("tsv", "\t", True)


@pytest.mark.parametrize(
    "rows",
    [
        'Dijo: "sí, claro\t"Nunca"\te\n',
        '"Nunca", dijo\t"Nunca"\te\n',
        '"Yes," he said, "no"\tb\te\n',
        '"Nunca, dijo"\tAyer, no\te\n"Hola, Ana"\tb\tn\n',
        '"Hola"\t"Adiós"\te\n',
        '"unclosed\tb\te\nc\td\tn\n',
    ],
)
def test_quotes_of_the_texts_stay_where_rows_are_even_without_quoting(rows: str) -> None:
    expected = [row.split("\t") for row in rows.splitlines()]
    assert texts(HEADER + rows) == expected == texts(rows)
    assert format_of(HEADER + rows) == ("tsv", "\t", False)


@pytest.mark.parametrize(
    "torn",
    ['p\t"first\nsecond"\te\n', 'p\th\te\t"see\nthere\tok"\n', 'p\t"first\nmiddle\tof it\nsecond"\te\tok\n'],
)
def test_a_text_with_a_line_break_far_down_tears_no_row_in_silence(torn: str) -> None:
    plain = "".join(f"premise {number}\thypothesis {number}\tn\tok\n" for number in range(12_000))
    head = "premise\thypothesis\tlabel\tcomment\n"
    assert format_of(head + plain + torn) == ("tsv", "\t", False)
    with pytest.raises(ExamplesError, match=r"line 1200[23], .*goes on in another line.*save the file as CSV"):
        texts(head + plain + torn)
    short = head + plain + 'p\tHe said "no"\n'
    assert texts(short)[-1] == ["p", 'He said "no"']


def test_a_quoted_blank_before_a_quote_pads_no_other_cell() -> None:
    assert texts('premise;hypothesis;label\np;" ""x";e\np; ;e\n') == [["p", ' "x', "e"], ["p", " ", "e"]]
    assert texts('premise;hypothesis;label\np; "a; b";e\n') == [["p", "a; b", "e"]]


def test_a_wrapped_cell_whose_parts_make_even_rows_is_still_one() -> None:
    assert texts(HEADER + '"p\t\t\n"\t\tentailment\n') == [["p\t\t\n", "", "entailment"]]
    assert texts(HEADER + '"a\tb\te\nc"\td\tn\n') == [['"a', "b", "e"], ['c"', "d", "n"]]


def test_a_spreadsheets_text_export_that_wraps_commas_is_unwrapped() -> None:
    content = HEADER + '"Yes, she came."\tShe came.\te\nYes she came\t"Well, no."\tn\nShe came\tShe left.\tc\n'
    assert [row[:2] for row in texts(content)] == [
        ["Yes, she came.", "She came."], ["Yes she came", "Well, no."], ["She came", "She left."],
    ]  # fmt: skip
    assert format_of(content)[2] is True


def test_cells_that_are_wrapped_for_their_quotes_are_unwrapped() -> None:
    content = HEADER + '"Dijo ""no"""\tb, c\te\n'
    assert texts(content) == [['Dijo "no"', "b, c", "e"]]
    assert format_of(content)[2] is True


def test_semicolons_win_over_decimal_commas() -> None:
    content = (
        "premise;hypothesis;label;score\nLe chien, dit-elle.;Un animal.;e;0,5\nLe chien, dit-elle.;Il court.;c;1,5\n"
    )
    assert texts(content, "a.csv")[0] == ["Le chien, dit-elle.", "Un animal.", "e", "0,5"]


@pytest.mark.parametrize(
    "content", ["premise, hypothesis, label\na,  b, e\n", 'premise, hypothesis, label\n"a", "b", e\n']
)
def test_blanks_after_every_separator_of_the_header_belong_to_it(content: str) -> None:
    assert texts(content, "a.csv") == [["a", "b", "e"]]


def test_blanks_of_a_text_stay() -> None:
    assert texts("premise,hypothesis,label\n a, b ,e\n", "a.csv") == [[" a", " b ", "e"]]
    assert texts('premise,hypothesis,label\n" a", "b",e\n', "a.csv") == [[" a", "b", "e"]]


def test_the_first_rows_decide_for_files_longer_than_what_is_looked_at() -> None:
    row = '"a\tb"\tc\te\n'
    content = HEADER + row * 40_000
    assert len(texts(content)) == 40_000


def test_columns_are_named_by_the_header_each_once() -> None:
    file = RecordFile(b"premise,hypothesis,,premise,label\na,b,c,d,e\n", "a.csv")
    assert next(iter(file)).fields == {"premise": "a", "hypothesis": "b", "3": "c", "premise (2)": "d", "label": "e"}
    assert next(iter(RecordFile(b"a\tb\te\n", "a.tsv"))).fields == {"1": "a", "2": "b", "3": "e"}


def test_a_header_of_unknown_names_is_known_by_what_somebody_said() -> None:
    content = b"Frase A\tFrase B\tJuicio\na\tb\te\n"
    with pytest.raises(ExamplesError, match=r"'Frase A', 'Frase B', 'Juicio'.*--columns .premise=NAME"):
        RecordFile(content, "a.tsv")
    file = RecordFile(content, "a.tsv", named=["Frase A", "Frase B"])
    assert [record.fields["Frase B"] for record in file] == ["b"]
    otherwise = RecordFile(content, "a.tsv", named=["frase a", "FRASE_B"])
    assert [record.fields["Frase B"] for record in otherwise] == ["b"]
    numbered = RecordFile(b"x1\ta\tb\te\n", "a.tsv", named=["2", "3", "4"])
    assert [record.fields["4"] for record in numbered] == ["e"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n",
            "is a pointer of Git LFS, .* git lfs pull",
        ),
        (b"<!DOCTYPE html>\n<html><body>premise,hypothesis</body></html>", "is a web page, not the data"),
        (b"%PDF-1.7\n", "is a PDF document"),
    ],
)
def test_what_is_no_data_is_called_by_its_name(content: bytes, words: str) -> None:
    for name in ("pairs.jsonl", "pairs.csv"):
        with pytest.raises(ExamplesError, match=f"line 1, column 1: the file {words}|the file {words}"):
            RecordFile(content, name)


def zipped(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return stream.getvalue()


def test_a_zip_archive_of_one_file_is_that_file() -> None:
    content = b"premise,hypothesis,label\na,b,e\n"
    file = RecordFile(zipped(a_csv=content), "a.zip")
    assert (
        [list(record.fields.values()) for record in file]
        == [["a", "b", "e"]]
        == [list(r.fields.values()) for r in file]
    )
    assert file.compression == "zip"
    with pytest.raises(ExamplesError, match=r"the zip archive holds 2 files \('a.csv', 'b.csv'\)"):
        RecordFile(zipped(a_csv=content, b_csv=content), "a.zip")


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(ExamplesError, match="the file unpacks to more than 64 MiB, 100 times its size"):
        RecordFile(zipped(a_csv=b"a,b,e\n" * (12 << 20)), "a.zip")


def test_two_texts_that_are_column_names_are_a_pair_where_a_label_follows() -> None:
    assert texts("sentence1,sentence1,entailment\na,b,neutral\n", "a.csv")[0] == [
        "sentence1",
        "sentence1",
        "entailment",
    ]
