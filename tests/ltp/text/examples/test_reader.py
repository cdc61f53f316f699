"""Files of labelled pairs as people have them: every format, heading and spelling that is read, and every refusal."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ltp.config import LABELS
from ltp.errors import ExamplesError
from ltp.text.columns import NAMES, fold
from ltp.text.examples import Example, parse_label, read_examples

FIRST = Example("p1", "h1", "entailment")
SECOND = Example("ñandú", "¿qué?", "neutral")
ROWS = [FIRST, SECOND]

HEADINGS = {name for names in NAMES.values() for name in names}
"""What makes a header of a first row."""

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
examples = st.lists(st.builds(Example, texts, texts, st.sampled_from(LABELS)), min_size=1, max_size=8)


def written(rows: list[Example], *, header: bool, **options: object) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, **options)  # type: ignore[arg-type]
    if header:
        writer.writerow(["premise", "hypothesis", "label"])
    writer.writerows([row.premise, row.hypothesis, row.label] for row in rows)
    return buffer.getvalue().encode()


def json_lines(rows: list[Example]) -> bytes:
    objects = [{"premise": row.premise, "hypothesis": row.hypothesis, "label": row.label} for row in rows]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in objects).encode()


def refusal(content: bytes, name: str | None) -> ExamplesError | None:
    try:
        read_examples(content, filename=name)
    except ExamplesError as fault:
        return fault
    return None


@given(examples)
def test_json_lines_come_back_as_they_went(rows: list[Example]) -> None:
    assert read_examples(json_lines(rows)) == rows


@given(examples, st.booleans(), st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_quoted_cells_come_back_whatever_they_hold(
    rows: list[Example], header: bool, delimiter: str, line_end: str, bom: bool
) -> None:
    assume(header or not any(fold(text) in HEADINGS for text in (rows[0].premise, rows[0].hypothesis)))
    data = written(rows, header=header, delimiter=delimiter, lineterminator=line_end)
    assert read_examples((b"\xef\xbb\xbf" if bom else b"") + data, filename="pairs.csv") == rows


@given(examples.filter(lambda rows: not any(set("\t\n\r") & set(r.premise + r.hypothesis) for r in rows)))
def test_plain_tabs_keep_quotes_as_characters(rows: list[Example]) -> None:
    kept = [row for row in rows if '""' not in row.premise + row.hypothesis]
    data = "premise\thypothesis\tlabel\n" + "".join(f"{r.premise}\t{r.hypothesis}\t{r.label}\n" for r in kept)
    if kept:
        assert read_examples(data.encode(), filename="pairs.tsv") == kept


dense = st.text(',;\t"\r\n \\{}[]:aé0\0', max_size=40).map(str.encode)


REFUSALS = (
    "the file holds",
    "the file is damaged",
    "the file is a damaged",
    "the file cannot be read as a spreadsheet",
)
"""How refusals begin that are of the whole file, not of a line."""
OLE = b"\xd0\xcf\x11\xe0"
"""How old spreadsheets begin."""


@given(st.lists(examples, min_size=3, max_size=3), st.binary(max_size=40) | dense)
@example([[FIRST]] * 3, b",,\n")
@example([[FIRST]] * 3, OLE)
def test_bytes_of_any_kind_are_read_or_refused_as_examples(rows: list[list[Example]], noise: bytes) -> None:
    data = json_lines(rows[0]) + written(rows[1], header=True) + noise + written(rows[2], header=False)
    for content in (noise, data, data[len(data) // 3 :]):
        for name in ("a.csv", "a.tsv", "a.jsonl", None):
            fault = refusal(content, name)
            assert fault is None or (fault.line and fault.column) or str(fault).startswith(REFUSALS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("xnli.tsv", "p1\th1\tentailment\nñandú\t¿qué?\tneutral\n"),
        (
            "americasnli.tsv",
            "id\tlanguage\tpremise\thypothesis\tlabel\n1\tquy\tp1\th1\tentailment\n2\tquy\tñandú\t¿qué?\tneutral\n",
        ),
        (
            "mnli.tsv",
            "index\tsentence1\tsentence2\tlabel1\tgold_label\n0\tp1\th1\tneutral\tentailment\n1\tñandú\t¿qué?\tneutral\tneutral",
        ),
        ("translated.tsv", "premise\thypo\tlabel\np1\th1\tentailment\nñandú\t¿qué?\tneutral"),
        ("reordered.csv", "Label,Sentence 2,Sentence_1\ne,h1,p1\nN,¿qué?,ñandú\n"),
        ("verdicts.csv", "evidence,claim,label\r\np1,h1,SUPPORTS\r\nñandú,¿qué?,NOT ENOUGH INFO\r\n"),
        ("excel.csv", "\ufeffpremisa;hipótesis;etiqueta;notas\np1;h1;Entailment;\nñandú;¿qué?;NEUTRAL;a, b\n"),
        ("blank.csv", "\n\npremise,hypothesis,label\n,,\np1,h1,entails\n \nñandú,¿qué?,n\n"),
        ("spaces.csv", 'premise, hypothesis, label\n"p1", "h1", entailment\nñandú,¿qué?,n'),
        ("trailing.csv", "premise,hypothesis,label\np1,h1,e,\nñandú,¿qué?,n,,\n"),
        ("short.csv", "premise,hypothesis,label,note\np1,h1,e\nñandú,¿qué?,n,seen\n"),
        ("r.tsv", '"premise"\t"hypothesis"\t"label"\n"p1"\t"h1"\t"e"\n"ñandú"\t"¿qué?"\tn\n'),
        ("r-bare.tsv", '"p1"\t"h1"\t"e"\n"ñandú"\t"¿qué?"\t"n"\n'),
        ("commas.txt", "p1,h1,entailment\nñandú,¿qué?,neutral\n"),
        ("tabs.csv", "premise\thypothesis\tlabel\np1\th1\te\nñandú\t¿qué?\tn\n"),
        (
            "crlf.jsonl",
            '{"premise":"p1","hypothesis":"h1","label":"e"}\r\n\r\n{"label":"n","hypothesis":"¿qué?","premise":"ñandú"}',
        ),
        (
            "snli.jsonl",
            (
                '{"gold_label": "entailment", "sentence1": "p1", "sentence2": "h1", "x": [1]}\n'
                '{"sentence1": "ñandú", "sentence2": "¿qué?", "label": "c", "gold_label": "neutral"}'
            ),
        ),
        (
            "named-wrongly.csv",
            (
                '\ufeff{"premise": "p1", "hypothesis": "h1", "label": "e"}\n'
                '{"premise": "ñandú", "hypothesis": "¿qué?", "label": "n"}\n'
            ),
        ),
    ],
)
def test_what_people_have_is_read(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())
    assert read_examples(path) == ROWS
    assert read_examples(content.encode(), filename=name) == ROWS
    assert [row.label for row in read_examples(path, labelled=False)] == [None, None]


def test_xnli_and_americasnli_texts_keep_quotes_blanks_and_odd_characters() -> None:
    xnli = 'Dijo: "sí, claro\t"Nunca"\tcontradiction\na\x08b\u200bc\x1dd\tU2 "x" y\xa0z\tneutral\n'
    first, second = read_examples(xnli.encode(), filename="dev-es.tsv")
    assert (first.premise, first.hypothesis) == ('Dijo: "sí, claro', '"Nunca"')
    assert (second.premise, second.hypothesis) == ("a\x08b\u200bc\x1dd", 'U2 "x" y\xa0z')
    nahuatl = 'id\tlanguage\tpremise\thypothesis\tlabel\n1\tnah\t \tquena, tlacamen \tneutral\n2\tnah\tica U"\tica\te\n'
    blank, quote = read_examples(nahuatl.encode(), filename="nah.tsv")
    assert (blank.premise, blank.hypothesis, blank.line, blank.blank_column) == (" ", "quena, tlacamen ", 2, 7)
    assert (quote.premise, quote.blank_column) == ('ica U"', None)


def test_a_spreadsheets_wrapped_tsv_cell_is_unwrapped() -> None:
    data = b'premise\thypothesis\tlabel\n"Dijo ""no"" otra vez"\t"Hola"\te\n'
    assert read_examples(data, filename="a.tsv") == [Example('Dijo "no" otra vez', '"Hola"', "entailment")]


def test_commas_in_the_texts_of_a_semicolon_file_do_not_mislead() -> None:
    data = b"Hola, Ana;Adios\nSi;No, Luis, no\nUno;Dos\n"
    pairs = [(row.premise, row.hypothesis) for row in read_examples(data, filename="a.csv", labelled=False)]
    assert pairs == [("Hola, Ana", "Adios"), ("Si", "No, Luis, no"), ("Uno", "Dos")]


def test_line_numbers_stay_right_after_line_breaks_inside_cells() -> None:
    data = b'premise,hypothesis,label\r\n"one\r\ntwo\n\nthree",h,e\r\n\r\np,h,n\r\n'
    first, second = read_examples(data)
    assert first.premise == "one\r\ntwo\n\nthree"
    assert (first.line, second.line) == (2, 7)
    with pytest.raises(ExamplesError, match="line 5, column 10: 'maybe' is not a label"):
        read_examples(data.replace(b'three",h,e', b'three",h,maybe'))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file holds no rows"),
        ("\ufeff\n \n", "the file holds no rows"),
        ("premise,hypothesis,label\n\n", "the file holds a header and no rows"),
        (
            "premise,hypothesis\na,b\n",
            r"line 1, column 1: no column for the label; the first row names 'premise', 'hyp",
        ),
        (
            "premise,texto,label\na,b,e\n",
            "line 1, column 1: no column for the hypothesis; the first row names 'premise'",
        ),
        ("premise,premise,hypothesis,label\na,a,b,e", "line 1, column 1: two columns are named 'premise'"),
        (
            "premise,hypothesis,label\na,b,\na,b\n",
            "line 2, column 1: no row of this file has a label.* use ltp predict",
        ),
        ('[{"premise": "a", "hypothesis": "b"}]', "no row of this file has a label; to predict it use ltp predict"),
        ("premise,hypothesis,label\na,b,e\na\n", "line 3, column 2: the hypothesis is missing"),
        ("premise,hypothesis,label\na,b,maybe\n", r"line 2, column 5: 'maybe' is not a label .* --labels .maybe=LABEL"),
        (
            "premise,hypothesis,label\na,b,3\n",
            r"line 2, column 5: the labels in 'label' are numbers \('3' \(1 row, first in line 2\)\)",
        ),
        ("premise,hypothesis,label\na,b,-\n", "line 2, column 1: no row .* '-' marks a pair without an agreed label"),
        (
            "premise,hypothesis,label\nyes, he said,b,e\n",
            "line 2, column 16: 4 cells where the first row has 3; .*quotes",
        ),
        ("premise\thypothesis\tlabel\na\tb\tc\td\n", "line 2, column 7: 4 cells where the first row has 3; .*tab"),
        (
            'premise,hypothesis,label\n"Yes" he said,b,e\n',
            "line 2, column 6: text after a closing quote; .*written twice",
        ),
        (
            'premise,hypothesis,label\na,b,e\na,"b,e\na,b,e\n',
            "line 3, column 3: the quote opened here is not closed before the end of the file",
        ),
        ('premise,hypothesis,label\n"a\nb","c""d,e\n', "line 3, column 4: the quote opened here is not closed"),
        ("premise,hypothesis,label\na\rb,b,e\n", "line 2, column 2: a carriage return inside a line"),
        ("premise\thypothesis\tlabel\rone\ttwo\te\n", "line 1, column 25: a carriage return inside a line"),
        (
            "a\tb\tquizás\n",
            "line 1, column 5: 'quizás' is not a label, .*'a', 'b', 'quizás'.*--columns .premise=1,hypothesis=2",
        ),
        ("uno,dos,clase\na,b,e\n", "line 1, column 9: 'clase' is not a label, .*--columns .premise=NAME"),
        ("just a sentence\nanother\n", "line 1, column 1: no second column"),
        ("a\tb\n", "line 1, column 1: no column for the label; without a header the columns are called '1', '2'"),
        ('{"premise": "a", "hypothesis": "b"}', "line 1, column 1: no column for the label; the first row names 'prem"),
        ('{"premise": "a", "label": "e"}', "line 1, column 1: no column for the hypothesis; .* --columns hypothesis="),
        ('{"premise": "a", "hypothesis": null, "label": 0}', "line 1, column 32: the hypothesis is missing"),
        ('{"premise": "a", "hypothesis": 7, "label": 0}', "line 1, column 32: the hypothesis must be a text, not 7"),
        ('{"premise": "a", "hypothesis": "b", "label": true}', "line 1, column 46: 'true' is not a label"),
        (
            '{"premise": "a", "hypothesis": "b", "label": -1}',
            "line 1, column 1: no row .* '-1' marks a pair without an agreed label",
        ),
        ('{"premise": "a", "hypothesis": "b", "label": [3.5]}', r"line 1, column 46: '3.5' is not a label"),
        ('\n{"premise": "a", "premise": "b"}', "line 2, column 18: the key 'premise' stands twice"),
        ('{"premise": "a", "x": {"y": 1, "y": 2}}', "line 1, column 23: the key 'y' stands twice"),
        ('{"premise": "a", "Premise": "b"}', "line 1, column 1: two columns are named 'Premise'"),
        ('{"premise": NaN}', "line 1, column 13: NaN is not JSON"),
        ('{"a": 1, "premise": [1, -Infinity]}', "line 1, column 21: -Infinity is not JSON"),
        ('{"premise": "a\tb"}', "line 1, column 15: malformed JSON: Invalid control character"),
        ('{"premise": "a", "hypothesis": "\\ud800b"}', r"line 1, column 32: the character U\+D800 is not text"),
        ('{"premise": "a", "x": [{"y\\u0000": 1}]}', r"line 1, column 23: the character U\+0000 is not text"),
        ('{"premise": "a"\n "hypothesis": "b"}', "line 1, column 16: malformed JSON"),
        ('{\n "premise": "a"}', "line 1, column 1: no column for the hypothesis"),
        ('[{"premise": "a"}]', "line 1, column 2: no column for the hypothesis"),
        ('[{"premise": "a", "hypothesis": "b", "label": 0}, 7]', "line 1, column 51: expected a JSON object"),
        ('{"premise": "a"} {"premise": "b"}', "line 1, column 18: malformed JSON: Extra data"),
        ('{"premise": ' + "9" * 5000 + "}", "line 1, column 13: malformed JSON: a number is too long"),
        ('{"premise": ' + "[" * 100_000, "line 1, column 13: malformed JSON: nested too deeply"),
        ("a,b\0,e\n", r"line 1, column 4: the character U\+0000"),
    ],
)
def test_a_refusal_names_line_column_and_cure(content: str, message: str) -> None:
    with pytest.raises(ExamplesError, match=message):
        read_examples(content.encode())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("premise\thypothesis\n".encode("utf-16")[:-1], "line 1, column 1: what follows is no UTF-16 text"),
        ("premise,hypothesis,label\na,señal,e\n".encode("mac_roman"), "line 2, column 5: byte 0x96 is not UTF-8"),
        (b"PK\x03\x04 a spreadsheet", "the file is a damaged spreadsheet or zip archive"),
        (b"\x1f\x8b\x08 zipped", "the file is damaged: its gzip data cannot be unpacked"),
        (b"\x28\xb5\x2f\xfd zipped", "line 1, column 1: the file is compressed with zstd; unpack it first"),
    ],
)
def test_other_encodings_and_files_are_refused_by_name(content: bytes, message: str) -> None:
    with pytest.raises(ExamplesError, match=message):
        read_examples(content, filename="pairs.csv")


def test_a_line_of_more_than_50_mib_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one-line.jsonl"
    path.write_bytes(json_lines(ROWS) + b'{"premise": "' + b"a" * (50 * 2**20) + b'"}\n')
    with pytest.raises(ExamplesError, match="line 3, column 1: the line is longer than 50 MiB"):
        read_examples(path)
    with pytest.raises(ExamplesError, match="there is no file"):
        read_examples(tmp_path / "absent.csv")


def test_a_cell_longer_than_a_csv_cell_may_be_is_refused() -> None:
    with pytest.raises(ExamplesError, match=r"line 2, column 1: .*131072"):
        read_examples(b"premise,hypothesis,label\n" + b"a" * 140_000 + b",b,e\n")
    with pytest.raises(ExamplesError, match=r"line 2, column 3: the quote opened here is not closed within 131,072"):
        read_examples(b'premise,hypothesis,label\na,"' + b"b\n" * 140_000)


@pytest.mark.parametrize(
    ("spellings", "label"),
    [
        (["entailment", " Entailment ", "ENTAILS", "entail", "e", "E", "0", 0, 0.0, "0.0"], "entailment"),
        (["neutral", "Neutral", "n", "1", 1], "neutral"),
        (["contradiction", "contradictory", "Contradicts", "c", "2", 2], "contradiction"),
        (["", "-", "maybe", "3", 3, -1, True, False, None, [], 1.5, "entailment neutral"], None),
    ],
)
def test_label_spellings(spellings: list[object], label: str | None) -> None:
    assert {parse_label(spelling) for spelling in spellings} == {label}


@pytest.mark.parametrize("key", ['"premise"', '"premise" ', '"premise"\t', '"premise"  '])
@pytest.mark.parametrize("other", ["", ', "note": "a"', ', "note": "\\":"', ', "note": ":)"', ', "note": {"x": 1}'])
def test_a_key_that_stands_twice_is_refused_however_it_is_written(key: str, other: str) -> None:
    content = f'{{"premise": "a", "hypothesis": "b", "label": 0{other}, {key}: "c"}}\n'
    with pytest.raises(ExamplesError, match="the key 'premise' stands twice"):
        read_examples(content.encode())
