"""Which columns are taken for the pair, its label and its language: by names, by values, or as somebody says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ltp.errors import ExamplesError
from ltp.text.examples import PairFile, ReadOptions, Task, check, compare, read

E, N, C = "entailment", "neutral", "contradiction"
VALUES = {"P": "the premise", "H": "its hypothesis", "L": "neutral", "X": "7"}


def table(header: str, kinds: str, *, delimiter: str = "\t") -> bytes:
    """A table of one row: P the premise, H the hypothesis, L the label, X something else."""
    row = delimiter.join(VALUES.get(kind, kind) for kind in kinds.split())
    return (header.replace(" ", delimiter) + "\n" + row + "\n").encode()


def only(data: bytes, **said: Any) -> tuple[str, str, str | None]:
    examples, reading = read(data, options=ReadOptions(**said))
    assert check(data, options=ReadOptions(**said)) == reading
    (example,) = examples
    return example.premise, example.hypothesis, example.label


@pytest.mark.parametrize(
    ("header", "kinds"),
    [
        ("pair_ID sentence_A sentence_B relatedness_score entailment_judgment", "X P H X L"),  # SICK 2014
        ("pair_ID sentence_A sentence_B entailment_label relatedness_score entailment_AB", "X P H L X A_entails_B"),
        ("sentence_A_Ja sentence_B_Ja entailment_label_Ja heuristics", "P H L X"),  # JaNLI
        ("sent_A sent_B category label", "P H X L"),  # WReTE
        ("claim evidence label", "H P L"),  # VitaminC
        ("evidence claim verdict", "P H L"),
        ("guid premise hypothesis gold_label author label2 label3", "X P H L main entailment entailment"),  # KLUE
        ("level sentence1 sentence2 label label0 label1 genre", "X P H L entailment contradiction X"),  # OCNLI
        ("sentence1 sentence2 gold_label", "P H L"),  # KorNLI
        ("sentence_pair_id yjcaptions_id sentence1 sentence2 label", "X X P H L"),  # JNLI
        ("id language premise hypothesis label", "X quy P H L"),  # AmericasNLI
        ("gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence1 sentence2", "L X X X P H"),
        ("genre label sentence1_my sentence2_my", "X L P H"),  # myXNLI
        ("premise_swh_Latn hypothesis_swh_Latn label", "P H L"),
        ("en_premise en_hypothesis label", "P H L"),
        ("label hypothesis premise", "L H P"),
        ("Label Sentence2 Sentence1", "L H P"),
        ("premise_text hypothesis_text gold", "P H L"),
        ("t h entailment", "P H L"),
        ("s1 s2 label", "P H L"),
        ("premisa hipótesis etiqueta", "P H L"),
        ("前提 仮説 ラベル", "P H L"),
        ("посылка гипотеза метка", "P H L"),
        ("premise hypothesis nli", "P H L"),
        ("premise hypothesis annotator_1 annotator_2 majority", "P H entailment contradiction L"),
    ],
)
@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
def test_the_headers_of_public_sets_name_the_columns(header: str, kinds: str, delimiter: str) -> None:
    assert only(table(header, kinds, delimiter=delimiter)) == (VALUES["P"], VALUES["H"], N)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ("7,the premise,its hypothesis,neutral\n", {"premise": "2", "hypothesis": "3", "label": "4"}),
        ("its hypothesis,the premise,neutral\n", {"premise": "2", "hypothesis": "1"}),
        ("a,b,note\nthe premise,its hypothesis,neutral\n", {"premise": "a", "hypothesis": "b", "label": "note"}),
    ],
)
def test_somebody_names_the_columns(data: str, named: dict[str, str]) -> None:
    assert only(data.encode(), columns=named) == (VALUES["P"], VALUES["H"], N)


def test_a_column_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ExamplesError, match="no column 'gold' for the label; the first row names 'premise', 'hypothes"):
        read(table("premise hypothesis label", "P H L"), options=ReadOptions(columns={"label": "gold"}))
    with pytest.raises(
        ExamplesError, match=r"no column for the hypothesis; .* 'premise', 'reply', 'label'. .*--columns"
    ):
        read(table("premise reply label", "P H L"))


def test_a_pair_in_one_column_is_parted_where_every_row_says_so() -> None:
    for mark in ("<sep>", "[SEP]", " </s></s> ", "</s> </s>", " ||| "):
        rows = f"the premise{mark}its hypothesis\tneutral\nthe dog{mark}it\te\n"
        examples, reading = read(rows.encode())
        assert [(one.premise, one.hypothesis, one.label) for one in examples] == [
            (VALUES["P"], VALUES["H"], N), ("the dog", "it", E),
        ]  # fmt: skip
        assert reading.columns["premise"] == reading.columns["hypothesis"] == "1"
    twice = "a[SEP]b\te\n" * 250 + "a [SEP] b [SEP] c\te\n"
    with pytest.raises(ExamplesError, match=r"line 251, .* not parted once"):
        read(twice.encode())


def nested(**fields: Any) -> bytes:
    return (json.dumps(fields, ensure_ascii=False) + "\n").encode()


def test_texts_deeper_in_json_are_found_or_named() -> None:
    pair = {"premise": VALUES["P"], "hypothesis": VALUES["H"]}
    assert only(nested(uid=1, example=pair, majority_label="n", old_label="e")) == (*pair.values(), N)
    two = nested(first={"a": VALUES["P"]}, second={"b": VALUES["H"]}, gold={"label": "n"})
    with pytest.raises(ExamplesError, match=r"'first.a', 'second.b', .*--columns premise=NAME"):
        read(two)
    named = {"premise": "first.a", "hypothesis": "second.b", "label": "gold.label"}
    assert only(two, columns=named) == (*pair.values(), N)


def test_of_several_languages_side_by_side_the_one_asked_for_is_read() -> None:
    data = table("sentence1_en sentence2_en sentence1_sw sentence2_sw label", "a b P H L")
    with pytest.raises(ExamplesError, match="holds the pair 2 times") as refusal:
        read(data)
    assert "--columns premise=sentence1_sw,hypothesis=sentence2_sw for sw" in str(refusal.value)
    assert only(data, lang="sw") == (VALUES["P"], VALUES["H"], N)
    assert only(data, lang="swh", normalise=lambda tag: tag[:2]) == (VALUES["P"], VALUES["H"], N)
    with pytest.raises(ExamplesError, match="holds the pair 2 times"):
        read(data, options=ReadOptions(lang="ha"))
    jsick = table("sentence_A_En entailment_label_En sentence_B_En sentence_A_Ja sentence_B_Ja entailment_label_Ja",
                  "a contradiction b P H L")  # fmt: skip
    assert only(jsick, lang="ja") == (VALUES["P"], VALUES["H"], N)
    assert only(jsick, lang="en") == ("a", "b", C)
    one = table("sentence1_my sentence2_my label", "P H L")
    assert "names say my, not sw" in read(one, options=ReadOptions(lang="sw"))[1].warnings[0]


def test_the_hubs_xnli_of_all_languages_is_read_by_language() -> None:
    data = nested(
        premise={"en": "a", "sw": VALUES["P"]},
        hypothesis={"language": ["en", "sw"], "translation": ["b", VALUES["H"]]},
        label="n",
    )
    with pytest.raises(ExamplesError, match=r"--columns premise=premise.sw,hypothesis=hypothesis.sw for sw"):
        read(data)
    assert only(data, lang="sw") == (VALUES["P"], VALUES["H"], N)
    assert only(data, columns={"premise": "premise.en", "hypothesis": "hypothesis.en"}) == ("a", "b", N)


def languages(*tags: str, column: str = "language") -> bytes:
    rows = [f"{tag}\tp{number}\th{number}\tneutral" for number, tag in enumerate(tags)]
    return "\n".join([f"{column}\tpremise\thypothesis\tlabel", *rows, ""]).encode()


@pytest.mark.parametrize("column", ["lang", "language", "Language Code", "lang_code", "langid", "lugha", "idioma"])
def test_rows_of_several_languages_are_refused_until_somebody_says_the_column(column: str) -> None:
    data = languages("aym", "quy", "quy", column=column)
    refused: list[Task] = ["train"] if column == "lang" else ["train", "evaluate"]
    for task in refused:
        ways = "with --lang .*--each" if task == "train" else "to have each judged .*, with --lang for"
        with pytest.raises(ExamplesError, match=f"has quy 2, aym 1; .*--lang-column {column} {ways}"):
            check(data, task=task)
    if column == "lang":  # each row goes to its own language's adapter
        assert check(data, task="evaluate").read == 3
    said = ReadOptions(lang_column=column, lang="quy")
    examples, reading = read(data, options=said)
    assert [(one.premise, one.lang) for one in examples] == [("p1", "quy"), ("p2", "quy")]
    assert [(one.reason, one.rows) for one in reading.left_out] == [("the language is aym, not quy", 1)]
    assert reading.languages == {"aym": 1, "quy": 2}
    every, _ = read(data, options=ReadOptions(lang_column=column))
    assert [one.lang for one in every] == ["aym", "quy", "quy"]
    with pytest.raises(ExamplesError, match="no row of the file is in sw"):
        read(data, options=ReadOptions(lang_column=column, lang="sw"))


def test_rows_that_say_no_language_are_not_read_as_the_one_that_is_asked_for() -> None:
    data = languages("sw", "", "yo", " ", "sw")
    said = ReadOptions(lang_column="language", lang="sw")
    for task in ("train", "evaluate"):
        examples, reading = read(data, options=said, task=task)  # type: ignore[arg-type]
        assert [one.premise for one in examples] == ["p0", "p4"]
        assert [(one.rows, one.first_line) for one in reading.left_out] == [(2, 3), (1, 4)]


@pytest.mark.parametrize("column", ["language_name", "Language ISO", "target_lang", "hypothesis_language", "tgt_lang"])
def test_further_columns_of_languages_are_known(column: str) -> None:
    with pytest.raises(ExamplesError, match=rf"has quy 2, aym 1; .*--lang-column {column}"):
        check(languages("aym", "quy", "quy", column=column))


def test_rows_of_another_language_than_asked_for() -> None:
    sw = ReadOptions(lang="sw")
    with pytest.raises(ExamplesError, match="rows are in es, as 'lang' says, not in sw"):
        read(languages("es", "es", column="lang"), options=sw)
    assert "rows are in es" in read(languages("es", "es"), options=sw)[1].warnings[0]
    assert read(languages("SW", "", column="lang"), options=sw)[1].read == 2
    same = ReadOptions(lang="swh", normalise=lambda tag: tag.casefold()[:2])
    assert read(languages("sw", column="lang"), options=same)[1].warnings == []


def test_equal_pairs_in_two_languages_do_not_contradict_each_other() -> None:
    data = b"language\tpremise\thypothesis\tlabel\nsw\tp\th\te\nha\tp\th\tn\n"
    assert read(data, options=ReadOptions(lang_column="language"))[1].conflicts == 0


def test_prediction_says_when_rows_of_several_languages_go_to_one_adapter(tmp_path: Any) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_bytes(languages("aym", "quy"))
    assert [pair.lang for pair in PairFile(path)] == [None, None]
    assert "all go to one adapter" in check(path, task="predict").warnings[0]
    assert [pair.lang for pair in PairFile(path, options=ReadOptions(lang_column="language"))] == ["aym", "quy"]
    path.write_bytes(languages("aym", "quy", column="lang"))
    assert [pair.lang for pair in PairFile(path)] == ["aym", "quy"]
    assert check(path, task="predict").warnings == []


def test_blank_texts_are_one_rows_fault_in_evaluation_and_the_files_in_training() -> None:
    data = b"premise\thypothesis\tlabel\np\th\te\n \th\tn\np\t\tc\n"
    with pytest.raises(ExamplesError, match="line 3, column 1: the premise is blank"):
        read(data)
    examples, reading = read(data, task="evaluate")
    assert [one.line for one in examples] == [2]
    assert [(one.reason, one.first_line) for one in reading.left_out] == [
        ("the premise is blank", 3), ("the hypothesis is blank", 4),
    ]  # fmt: skip
    assert len(reading.warnings) == 2


def test_what_stands_in_two_files_is_counted() -> None:
    train = check(b"premise,hypothesis,label\na,b,e\nc,d,n\nf,g,c\n")
    dev = check(b"premise,hypothesis,label\nA ,b,e\nc,x,n\nq,r,c\n", task="evaluate")
    compared = compare({"train": train, "dev": dev})
    assert compared["train"] == train
    assert (compared["dev"].leaks, compared["dev"].shared_premises) == (1, 2)
    assert "1 pairs of dev also stand in training" in compared["dev"].warnings[0]
    assert "keys" not in dev.as_dict()
    json.dumps(dev.as_dict(), allow_nan=False)


def test_the_first_rows_and_one_of_every_label_are_shown_as_they_were_read() -> None:
    data = "premise,hypothesis,label\n" + "".join(f"p{n},h{n},e\n" for n in range(20)) + "x,y,n\n"
    sample = check(data.encode()).sample
    assert [row["line"] for row in sample] == [2, 3, 4, 5, 6, 22]
    assert sample[-1] == {"line": 22, "premise": "x", "hypothesis": "y", "label": N, "written": "n"}


@pytest.mark.parametrize("names", ["premise,hypothesis,hypothesis_sw", "sentence1,sw_sentence1,sentence2"])
def test_a_text_that_only_one_column_has_in_the_language_is_asked_about(names: str) -> None:
    data = f"{names},label\na,b,c,neutral\n".encode()
    with pytest.raises(ExamplesError, match="say which to read: --columns premise=") as refused:
        read(data, filename="x.csv", options=ReadOptions(lang="sw"))
    half = next(name for name in names.split(",") if "sw" in name)
    assert "for the original; or --columns premise=" in str(refused.value)
    assert f"={half}" in str(refused.value)
    for lang in ("quy", None):
        assert len(read(data, filename="x.csv", options=ReadOptions(lang=lang))[0]) == 1
