"""Prediction files: streamed, refused by place, and written back exactly as they were with columns added."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltp.errors import ExamplesError
from ltp.text.examples import PairFile, read_examples

SURE = ("entailment", 0.9, 0.0666666666, 0.0333333334)


def file_of(tmp_path: Path, content: str, name: str = "pairs.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode())
    return path


def written_back(file: PairFile) -> str:
    stream = io.BytesIO()
    writer = file.writer(stream)
    for pair in file:
        writer.write(pair, SURE)
    return stream.getvalue().decode()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "a.csv",
            '\ufeffid,premise,hypothesis\r\n1,"Sí, ""claro""\r\nque sí",h\r\n\r\n2, p ,h\r\n',
            (
                "\ufeffid,premise,hypothesis,label,entailment,neutral,contradiction\r\n"
                '1,"Sí, ""claro""\r\nque sí",h,entailment,0.900000,0.066667,0.033333\r\n'
                "2, p ,h,entailment,0.900000,0.066667,0.033333\r\n"
            ),
        ),
        (
            "b.csv",
            "premise;hypothesis;label;neutral\np;h;wrong;x\np;h\np;h;e;;;\n",
            (
                "premise;hypothesis;label;neutral;predicted_label;entailment;predicted_neutral;contradiction\n"
                "p;h;wrong;x;entailment;0.900000;0.066667;0.033333\n"
                "p;h;;;entailment;0.900000;0.066667;0.033333\n"
                "p;h;e;;entailment;0.900000;0.066667;0.033333\n"
            ),
        ),
        (
            "c.tsv",
            'Dijo "no\t"sí"\tneutral\np\th\tentailment',
            (
                'Dijo "no\t"sí"\tneutral\tentailment\t0.900000\t0.066667\t0.033333\n'
                "p\th\tentailment\tentailment\t0.900000\t0.066667\t0.033333\n"
            ),
        ),
        (
            "d.jsonl",
            '{"n": 1.50, "premise": "\\u00f1", "hypothesis": "h"}  \n{"hypothesis":"h","premise":"p","label":"e" }\n',
            (
                '{"n": 1.50, "premise": "\\u00f1", "hypothesis": "h", "predicted_label": "entailment",'
                ' "entailment": 0.9, "neutral": 0.066667, "contradiction": 0.033333}\n'
                '{"hypothesis":"h","premise":"p","label":"e", "predicted_label": "entailment", "entailment": 0.9,'
                ' "neutral": 0.066667, "contradiction": 0.033333}\n'
            ),
        ),
    ],
)
def test_a_file_comes_back_as_it_was_with_columns_added(tmp_path: Path, name: str, content: str, expected: str) -> None:
    assert written_back(PairFile(file_of(tmp_path, content, name))) == expected


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
table = st.lists(st.tuples(text, text, text), min_size=1, max_size=6)


@given(table, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.sampled_from(["\n", "\r\n"]))
def test_every_cell_survives_a_csv_file(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], quoting: int, line_end: str
) -> None:
    if quoting == csv.QUOTE_MINIMAL:  # under which Python 3.11 leaves a cell that holds a CR unquoted
        rows = [tuple(cell.replace("\r", "") for cell in row) for row in rows]  # type: ignore[misc]
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=quoting, lineterminator=line_end)  # type: ignore[arg-type]
    writer.writerows([("premise", "hypothesis", "note"), *[(f"p{p}", f"h{h}", f"n{n}") for p, h, n in rows]])
    path = tmp_path_factory.getbasetemp() / "table.csv"
    path.write_bytes(buffer.getvalue().encode())
    file = PairFile(path)
    back = list(csv.DictReader(io.StringIO(written_back(file), newline="")))
    assert [(r["premise"], r["hypothesis"], r["note"]) for r in back] == [
        (f"p{p}", f"h{h}", f"n{n}") for p, h, n in rows
    ]
    assert [r["label"] for r in back] == ["entailment"] * len(rows) == ["entailment"] * file.count()


@given(table, st.booleans())
def test_every_key_survives_json_lines(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], ascii_only: bool
) -> None:
    objects = [{"premise": f"p{p}", "extra": [{"x": n}, 1e300], "hypothesis": f"h{h}"} for p, h, n in rows]
    path = tmp_path_factory.getbasetemp() / "objects.jsonl"
    path.write_text("".join(json.dumps(o, ensure_ascii=ascii_only) + "\n" for o in objects), "utf-8", newline="")
    back = [json.loads(line) for line in written_back(PairFile(path)).split("\n")[:-1]]
    added = {"label": "entailment", "entailment": 0.9, "neutral": 0.066667, "contradiction": 0.033333}
    assert back == [{**o, **added} for o in objects]


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    gold = file_of(tmp_path, "premise,hypothesis,label\np,h,neutral\n")
    again = tmp_path / "again.csv"
    again.write_text(written_back(PairFile(gold)))
    assert [row.label for row in read_examples(again)] == ["neutral"]  # the file's own label, not the predicted one
    assert "predicted_label_2" in written_back(PairFile(again))


def test_rows_name_their_language_or_adapter_and_keep_their_line(tmp_path: Path) -> None:
    file = PairFile(file_of(tmp_path, 'lang,premise,hypothesis,adapter,language\nes,"a\nb",h,,x\n ,p,h,sw@2,x\n'))
    assert [(p.lang, p.adapter, p.line) for p in file] == [("es", None, 2), (None, "sw@2", 4)]
    assert (file.format, file.count()) == ("csv", 2)


def test_other_columns_can_be_asked_for(tmp_path: Path) -> None:
    file = PairFile(file_of(tmp_path, "premise,hypothesis\np,h\n"))
    stream = io.BytesIO()
    file.writer(stream, ("label", "abstained", "note", "gap")).write(
        next(iter(file)), ("neutral", True, 'a, "b"\n', None)
    )
    assert stream.getvalue() == b'premise,hypothesis,label,abstained,note,gap\np,h,neutral,true,"a, ""b""",\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("premise,hypothesis\np,h\n ,h\n", "line 3, column 1: the premise is blank"),
        ('{"premise": "p", "hypothesis": ""}', "line 1, column 32: the hypothesis is blank"),
        ('{"premise": "p", "hypothesis": "h", "lang": 3}', "line 1, column 45: the lang must be a text, not 3"),
        ("premise,hypothesis\np,h,i\n", "line 2, column 5: 3 cells where the first row has 2"),
        ("id,premise\n1,p\n", "line 1, column 1: no column for the hypothesis"),
        ("7\tone sentence\tanother sentence\n", "line 1, column 16: 'another sentence' is not a label, and no column"),
    ],
)
def test_refusals_come_with_the_first_whole_reading(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ExamplesError, match=message):
        PairFile(file_of(tmp_path, content)).count()


def test_blank_texts_pass_when_asked_for(tmp_path: Path) -> None:
    path = file_of(tmp_path, "id\tpremise\thypothesis\n1\t \th\n", "nah.tsv")
    assert [(p.premise, p.hypothesis) for p in PairFile(path, allow_blank=True)] == [(" ", "h")]


@pytest.mark.slow
def test_a_large_file_is_never_held(tmp_path: Path) -> None:
    path = tmp_path / "large.tsv"
    with path.open("w") as file:
        file.writelines(f"This is premise number {i}.\tAnd this is its hypothesis.\n" for i in range(80_000))
    pairs = PairFile(path)
    with (tmp_path / "result.tsv").open("wb") as result:
        tracemalloc.start()
        writer = pairs.writer(result)
        for pair in pairs:
            writer.write(pair, SURE)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert pairs.count() == 80_000
    assert peak < path.stat().st_size / 2
