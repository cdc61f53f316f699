"""What the labels of a whole file mean: words, numbers with and without words beside them, and what is refused."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from ltp.config import Label
from ltp.errors import ExamplesError, InvalidConfig
from ltp.text.examples import ReadOptions, check, parse_labels_option, read
from ltp.text.examples.reading import reworded
from ltp.text.label_words import WORDS, label_of_word

E, N, C, NOT = "entailment", "neutral", "contradiction", "not_entailment"


def rows(*labels: object, **beside: list[object]) -> bytes:
    """A file of one pair a label, with further columns."""
    lines = [
        {"premise": f"p{number}", "hypothesis": f"h{number}", "label": label}
        | {name: values[number] for name, values in beside.items()}
        for number, label in enumerate(labels)
    ]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def labels(data: bytes, **said: object) -> list[Label | None]:
    return [example.label for example in read(data, options=ReadOptions(**said))[0]]  # type: ignore[arg-type]


@pytest.mark.parametrize("form", [0, "0", 0.0, "0.0", " 0 "])
def test_the_hubs_numbers_are_read_in_its_order_and_said(form: object) -> None:
    data = rows(form, 1, 2, "1.0", -1, "-")
    examples, reading = read(data)
    assert [example.label for example in examples] == [E, N, C, N]
    assert "0 = entailment, 1 = neutral, 2 = contradiction" in reading.warnings[0]
    assert "--labels" in reading.warnings[0]
    assert [(one.rows, one.first_line) for one in reading.left_out] == [(1, 5), (1, 6)]
    assert {written: one.label for written, one in reading.labels.items()} == {
        "0": E, "1": N, "2": C, "-1": None, "-": None,
    }  # fmt: skip


@pytest.mark.parametrize("numbers", [[0, 1], [0], [1], [1, 0, -1], [0, 1, 2, 3], [1, 2, 3], [0, 2], [2, 1, 5], [0, -1]])
def test_numbers_that_may_mean_anything_are_refused_with_the_ways_out(numbers: list[int]) -> None:
    with pytest.raises(ExamplesError, match="--labels") as refusal:
        read(rows(*numbers))
    for line, number in enumerate(numbers, start=1):
        assert f"'{number}' (1 row, first in line {line})" in str(refusal.value)
    said: dict[str, Label] = {str(number): N for number in numbers}
    assert labels(rows(*numbers), labels=said) == [N] * len(numbers)


def test_numbers_mean_what_the_words_beside_them_say() -> None:
    words = ["contradiction", "Entailment", "neutral", "entailment"]
    for name in ("label_text", "label_name", "verdict in words"):
        assert labels(rows(0, 1, 2, 1, **{name: words})) == [C, E, N, E]
    assert labels(rows(0, 1, answer=["refutes", "supports"])) == [C, E]
    assert labels(rows(0, 1, answer=["not_entailment", "entailment"])) == [NOT, E]
    assert labels(rows("A", "B", True, label_text=["neutral", "entailment", "contradiction"])) == [N, E, C]


def test_numbers_that_contradict_the_words_beside_them_are_refused() -> None:
    mixed = rows(0, 1, 2, 0, label_text=["entailment", "neutral", "contradiction", "neutral"])
    with pytest.raises(ExamplesError, match=r"'0' in 'label' stands beside different words .*--columns label="):
        read(mixed)
    assert labels(mixed, columns={"label": "label_text"}) == [E, N, C, N]
    swapped = rows(0, 1, 2, label_text=["contradiction", "entailment", "neutral"])
    examples, reading = read(swapped, options=ReadOptions(labels=parse_labels_option("e,n,c")))
    assert [example.label for example in examples] == [E, N, C]  # as somebody said, who is told
    assert len(reading.warnings) == 3
    assert "'label_text'" in reading.warnings[0]


def test_scores_of_nearness_tell_an_order_that_cannot_be() -> None:
    near = rows(0, 1, 2, relatedness_score=[4.5, 3.1, 3.0])
    assert labels(near) == [E, N, C]
    with pytest.raises(ExamplesError, match=r"highest 'relatedness_score' \(0: 3.00, 1: 4.50, 2: 3.10\)"):
        read(rows(0, 1, 2, relatedness_score=[3.0, 4.5, 3.1]))


def test_a_models_or_one_annotators_label_is_not_the_rows() -> None:
    assert labels(rows("e", "n", gold_label=["n", "c"])) == [N, C]
    data = b"premise,hypothesis,annotator_1,predicted_label,majority\np,h,neutral,neutral,entailment\n"
    assert labels(data) == [E]
    several = b"premise,hypothesis,expert,crowd\np,h,neutral,entailment\n"
    with pytest.raises(ExamplesError, match="--columns label=expert or --columns label=crowd"):
        read(several)


def test_two_labels_are_their_own_space_and_do_not_mix_with_three() -> None:
    for word in ("not_entailment", "non-entailment", "NotEntail", "not entailment"):
        examples, reading = read(rows("entailment", word))
        assert ([example.label for example in examples], reading.label_space) == ([E, NOT], "two_way")
    assert read(rows("e", "n", "c"))[1].label_space == "three_way"
    mixed = rows("entailment", "not_entailment", "neutral")
    with pytest.raises(ExamplesError, match=r"line 2, .*'not_entailment' .*--label-space two_way"):
        read(mixed)
    assert labels(mixed, label_space="two_way") == [E, NOT, NOT]
    assert labels(rows("e", "n", "c"), label_space="two_way") == [E, NOT, NOT]
    with pytest.raises(ExamplesError, match="does not say which"):
        read(rows("entailment", "not_entailment"), options=ReadOptions(label_space="three_way"))


def test_a_held_out_file_means_what_the_training_file_means() -> None:
    _, training = read(rows(0, 1, 2), options=ReadOptions(labels=parse_labels_option("c,e,n")))
    examples, reading = read(rows(1, 0, -1, "neutral"), task="evaluate", like=training)
    assert [example.label for example in examples] == [E, C, N]
    assert reading.warnings == []
    with pytest.raises(ExamplesError, match=r"1 in 'label' is read as entailment, .* say neutral in 'label_text'"):
        read(rows(1, label_text=["neutral"]), task="evaluate", like=training)


def test_what_a_held_out_file_calls_its_numbers_counts_more_than_the_training_file() -> None:
    _, training = read(rows(0, 1, 2), options=ReadOptions(labels=parse_labels_option("e,n,c")))
    info = {
        "info": {"features": {"label": {"names": ["contradiction", "entailment", "neutral"], "_type": "ClassLabel"}}}
    }
    table = pa.table({"premise": list("abc"), "hypothesis": list("xyz"), "label": [0, 1, 2]})
    sink = pa.BufferOutputStream()
    parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), sink)
    examples, _ = read(sink.getvalue().to_pybytes(), task="evaluate", like=training)
    assert [example.label for example in examples] == [C, E, N]


def test_words_beside_numbers_count_though_some_are_unknown_or_come_late() -> None:
    words = ["contradiction", "entailment", "something else"]
    with pytest.raises(
        ExamplesError, match=r"0 in 'label' .* say contradiction in 'meaning'; .*--columns label=meaning"
    ):
        read(rows(0, 1, 2, meaning=words))
    late = [None] * 300 + ["contradiction", "entailment", "neutral"]
    assert labels(rows(*[0, 1, 2] * 101, label_text=late))[-3:] == [C, E, N]
    assert labels(rows(0, 1, 2, mood=["neutral", "glad", "sad"])) == [E, N, C]


def test_what_a_model_said_does_not_say_what_numbers_mean() -> None:
    for name in ("predicted_label", "model_label", "label (old)"):
        assert labels(rows(0, 1, 2, 1, **{name: ["entailment", "neutral", "contradiction", "entailment"]})) == [
            E,
            N,
            C,
            N,
        ]


@pytest.mark.parametrize("mark", ["\u200b", "\ufeff", "\u200e", "\u2060", " \u200d "])
def test_what_nobody_sees_around_a_label_does_not_count(mark: str) -> None:
    assert labels(rows(f"0{mark}", f"{mark}1", "2", "0", f"-{mark}")) == [E, N, C, E]
    assert list(read(rows(f"neutral{mark}", "neutral"))[1].labels) == ["neutral"]


def test_unknown_spellings_are_refused_with_all_of_them_and_a_command() -> None:
    data = rows("Entailment", "None", "Paraphrase", "None")
    with pytest.raises(ExamplesError) as refusal:
        read(data)
    message = str(refusal.value)
    assert message.startswith("line 2, column 48: 'None' is not a label")
    assert "'None' (2 rows, first in line 2), 'Paraphrase' (1 row, first in line 3)" in message
    assert "Paraphrase=entailment,None=not_entailment" in message
    said = parse_labels_option("None=not_entailment,paraphrase=entailment")
    assert labels(data, labels=said) == [E, NOT, E, NOT]
    with pytest.raises(ExamplesError, match="more than 1,000 different values"):
        read(rows(*(f"v{number}" for number in range(1001))))


def test_numbers_mean_what_the_file_itself_names_them(tmp_path: Path) -> None:
    table = pa.table({"premise": ["a", "b", "c"], "hypothesis": ["x", "y", "z"], "label": [0, 1, -1]})
    for names, meant in ((["contradiction", "entailment"], [C, E]), (["not_entailment", "entailment"], [NOT, E])):
        info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        path = tmp_path / "pairs.parquet"
        parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), path)
        examples, reading = read(path)
        assert [example.label for example in examples] == meant
        assert "as the file itself names them" in " ".join(reading.notes)
    parquet.write_table(table.slice(0, 2), path)
    with pytest.raises(ExamplesError, match="--labels e,ne"):
        read(path)


def test_a_number_written_as_a_formula_is_no_number() -> None:
    with pytest.raises(ExamplesError, match="'=1' is not a label"):
        read(rows("1", "=1", "0", "2"))


def test_what_somebody_says_and_no_row_has_is_told() -> None:
    _, reading = read(rows("e", "n"), options=ReadOptions(labels={"si": "entailment"}))
    assert any("'si'" in note or "si" in note for note in reading.notes)


words = st.sampled_from(
    sorted({*WORDS, "Entailment", "NEUTRAL", "contradicción", "не следует", "maybe", "ja", "0", "7"})
)
forms = st.sampled_from(
    [str, str.upper, str.title, lambda word: f" {word} ", lambda word: unicodedata.normalize("NFD", word)]
)


@given(st.lists(st.tuples(words, forms), min_size=1, max_size=12))
def test_a_label_is_what_its_word_says_or_the_file_is_refused(drawn: list[tuple[str, object]]) -> None:
    written = [form(word) for word, form in drawn]  # type: ignore[operator]
    data = rows(*written)
    meant = {label_of_word(word) for word in written}
    if None in meant or (NOT in meant and meant & {N, C}):
        with pytest.raises(ExamplesError, match=r"line \d+, column \d+: .* --lab"):
            read(data)
        return
    examples, reading = read(data, options=ReadOptions(conflicts="keep"))
    assert [example.label for example in examples] == [label_of_word(word) for word in written]
    assert reading.rows == len(written) == reading.read + sum(one.rows for one in reading.left_out)
    assert check(data, options=ReadOptions(conflicts="keep")) == reading


@pytest.mark.parametrize(
    ("written", "command"),
    [
        (["xx", "e"], 'labels "xx=LABEL"'),
        (["yes", "maybe", "no"], 'labels "yes=LABEL,maybe=LABEL,no=LABEL"'),
        (["Entailment", "None"], 'labels "Entailment=entailment,None=not_entailment"'),
        (["yes", "no"], 'labels "yes=entailment,no=not_entailment"'),
        ([1, 2, 3], 'labels "1=LABEL,2=LABEL,3=LABEL"'),
        ([0, 1, 2, 3], 'labels "0=LABEL,1=LABEL,2=LABEL,3=LABEL"'),
    ],
)
def test_what_a_refusal_says_can_be_typed_and_is_right_or_asks(written: list[object], command: str) -> None:
    with pytest.raises(ExamplesError) as refusal:
        read(rows(*written))
    assert f"--{command}" in str(refusal.value)
    typed = command.removeprefix('labels "').removesuffix('"')
    if "LABEL" in typed:
        assert "each LABEL is entailment, neutral, contradiction or not_entailment" in str(refusal.value)
        with pytest.raises(InvalidConfig):
            parse_labels_option(typed)
    else:
        assert labels(rows(*written), labels=parse_labels_option(typed)) == [E, NOT]


def test_the_names_of_columns_are_told_from_labels() -> None:
    data = b"premise,hypothesis,label\np,h,e\npremise,hypothesis,label\nq,i,n\n"
    with pytest.raises(ExamplesError, match=r"line 3, .*'label' is not a label .* That line names the columns"):
        read(data)
    with pytest.raises(ExamplesError, match=r"line 2, .* That line names the columns: keep it as the first line"):
        read(b"Our pairs of 2024,,\npremise,hypothesis,label\np,h,e\nq,i,n\n")


def test_what_programs_write_for_nothing_is_no_label_and_counted() -> None:
    _, reading = read(rows("e", "NaN", "n", "N/A", "nan", "#N/A", "null"))
    assert reading.read == 2
    assert sum(one.rows for one in reading.left_out) == 5
    assert all("without an agreed label" in one.reason for one in reading.left_out)


def test_a_number_beside_a_word_is_not_looked_at() -> None:
    assert labels(rows("0 - entailment", "1: neutral", "contradiction (2)")) == [E, N, C]
    assert label_of_word("1_not_entailment") == NOT
    for word in ("c2", "e1", "ent0", "12", "2nd"):
        assert label_of_word(word) is None


def test_every_blank_text_is_named_at_once() -> None:
    data = b"premise,hypothesis,label\np,h,e\n ,i,n\nq,,c\nr,j,e\n,k,n\n"
    with pytest.raises(ExamplesError, match=r"line 3, column 1: the premise is blank; .* 2 more, of line 4, 6; fill"):
        read(data)
    with pytest.raises(ExamplesError, match=r"line 2, column 3: the hypothesis is blank; fill it in or remove the row"):
        check(b"premise,hypothesis,label\np,,e\nq,i,n\n")


def test_the_pair_that_contradicts_itself_first_in_the_file_is_named() -> None:
    data = "premise,hypothesis,label\n" + "".join(f"p{n},h,e\np{n},h,n\n" for n in range(40))
    reading = check(data.encode(), options=ReadOptions(conflicts="keep"))
    assert [one.lines for one in reading.disagreements[:2]] == [[2, 3], [4, 5]]
    assert "the first in lines 2 and 3:" in reading.warnings[0]


def test_what_other_fields_hold_is_told_by_code_and_stays_so_in_other_words() -> None:
    """For whoever words it in another language, and need not say it twice."""
    data = b"premise,hypothesis,juicio\np,h,implica\np,h,neutral\nq,i,contradice\nr,j,implica\n"
    reading = check(data)
    assert [one.code for one in reading.left_out] == ["disagree"]
    assert [one.code for one in check(data.replace(b"juicio", b"label") + b"s,k,-\n").left_out][1:] == ["undecided"]
    shown = replace(reading, notes=reworded(reading.notes, str.upper)).as_dict()
    assert shown["warning_codes"] == ["conflicts"]
    assert shown["note_codes"] == ["label_column", "left_out"]
    assert shown["notes"][0].startswith("'JUICIO' WAS TAKEN FOR THE LABEL")


@pytest.mark.parametrize("indent", [None, 1])
def test_the_hub_viewers_answer_says_what_numbers_mean(indent: int | None) -> None:
    names = ["contradiction", "entailment", "neutral"]
    text = {"dtype": "string", "_type": "Value"}
    features = [
        {"feature_idx": 0, "name": "premise", "type": text},
        {"feature_idx": 1, "name": "hypothesis", "type": text},
        {"feature_idx": 2, "name": "label", "type": {"names": names, "_type": "ClassLabel"}},
    ]
    numbered = [
        {"row_idx": index, "row": {"premise": f"p{index}", "hypothesis": "h", "label": index}, "truncated_cells": []}
        for index in range(3)
    ]
    answer = {"features": features, "rows": numbered, "num_rows_total": 3, "partial": False}
    examples, reading = read(json.dumps(answer, indent=indent).encode(), filename="rows.json")
    assert [(one.premise, one.label) for one in examples] == [("p0", C), ("p1", E), ("p2", N)]
    assert reading.columns == {"premise": "premise", "hypothesis": "hypothesis", "label": "label"}
    assert reading.warnings == []
    by_column = {"features": {"label": features[2]["type"]}, "data": [one["row"] for one in numbered]}
    assert labels(json.dumps(by_column, indent=indent).encode()) == [C, E, N]
