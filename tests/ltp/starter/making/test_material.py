"""Which rows are taken: no premise on both sides in any language, and none that must not have been seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.starter_data import PREMISES, write_multinli, write_recipe, write_sources

from ltp.errors import InvalidRecipe, UnsoundData
from ltp.starter.making import recipe
from ltp.starter.making.material import Material, draw
from ltp.starter.making.sources import Sources

UNSEEN = {"dev_share": 'without_rows_of = ["americasnli", "afrixnli"]\ndev_share'}
THIRD = PREMISES // 3
"""Premises of XNLI that each of the two translations has."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return write_sources(tmp_path / "data")


def sources(data: Path, changes: dict[str, str] | None = None) -> Sources:
    return Sources(data, recipe.load(str(write_recipe(data.parent / "own.toml", changes))))


def test_every_source_is_read_with_its_language(data: Path) -> None:
    found = draw(sources(data))
    rows = {source: [row for row in (*found.train, *found.dev) if row.source == source] for source in found.left_out}
    assert {source: len(each) for source, each in rows.items()} == {
        "xnli": 2 * 3 * PREMISES,  # each pair in two of three languages
        "indonli": 20,
        "americasnli": 3 * THIRD,
        "afrixnli": 3 * THIRD,
    }
    assert {row.example.lang for row in rows["xnli"]} == {"en", "es", "sw"}
    assert {row.example.lang for row in rows["afrixnli"]} == {"hau"}
    each_pair: dict[int, set[str | None]] = {}
    for row in rows["xnli"]:
        each_pair.setdefault(row.number, set()).add(row.example.lang)
    assert {len(languages) for languages in each_pair.values()} == {2}


def test_translations_are_known_by_the_premise_they_translate(data: Path) -> None:
    read = sources(data)
    xnli, _, americas, africa = (read.rows(source) for source in read.recipe.sources)
    english = [row.premise for row in xnli["en"]]
    assert [row.premise for row in xnli["sw"]] == english
    assert [row.premise for row in americas["quy"]] == english[: 3 * THIRD]
    assert [row.premise for row in africa["hau"]] == english[3 * THIRD : 6 * THIRD]
    assert not set(english) & {row.example.premise_key for row in (*americas["quy"], *africa["hau"])}


def test_no_premise_is_on_both_sides_in_any_language(data: Path) -> None:
    found = draw(sources(data))
    held_out = {row.premise for row in found.dev}
    assert not held_out & {row.premise for row in found.train}
    assert {row.source for row in found.dev} == set(found.left_out)
    assert 0.1 < len(found.dev) / (len(found.dev) + len(found.train)) < 0.4


def test_what_is_held_out_is_held_out_by_every_recipe_with_the_seed(data: Path) -> None:
    """So a starter that begins from another one is checked on premises that neither was trained on."""
    first, second = draw(sources(data, UNSEEN)), draw(sources(data, {"languages_a_row = 2": "languages_a_row = 1"}))
    assert not {row.premise for row in first.train} & {row.premise for row in second.dev}
    assert {row.premise for row in first.dev} < {row.premise for row in second.dev}


def rows_of(found: Material, source: str) -> list[object]:
    return [row for row in (*found.train, *found.dev) if row.source == source]


def test_nothing_that_unseen_sources_translate_is_left(data: Path) -> None:
    read = sources(data, UNSEEN)
    found = draw(read)
    barred = {row.premise for source in read.recipe.sources[2:] for each in read.rows(source).values() for row in each}
    assert len(barred) == 2 * THIRD
    assert {row.source for row in found.train} == {"xnli", "indonli"}
    assert not barred & {row.premise for row in (*found.train, *found.dev)}
    assert found.left_out == {"xnli": 3 * 3 * 2 * THIRD, "indonli": 0}
    assert len(rows_of(found, "xnli")) == 2 * 3 * THIRD
    texts = " ".join(found.lines)
    assert "mbwa" not in texts
    assert "maji" not in texts


def test_the_drift_reads_no_text_of_the_held_out_pairs(data: Path) -> None:
    found = draw(sources(data))
    assert not {row.example.premise for row in found.dev} & set(found.lines)
    assert len(set(found.lines)) == len(found.lines)


def test_the_same_recipe_draws_the_same_and_another_seed_others(data: Path) -> None:
    assert draw(sources(data)) == draw(sources(data))
    assert draw(sources(data)) != draw(sources(data, {"dev_share": "seed = 1\ndev_share"}))


def test_rows_without_a_text_or_a_label_are_left_out(data: Path) -> None:
    path = data / "indonli/train.jsonl"
    more = [
        {"premise": "the dog", "hypothesis": " ", "label": "e"},
        {"premise": "the cat", "hypothesis": "x", "label": "-"},
    ]
    path.write_text(path.read_text("utf-8") + "".join(json.dumps(row) + "\n" for row in more), "utf-8")
    read = sources(data, {"rows = 20": "rows = 1000"})
    assert len(rows_of(draw(read), "indonli")) == 36


def test_what_was_read_is_named_with_its_hash(data: Path) -> None:
    read = sources(data)
    draw(read)
    assert sorted(read.files) == [
        "afrixnli/dev/eng.csv",
        "afrixnli/dev/hau.csv",
        "americasnli/dev/quy.tsv",
        "indonli/train.jsonl",
        "xnli/dev-en.tsv",
        "xnli/dev-es.tsv",
        "xnli/dev-sw.tsv",
    ]


def test_a_missing_file_a_shorter_one_and_an_id_of_no_row_are_refused(data: Path) -> None:
    with pytest.raises(UnsoundData, match=r"holds no indonli/absent\.jsonl or indonli/gone\.jsonl, which the recipe"):
        draw(sources(data, {"indonli/train.jsonl": "indonli/gone.jsonl"}))
    with pytest.raises(UnsoundData, match="id 100 is no row of xnli"):
        draw(sources(data, {"first_id = 100": "first_id = 101"}))
    path = data / "xnli/dev-es.tsv"
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[1:]), "utf-8")
    with pytest.raises(UnsoundData, match="should hold the same pairs, and have en 72, es 71, sw 72"):
        draw(sources(data))


def test_an_unknown_source_to_leave_out_is_refused(data: Path) -> None:
    with pytest.raises(InvalidRecipe, match="no source 'asianli'"):
        draw(sources(data, {"dev_share": 'without_rows_of = ["asianli"]\ndev_share'}))


@pytest.mark.parametrize("layout", ["jsonl", "txt"])
def test_multinli_is_read_as_it_is_published(tmp_path: Path, layout: str) -> None:
    """JSON lines, or tab-separated with many columns; a pair without a gold label is marked `-`."""
    shipped = recipe.load("xlm-r-base")
    (source,) = (each for each in shipped.sources if each.name == "multinli")
    found = Sources(write_multinli(tmp_path / "data", [], layout=layout), shipped).rows(source)["en"]
    assert len(found) == 18
    assert found[0].example.premise.startswith('The "en the ')
    assert [row.example.label for row in found[:3]] == ["entailment", "neutral", "contradiction"]
