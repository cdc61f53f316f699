"""JSON that is no JSON lines: arrays, wrapped ones, objects one after the other, tables by column; strict."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltp.errors import ExamplesError
from ltp.text.files import RecordFile

ROWS = [
    {"premise": "p1", "hypothesis": "h1", "label": 0, "more": [{"x": 1.5}]},
    {"premise": "ñandú", "hypothesis": "[{\"x\": 1}]", "label": None},
]  # fmt: skip
COLUMNS = {"premise": ["p1", "p2"], "hypothesis": ["h1", "h2"], "label": [0, 1]}


def fields(content: str, name: str = "a.json") -> list[Any]:
    return [dict(record.fields) for record in RecordFile(content.encode(), name)]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.txt", None])
@pytest.mark.parametrize("indent", [None, 0, 2, "\t"])
def test_an_array_is_read_however_it_is_written(indent: int | str | None, name: str) -> None:
    assert fields(json.dumps(ROWS, indent=indent), name) == ROWS
    assert fields("\n\n " + json.dumps(ROWS, indent=indent, ensure_ascii=False) + "\n", name) == ROWS


def test_lines_and_columns_are_those_of_the_file() -> None:
    file = RecordFile(json.dumps(ROWS, indent=2).encode(), "a.json")
    first, second = file
    assert (first.line, second.line) == (2, 12)
    assert second.where("hypothesis") == (14, 19)
    one_line = list(
        RecordFile(b' [{"premise": "a", "hypothesis": "b"}, {"premise": "c", "hypothesis": "d"}]', "a.json")
    )
    assert [record.where("hypothesis") for record in one_line] == [(1, 34), (1, 71)]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"data": ROWS}), json.dumps({"version": {"a": 1}, "rows": ROWS, "n": 2}, indent=1),
        json.dumps({"features": [{"name": "premise"}], "rows": ROWS}),
        json.dumps({"0": ROWS[0], "1": ROWS[1]}, indent=1),
        "".join(json.dumps(row, indent=2) + "\n" for row in ROWS),
    ],
    ids=["wrapped", "wrapped among others", "the list of pairs", "by row", "one after the other"],
)  # fmt: skip
def test_rows_are_found_where_they_are(content: str) -> None:
    assert fields(content) == ROWS


@pytest.mark.parametrize(
    "table", [COLUMNS, {name: dict(enumerate(cells)) for name, cells in COLUMNS.items()}], ids=["lists", "pandas"]
)
def test_a_table_by_columns_is_read_by_rows(table: dict[str, Any]) -> None:
    rows = [dict(zip(COLUMNS, cells, strict=True)) for cells in zip(*COLUMNS.values(), strict=True)]
    assert fields(json.dumps(table)) == fields(json.dumps(table, indent=2)) == rows


def test_a_single_object_is_a_row_though_it_holds_lists() -> None:
    assert fields(json.dumps(ROWS[0])) == fields(json.dumps(ROWS[0], indent=2)) == [ROWS[0]]
    task = {"id": 1, "data": {"premise": "p", "hypothesis": "h"}, "annotations": [{"result": []}]}
    assert fields(json.dumps(task, indent=2)) == fields(json.dumps([task])) == [task]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps({"train": ROWS, "dev": ROWS}), "several lists of objects, 'train' and 'dev'; keep the one"),
        (
            json.dumps({"documents": [{"text": "a", "annotation_sets": []}], "labels": {"nda-1": {"hypothesis": "b"}}}),
            r"documents with annotations, not pairs \(ContractNLI's layout\)",
        ),
        ('[{"premise": "a",\n "premise": "b"}]', "line 2, column 2: the key 'premise' stands twice"),
        ('[\n{"premise": "a", "x": NaN}]', "line 2, column 23: NaN is not JSON"),
        ('[\n{"premise": "a\\ud800"}]', r"line 2, column 1: the character U\+D800 is not text"),
        ('[\n{"premise": "a"}\n{"premise": "b"}]', "line 3, column 1: malformed JSON: expected ',' or ']'"),
        ('[\n{"premise": "a"},', "line 2, column 18: malformed JSON: Expecting value"),
        ('[\n{"premise": "a', "line 2, column 13: malformed JSON: Unterminated string"),
        ('[{"premise": "a"}]\n[{"premise": "b"}]', "line 2, column 1: malformed JSON: text after the end of the array"),
        ('[\n["premise", "a"]]', "line 2, column 1: expected a JSON object"),
        ("[]", "the file holds a header and no rows"),
        ('{"data": [], "data": []}', "line 1, column 14: the key 'data' stands twice|no rows"),
        ('[\n{"x": ' + "[" * 100_000, "line 2, column 7: malformed JSON: nested too deeply"),
        ('[\n{"x": ' + "9" * 5000 + "}]", "line 2, column 7: malformed JSON: a number is too long"),
        ('[\n{"premise": "a\0"}]', r"line 2, column 15: the character U\+0000"),
    ],
)
def test_a_refusal_names_the_place_and_the_cure(content: str, message: str) -> None:
    with pytest.raises(ExamplesError, match=message):
        list(RecordFile(content.encode(), "a.json"))


def test_a_long_array_is_never_held_on_one_line_or_many(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    with path.open("w") as file:
        file.write("[")
        file.writelines(
            json.dumps({"premise": f"This is premise {i}. " * 20, "hypothesis": "h"}) + ", " for i in range(9_000)
        )
        file.write(json.dumps(ROWS[0]) + "]")
    tracemalloc.start()
    count = sum(1 for _ in RecordFile(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 9_001
    assert peak < path.stat().st_size / 2


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab\"\\", max_size=2), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(st.dictionaries(st.text("pq:{", min_size=1, max_size=3), values, max_size=4), min_size=1, max_size=6),
       st.sampled_from([None, 1]), st.booleans())  # fmt: skip
def test_every_object_of_an_array_comes_back(rows: list[dict[str, Any]], indent: int | None, ascii_only: bool) -> None:
    assert fields(json.dumps(rows, indent=indent, ensure_ascii=ascii_only)) == rows


def test_the_row_in_an_element_of_the_hub_viewers_answer_has_its_own_place() -> None:
    answer = {
        "features": [{"name": "premise", "type": {}}],
        "rows": [{"row_idx": 0, "row": {"premise": 1, "hypothesis": "h"}}],
    }
    for indent in (None, 1):
        text = json.dumps(answer, indent=indent)
        record = next(iter(RecordFile(text.encode(), "rows.json")))
        line, column = record.where("premise")
        assert text.splitlines()[line - 1][column - 1 :].startswith("1")
        assert json.loads(record.raw) == record.fields == {"premise": 1, "hypothesis": "h"}
