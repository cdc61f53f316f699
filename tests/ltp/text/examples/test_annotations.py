"""Exports of annotation tools: who said what of a pair, and which rows nobody judged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ltp.text.examples import PairFile, Reading, ReadOptions, check, read

E, N, C = "entailment", "neutral", "contradiction"


def lines(*objects: dict[str, Any]) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in objects).encode()


def pair(number: int) -> dict[str, Any]:
    return {"premise": f"p{number}", "hypothesis": f"h{number}"}


def found(data: bytes, **said: Any) -> tuple[list[tuple[str, str | None]], dict[str, int], Reading]:
    examples, reading = read(data, options=ReadOptions(**said))
    assert check(data, options=ReadOptions(**said)) == reading
    assert reading.rows == reading.read + sum(one.rows for one in reading.left_out)
    return (
        [(example.premise, example.label) for example in examples],
        {one.reason: one.rows for one in reading.left_out},
        reading,
    )


def choice(value: str, tag: str = "label", **more: Any) -> dict[str, Any]:
    result = {"from_name": tag, "to_name": "h", "type": "choices", "value": {"choices": [value]}}
    return {"result": [result], "was_cancelled": False, **more}


def test_label_studios_json_counts_every_annotator() -> None:
    data = lines(
        {"id": 1, "data": pair(1), "annotations": [choice("Entailment"), choice("Entailment")], "predictions": []},
        {"id": 2, "data": pair(2), "annotations": [choice("Neutral"), choice("Contradiction")], "predictions": []},
        {"id": 3, "data": pair(3), "annotations": [choice("Neutral", was_cancelled=True)], "predictions": []},
        {"id": 4, "data": pair(4), "annotations": [], "predictions": [choice("Neutral")]},
        {"id": 5, "data": pair(5), "annotations": [{"result": [], "was_cancelled": False}, choice("Contradiction")]},
    )
    read_pairs, left_out, reading = found(data)
    assert read_pairs == [("p1", E), ("p5", C)]
    assert left_out == {
        "another annotator said the same of the pair, which is read once": 1,
        "the pair stands with different labels": 2,
        "the annotator skipped it": 1,
        "nobody has judged the row": 2,
    }
    assert reading.columns == {"premise": "data.premise", "hypothesis": "data.hypothesis", "label": "annotations.label"}
    assert reading.conflicts == 1
    assert [(one.labels, one.lines) for one in reading.disagreements] == [({N: 1, C: 1}, [2])]
    assert (
        "1 pair stands with different labels (the first in line 2: neutral 1, contradiction 1)" in reading.warnings[0]
    )


def test_the_choices_that_are_the_label_can_be_named() -> None:
    both = choice("fiction", "genre")
    both["result"] += choice("neutral", "nli")["result"]
    data = lines({"data": pair(1), "annotations": [both]})
    assert found(data, columns={"label": "annotations.nli"})[0] == [("p1", N)]


def test_label_studios_tables_count_every_annotator() -> None:
    header = "annotation_id,annotator,hypothesis,id,nli,lead_time,premise\n"
    rows = ["1,1,h1,1,entailment,2.1,p1", "2,2,h1,1,entailment,2.1,p1", "3,1,h2,2,neutral,1.0,p2", "4,1,h3,3,,1.0,p3"]
    read_pairs, left_out, _ = found((header + "\n".join(rows) + "\n").encode())
    assert read_pairs == [("p1", E), ("p2", N)]
    assert set(left_out.values()) == {1}
    assert left_out["nobody has judged the row"] == 1


def test_several_annotators_are_settled_by_the_rule_that_somebody_picks() -> None:
    said = ["neutral", "neutral", "entailment"]
    three = lines(*({**pair(1), "label": label, "annotator": who} for who, label in enumerate(said)))
    _, reading = read(three + lines({**pair(2), "label": "c"}))
    assert (reading.read, reading.conflicts) == (1, 1)
    read_pairs, left_out, _ = found(three, conflicts="majority")
    assert read_pairs == [("p1", N)]
    assert left_out == {
        "another annotator said the same of the pair, which is read once": 1,
        "most rows of the pair have another label": 1,
    }
    tied = lines({**pair(1), "label": "e"}, {**pair(1), "label": "n"}, {**pair(2), "label": "c"})
    assert found(tied, conflicts="majority")[0] == [("p2", C)]
    assert found(tied, conflicts="keep")[0] == [("p1", E), ("p1", N), ("p2", C)]


def test_without_annotators_repeated_rows_are_kept_and_counted() -> None:
    data = lines({**pair(1), "label": "e"}, {**pair(1), "label": "e"}, {**pair(2), "label": "n"})
    read_pairs, left_out, reading = found(data)
    assert (read_pairs, left_out, reading.duplicates) == ([("p1", E), ("p1", E), ("p2", N)], {}, 1)


@pytest.mark.parametrize("label", ["label", "labels"])
def test_doccanos_lists_hold_one_label_or_a_conflict_or_none(label: str) -> None:
    rows: list[list[str]] = [["entailment"], [], ["neutral", "contradiction"]]
    data = lines(*({**pair(number), label: said} for number, said in enumerate(rows)))
    read_pairs, left_out, _ = found(data)
    assert read_pairs == [("p0", E)]
    assert left_out == {"nobody has judged the row": 1, "the pair stands with different labels": 2}
    table = b"premise,hypothesis,label\np0,h0,entailment\np1,h1,neutral#contradiction\n"
    assert found(table)[0] == [("p0", E)]


def test_doccanos_text_with_both_sides_is_parted() -> None:
    rows = [f"p{number} {mark} h{number}" for number, mark in enumerate(["[SEP]", "<sep>", "</s></s>"])]
    data = lines(*({"id": 1, "text": text, "label": ["neutral"]} for text in rows))
    assert found(data)[0] == [("p0", N), ("p1", N), ("p2", N)]


def test_prodigys_answers_decide() -> None:
    rows = [("entailment", "accept"), ("neutral", "reject"), ("neutral", "ignore"), ("neutral", "accept")]
    data = lines(*({**pair(number), "label": label, "answer": said} for number, (label, said) in enumerate(rows)))
    read_pairs, left_out, _ = found(data)
    assert read_pairs == [("p0", E), ("p3", N)]
    assert left_out == {"the annotator rejected it": 1, "the annotator ignored it": 1}


def test_prodigys_choices_are_what_was_accepted() -> None:
    options = [{"id": label, "text": label} for label in (E, N, C)]
    rows: list[tuple[list[str], str]] = [([C], "accept"), ([], "accept"), ([N], "reject"), ([N, E], "accept")]
    data = lines(
        *({**pair(n), "options": options, "accept": taken, "answer": said} for n, (taken, said) in enumerate(rows))
    )
    read_pairs, left_out, reading = found(data)
    assert read_pairs == [("p0", C)]
    assert left_out == {
        "nobody has judged the row": 1,
        "the annotator rejected it": 1,
        "the pair stands with different labels": 2,
    }
    assert reading.columns["label"] == "accept"


def argilla(number: int, *said: tuple[str, str]) -> dict[str, Any]:
    values = [value for value, _ in said] or None
    statuses = [status for _, status in said] or None
    return {**pair(number), "nli.responses": values, "nli.responses.status": statuses, "nli.suggestion": "neutral"}


def test_prodigys_options_are_what_the_annotator_read_not_their_numbers() -> None:
    options = [{"id": number, "text": text} for number, text in enumerate(["Contradiction", "Entailment", "Neutral"])]
    given = [pair(n) | {"options": options, "accept": [n], "answer": "accept"} for n in range(3)]
    assert found(lines(*given))[0] == [("p0", C), ("p1", E), ("p2", N)]
    words = [{"id": "entailment", "text": "Folgt"}, {"id": "n", "text": "Offen"}]
    given = [pair(n) | {"options": words, "accept": [words[n]["id"]], "answer": "accept"} for n in range(2)]
    assert found(lines(*given))[0] == [("p0", E), ("p1", N)]


def test_rejected_rows_count_beside_rows_without_an_answer() -> None:
    given = [pair(0) | {"label": E}, pair(1) | {"label": N, "answer": "reject"}, pair(2) | {"label": C}]
    assert found(lines(*given))[:2] == ([("p0", E), ("p2", C)], {"the annotator rejected it": 1})


def test_of_several_choices_those_with_labels_words_are_the_label() -> None:
    said = {"result": [*choice("good", "quality")["result"], *choice("neutral", "nli")["result"]]}
    data = lines({"id": 1, "data": pair(1), "annotations": [said]})
    for named in ({}, {"label": "nli"}, {"label": "annotations.nli"}):
        assert found(data, columns=named)[0] == [("p1", N)]


def test_argillas_flat_records_count_what_was_submitted() -> None:
    rows = [
        argilla(0, (E, "submitted"), (E, "submitted")),
        argilla(1, (E, "submitted"), (N, "discarded")),
        argilla(2, (N, "draft")),
        argilla(3),
    ]
    read_pairs, left_out, reading = found(lines(*rows))
    assert read_pairs == [("p0", E), ("p1", E)]
    assert left_out == {
        "another annotator said the same of the pair, which is read once": 1,
        "the annotator discarded it": 1,
        "the response is a draft": 1,
        "nobody has judged the row": 1,
    }
    assert reading.columns["label"] == "nli.responses"
    header = "premise,hypothesis,nli.responses,nli.responses.status\n"
    cells = """p0,h0,"['neutral', 'entailment']","['discarded', 'submitted']"\n"""  # as pandas writes lists
    assert found((header + cells).encode())[0] == [("p0", E)]


def test_argillas_nested_records_are_read_and_what_they_do_not_say_is_told() -> None:
    responses = {"nli": [{"value": "contradiction", "user_id": "1"}]}
    data = lines(
        {"id": "0", "fields": pair(0), "metadata": {}, "responses": responses, "suggestions": {}, "status": "pending"},
        {"id": "1", "fields": pair(1), "metadata": {}, "responses": {}, "suggestions": {}, "status": "pending"},
    )
    read_pairs, left_out, reading = found(data)
    assert (read_pairs, left_out) == ([("p0", C)], {"nobody has judged the row": 1})
    assert "does not say which responses were discarded" in reading.warnings[0]


def test_argilla_1_is_read_by_its_annotation() -> None:
    rows = [("entailment", "Validated"), ("neutral", "Discarded"), (None, "Default")]
    data = lines(
        *(
            {"inputs": pair(n), "annotation": label, "prediction": [["neutral", 0.9]], "status": status}
            for n, (label, status) in enumerate(rows)
        )
    )
    read_pairs, left_out, _ = found(data)
    assert (read_pairs, sum(left_out.values())) == ([("p0", E)], 2)


def test_prediction_takes_what_nobody_judged(tmp_path: Any) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(lines(*({**pair(n), "label": "neutral", "answer": "reject"} for n in range(3))))
    assert [one.premise for one in PairFile(path)] == ["p0", "p1", "p2"]
    assert check(path, task="predict").read == 3
