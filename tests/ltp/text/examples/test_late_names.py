"""Names that stand in no row among the first count for the file as they would in the first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ltp.errors import ExamplesError
from ltp.text.examples import Reading, ReadOptions, check, read

FIRST = 250
"""More rows than the columns are told by."""
E, N, C = "entailment", "neutral", "contradiction"
LABELS = (E, N, C)


def pair(number: int, **more: Any) -> dict[str, Any]:
    return {"premise": f"p{number}", "hypothesis": f"h{number}", **more}


def plain(**more: Any) -> list[dict[str, Any]]:
    return [pair(number, label=LABELS[number % 3], **more) for number in range(FIRST)]


def lines(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def both(file: bytes, filename: str = "x.jsonl", **options: Any) -> Reading:
    """The reading, which must be the same of a file that is only looked through."""
    given = ReadOptions(**options)
    examples, reading = read(file, filename=filename, options=given)
    assert len(examples) == reading.read
    assert check(file, filename=filename, options=given).as_dict() == reading.as_dict()
    return reading


def left_out(reading: Reading) -> dict[str, tuple[int, int]]:
    return {one.reason: (one.rows, one.first_line) for one in reading.left_out}


def test_rejected_rows_behind_the_first_are_left_out() -> None:
    late = [pair(1000, label=N, answer="reject"), pair(1001, label=N, answer="accept"), pair(1002, label=C)]
    reading = both(lines(*plain(), *late))
    assert left_out(reading) == {"the annotator rejected it": (1, FIRST + 1)}
    assert (reading.read, reading.notes[0]) == (FIRST + 2, "read as an export of Prodigy")


@pytest.mark.parametrize("blank", [None, ""])
def test_answers_that_are_blank_in_the_first_rows_say_nothing(blank: str | None) -> None:
    reading = both(lines(*plain(answer=blank), pair(1000, label=N, answer="reject")))
    assert left_out(reading) == {"the annotator rejected it": (1, FIRST + 1)}


def test_answers_of_a_table_may_begin_late() -> None:
    rows = [f"p{number},h{number},{LABELS[number % 3]}," for number in range(FIRST)]
    table = "\n".join(["premise,hypothesis,label,answer", *rows, "p,h,neutral,reject", "q,h,neutral,accept"])
    reading = both(table.encode(), "x.csv")
    assert left_out(reading) == {"the annotator rejected it": (1, FIRST + 2)}


def test_answers_that_are_no_annotators_stay_a_column() -> None:
    reading = both(lines(*plain(), pair(1000, label=N, answer="Nairobi"), pair(1001, label=N, answer="reject")))
    assert (reading.read, left_out(reading)) == (FIRST + 2, {})


def test_a_late_gold_label_counts_before_the_label() -> None:
    reading = both(lines(*plain(), pair(1000, label=N, gold_label="-"), pair(1001, label=N, gold_label=C)))
    assert left_out(reading) == {"'-' marks a pair without an agreed label": (1, FIRST + 1)}
    assert reading.columns["label"] == "gold_label"
    assert reading.labels[C].rows == FIRST // 3 + 1


def test_late_statuses_of_argilla_count() -> None:
    rows = [pair(number, **{"label.responses": [LABELS[number % 3]]}) for number in range(FIRST)]
    late = {"label.responses": [N], "label.responses.status": ["discarded"]}
    reading = both(lines(*rows, pair(1000, **late)))
    assert left_out(reading) == {"the annotator discarded it": (1, FIRST + 1)}


def test_tasks_that_are_judged_late_are_read() -> None:
    """Label Studio exports tasks in the order they came in, and the first may wait for somebody."""
    waiting = [{"id": number, "data": pair(number), "annotations": []} for number in range(FIRST)]
    result = {"from_name": "nli", "type": "choices", "value": {"choices": [N]}}
    judged = [{"id": 9, "data": pair(9000), "annotations": [{"was_cancelled": False, "result": [result]}]}]
    reading = both(json.dumps(waiting + judged).encode(), "x.json")
    assert (reading.read, reading.labels[N].rows, reading.rows) == (1, 1, FIRST + 1)


def test_languages_that_are_named_late_are_asked_about() -> None:
    late = [pair(1000, label=N, language="sw"), pair(1001, label=N, language="yo")]
    with pytest.raises(ExamplesError, match=r"'language' has sw 1, yo 1"):
        read(lines(*plain(), *late), filename="x.jsonl")


def test_rows_with_keys_of_their_own_are_no_new_columns() -> None:
    rows = [pair(number, label=LABELS[number % 3], **{f"id{number}": number}) for number in range(3 * FIRST)]
    assert both(lines(*rows)).read == 3 * FIRST
