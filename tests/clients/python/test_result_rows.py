"""Result files as rows, with whatever the file that was sent in had between its cells."""

from __future__ import annotations

from typing import Any

import pytest

from ltp_client.result_rows import rows_of

CSV, TSV = "text/csv; charset=utf-8", "text/tab-separated-values"
ANSWER = {"label": "neutral", "entailment": "0.1", "neutral": "0.6", "contradiction": "0.3"}
ANSWER |= {"answered_by": "sw@3", "fallback": "false", "truncated": "true"}
TEXTS = {"premise": "a, b", "hypothesis": 'c "d', "note": "1;2"}


@pytest.mark.parametrize(
    ("separator", "text"),
    [
        (",", '"a, b","c ""d",1;2'),
        (";", 'a, b;"c ""d";"1;2"'),
        ("|", 'a, b|"c ""d"|1;2'),
        ("\t", 'a, b\t"c ""d"\t1;2'),
        ("\t", 'a, b\tc "d\t1;2'),
    ],
    ids=["commas", "semicolons", "pipes", "tabs and quotes", "tabs alone"],
)
@pytest.mark.parametrize("headed", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_cells_are_told_by_what_stands_between_them(separator: str, text: str, headed: bool, end: str) -> None:
    media_type = TSV if separator == "\t" else CSV
    lines = [separator.join([text, *ANSWER.values()])] * 2
    names = [*TEXTS, *ANSWER] if headed else ["1", "2", "3", *ANSWER]
    content = end.join([*([separator.join(names)] if headed else []), *lines, ""])
    row = dict(zip(names, [*TEXTS.values(), *ANSWER.values()], strict=True))
    assert rows_of(content.encode("utf-8-sig"), media_type) == [row, row]


def test_a_line_that_declares_what_parts_cells_is_no_row() -> None:
    content = (
        b"\xef\xbb\xbfsep=;\r\npremise;predicted_label;answered_by;fallback;truncated\r\na;neutral;sw@1;true;false\r\n"
    )
    (row,) = rows_of(content, CSV)
    assert (row["premise"], row["predicted_label"], row["fallback"]) == ("a", "neutral", "true")


@pytest.mark.parametrize(
    ("row", "added"),
    [
        (b"a,b,entailment,0.9,0.1,sw@3,false,false\n", {"label", "entailment", "not_entailment"}),
        (b'"a,\nb",b,neutral,0.2,0.8,0.1,0.3,sw@3,false,false,true\n', {"label", "not_entailment", "abstained"}),
    ],
)
def test_without_a_header_what_was_added_has_its_names(row: bytes, added: set[str]) -> None:
    (told,) = rows_of(row, CSV)
    assert set(told) >= added | {"1", "2", "answered_by"}
    assert told["answered_by"] == "sw@3"


@pytest.mark.parametrize(
    ("content", "rows"), [(b"", []), ('{"a": "x\u2028"}\n{"a": null}\n'.encode(), [{"a": "x\u2028"}, {"a": None}])]
)
def test_lines_of_json_are_rows_as_they_are(content: bytes, rows: list[dict[str, Any]]) -> None:
    assert rows_of(content, "application/jsonl") == rows
