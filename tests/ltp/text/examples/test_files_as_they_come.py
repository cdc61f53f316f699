"""Small files in the shapes of public data sets and annotation tools: what is read of each, left out, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltp.errors import ExamplesError
from ltp.text.examples import PairFile, Reading, ReadOptions, check, parse_columns_option, parse_labels_option, read

FILES = Path(__file__).parents[3] / "support" / "pair_files"
E, N, C, NOT = "entailment", "neutral", "contradiction", "not_entailment"
TWO_EACH = {E: 2, N: 2, C: 2}
ONE_EACH = {E: 1, N: 1, C: 1}
FOUR = {E: 2, N: 1, C: 1}

READ: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "argilla-flat.jsonl": (ONE_EACH, {}),
    "chaosnli.jsonl": ({E: 1}, {}),
    "dash-rows.jsonl": (TWO_EACH, {"'-' marks a pair without an agreed label": 1}),
    "doccano.jsonl": (TWO_EACH, {}),
    "excel-sep-line.csv": (TWO_EACH, {}),
    "excel-tab-text-commas.tsv": (ONE_EACH, {}),
    "fever-vitaminc.jsonl": (ONE_EACH, {}),
    "int-alphabetical.csv": (TWO_EACH, {}),
    "int-superglue-cb.jsonl": (TWO_EACH, {}),
    "int-with-label-text.jsonl": (TWO_EACH, {}),
    "labels-in-spanish.csv": (ONE_EACH, {}),
    "labelstudio-choice-named-nli.csv": ({E: 2, N: 1, C: 1}, {}),
    "labelstudio-two-annotators.csv": ({E: 1, N: 1, C: 1}, {"the pair stands with different labels": 2}),
    "myxnli-suffix.tsv": (TWO_EACH, {}),
    "prodigy-reject.jsonl": (TWO_EACH, {"the annotator rejected it": 1}),
    "semicolon_decimal_comma.csv": ({E: 2, N: 1, C: 1}, {}),
    "sick.tsv": (TWO_EACH, {}),
    "book.ods": (FOUR, {}),
    "book.xlsx": (FOUR, {}),
    "cp1252_semicolon.csv": (FOUR, {}),
    "excel_unicode_text.txt": (FOUR, {}),
    "json-array-named-jsonl.jsonl": (TWO_EACH, {}),
    "json-array-one-line.json": (TWO_EACH, {}),
    "json-array-pretty.json": (TWO_EACH, {}),
    "json-labelstudio-full.json": (FOUR, {}),
    "json-labelstudio-min.json": (FOUR, {}),
    "mac-cr.csv": (TWO_EACH, {}),
    "pairs.feather": (FOUR, {}),
    "pairs.jsonl.gz": (FOUR, {}),
    "pairs.parquet": (FOUR, {}),
    "pipe.csv": (TWO_EACH, {}),
    "tsv-quoted-newline.tsv": ({E: 2, C: 1}, {}),
    "tsv-quoted-tab.csv": ({E: 2, C: 1}, {}),
    "utf32.csv": (FOUR, {}),
    "two-columns-label-second.tsv": ({E: 1, C: 1}, {}),
    "two-label-hans.jsonl": ({E: 1, NOT: 1}, {}),
    "two-label-rte.jsonl": ({E: 1, NOT: 1}, {}),
    "wrete.csv": ({E: 1, NOT: 1}, {}),
}
"""Labels of the examples that training reads, and why other rows are left out."""

REFUSED: dict[str, tuple[str, ...]] = {
    "assin.xml": ("'None' (1 row", "None=not_entailment"),
    "blank-premise.tsv": ("line 8", "the premise is blank"),
    "hebnli-translation.jsonl": (
        "--columns premise=sentence1,hypothesis=sentence2",
        "--columns premise=translation1,hypothesis=translation2",
        "label=original_label or label=hebrew_label",
    ),
    "int-assin-renamed.csv": ("relatedness_score", "0: 2.00, 1: 4.00, 2: 5.00", "--labels"),
    "int-plus-minus-one.csv": ("'-1' (2 rows, first in line 4)", '--labels "1=entailment,0=neutral,-1=contradiction"'),
    "int-ronli.jsonl": ("'3' (1 row, first in line 4)", "--labels"),
    "int-two-label-hurte.jsonl": ("--labels e,ne", "--labels ne,e"),
    "json-contractnli.json": ("documents with annotations, not pairs", "write one row a hypothesis"),
    "lang-column-in-training.jsonl": ("several languages", "sw 3, es 3", "--lang-column lang", "--each"),
    "many-languages.tsv": ("several languages", "aym 3, quy 3", "--lang-column language", "--each"),
    "two-label-glue-rte-int.csv": ("--labels e,ne", "--labels ne,e"),
    "xnli-hub-all-languages.jsonl": (
        "--columns premise=premise.en,hypothesis=hypothesis.en",
        "--columns premise=premise.sw,hypothesis=hypothesis.sw",
    ),
}
"""What the refusal says of a file that cannot be read without a word of somebody's."""

TOLD: list[tuple[str, str, dict[str, int]]] = [
    ("assin.xml", "labels None=not_entailment", {NOT: 1}),
    ("int-superglue-cb.jsonl", "labels e,c,n", TWO_EACH),
    ("int-alphabetical.csv", "labels c,e,n", TWO_EACH),
    ("int-assin-renamed.csv", "labels 0=not_entailment,1=entailment,2=entailment", {NOT: 1, E: 2}),
    ("int-plus-minus-one.csv", "labels 1=e,0=n,-1=c", TWO_EACH),
    ("int-ronli.jsonl", "labels 0=c,1=e,2=n,3=n", {C: 1, E: 1, N: 2}),
    ("int-two-label-hurte.jsonl", "labels ne,e", {NOT: 1, E: 1}),
    ("two-label-glue-rte-int.csv", "labels e,ne", {NOT: 1, E: 1}),
    ("hebnli-translation.jsonl", "columns premise=translation1,hypothesis=translation2,label=hebrew_label", {N: 1}),
    ("hebnli-translation.jsonl", "columns premise=sentence1,hypothesis=sentence2,label=original_label", {E: 1}),
    ("xnli-hub-all-languages.jsonl", "columns premise=premise.sw,hypothesis=hypothesis.sw labels e,n,c", {E: 1}),
    ("lang-column-in-training.jsonl", "lang_column lang lang es", ONE_EACH),
    ("many-languages.tsv", "lang_column language lang quy", ONE_EACH),
    ("many-languages.tsv", "lang_column language", TWO_EACH),
    ("labelstudio-two-annotators.csv", "conflicts keep", {E: 2, N: 2, C: 1}),
    ("labelstudio-two-annotators.csv", "conflicts majority", {E: 1, N: 1, C: 1}),
]
"""What the same files are read as once somebody says how."""


def counts(reading: Reading) -> dict[str, int]:
    """Rows by label, as the reading has them; of a file that is not read whole more than are read."""
    found: dict[str, int] = {}
    for one in reading.labels.values():
        if one.label:
            found[one.label] = found.get(one.label, 0) + one.rows
    return found


def options(told: str) -> ReadOptions:
    words = told.split(" ")
    said: dict[str, object] = dict(zip(words[::2], words[1::2], strict=True))
    if "labels" in said:
        said["labels"] = parse_labels_option(str(said["labels"]))
    if "columns" in said:
        said["columns"] = parse_columns_option(str(said["columns"]))
    return ReadOptions(**said)  # type: ignore[arg-type]


def labels_of(examples: list[object]) -> dict[str, int]:
    found = [getattr(example, "label") for example in examples]  # noqa: B009
    return {label: found.count(label) for label in dict.fromkeys(found)}


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read_as_it_comes(name: str) -> None:
    labels, left_out = READ[name]
    examples, reading = read(FILES / name)
    assert labels_of(list(examples)) == labels
    assert {one.reason: one.rows for one in reading.left_out} == left_out
    assert reading.rows == reading.read + sum(left_out.values())
    assert reading.read == len(examples)
    assert check(FILES / name) == reading


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_could_mean_two_things_is_refused_with_the_way_out(name: str) -> None:
    with pytest.raises(ExamplesError) as refusal:
        read(FILES / name)
    for words in REFUSED[name]:
        assert words in str(refusal.value)
    assert refusal.value.line
    with pytest.raises(ExamplesError):
        check(FILES / name)


@pytest.mark.parametrize(("name", "told", "labels"), TOLD)
def test_a_file_is_read_as_somebody_says(name: str, told: str, labels: dict[str, int]) -> None:
    examples, reading = read(FILES / name, options=options(told))
    assert labels_of(list(examples)) == labels
    assert reading.rows == reading.read + sum(one.rows for one in reading.left_out)


@pytest.mark.parametrize("name", sorted({*READ, *REFUSED} - {"hebnli-translation.jsonl", "json-contractnli.json"}))
def test_prediction_takes_every_row_whatever_its_label(name: str) -> None:
    if name.startswith(("xnli", "blank")):
        with pytest.raises(ExamplesError, match=r"--columns premise=premise.en|line 8.*the premise is blank"):
            PairFile(FILES / name).count()
        return
    reading = check(FILES / name, task="predict")
    assert PairFile(FILES / name).count() == reading.read == reading.rows > 0


def test_the_texts_are_the_pair_and_not_each_other() -> None:
    for name in sorted({*READ, *REFUSED}):
        said = dict(TOLD_COLUMNS).get(name, "")
        try:
            examples, _ = read(FILES / name, options=options(said) if said else None, task="predict")
        except ExamplesError:
            continue
        for example in examples:
            assert example.premise != example.hypothesis
        first = examples[0]
        assert (first.premise.split()[0], first.hypothesis.split()[0]) in FIRST_WORDS


TOLD_COLUMNS = [(name, told) for name, told, _ in TOLD if told.startswith("columns")]
FIRST_WORDS = {
    ("The", "An"), ("The", "The"), ('"Yes,', "She"), ("Yes,", "She"), ("Anux", "Mä"), ("Le", "Un"),
    ("El", "Un"), ("Mbwa", "Mnyama"), ("הכלב", "חיה"),
}  # fmt: skip
