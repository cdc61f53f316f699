"""Experiments: the shipped ones are whole, one's own are checked word by word, bounds make them smaller and say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltp.errors import InvalidExperiment
from ltp.reproduce.plan import catalogue
from ltp.reproduce.plan.bounds import Bounds, differences
from ltp.reproduce.plan.variant import Variant
from ltp.reproduce.report import paper

OWN = """
name = "own"
title = "My own"
about = "Two languages."
seeds = 1

[[settings]]
name = "mine"
title = "Mine"
pool = "mine"
train = "each"
test = "mine"
languages = ["xx", "yy"]
shots = [4]
methods = ["SP", "ltp@12.5:tied"]
"""


def test_every_experiment_of_the_paper_is_shipped() -> None:
    assert catalogue.shipped() == ["figure2a", "figure2b", "figure3", "selection", "table1", "table2", "table3"]


@pytest.mark.parametrize("name", catalogue.shipped())
def test_a_shipped_experiment_is_whole_and_its_quick_form_smaller(name: str) -> None:
    full, quick = catalogue.load(name)
    bounded = quick.applied(full)

    assert full.name == name
    assert full.paper_rate == 2e-5
    assert (full.mlm.text_form, full.mlm.long_lines, full.training(2e-5, seed=0).text_form) == (0, "cut", 0)
    assert differences(full, full) == []
    assert differences(full, bounded)
    assert len(bounded.variants) <= len(full.variants) + 1
    for setting in full.settings:
        if setting.paper:
            assert set(setting.languages) == set(paper.table(setting.paper).languages)


def test_quick_forms_share_drifts_and_trainings_in_one_folder() -> None:
    bounded = [quick.applied(full) for full, quick in map(catalogue.load, catalogue.shipped())]

    assert len({(each.sentences, each.passes, each.precision) for each in bounded}) == 1
    assert len({(each.epochs, each.pairs) for each in bounded if each.settings}) == 1


def test_one_of_ones_own_is_read_by_path(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")

    experiment, quick = catalogue.load(str(path))

    assert [variant.key for variant in experiment.variants] == ["sp", "ltp@12.5:tied"]
    assert experiment.settings[0].in_language
    assert quick == Bounds()


def test_one_of_ones_own_may_prepare_its_texts(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN.replace("seeds = 1", "text_form = 1"), encoding="utf-8")
    experiment, _ = catalogue.load(str(path))
    assert (experiment.mlm.text_form, experiment.training(2e-5, seed=0).text_form) == (1, 1)
    assert experiment.facts()["text_form"] == 1


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seeds = 1", "seeds = 0", "seeds is 0; it must be at least 1"),
        ("seeds = 1", "seed = 1", "there is no 'seed'"),
        ("seeds = 1", 'seeds = "many"', "seeds is 'many'; it must be int"),
        ("seeds = 1", "rates = [2e-5, 2e-5]", "name something twice"),
        ("seeds = 1", "rates = [7]", "learning_rate is 7.0"),
        ("seeds = 1", 'precision = "fp8"', "precision is 'fp8'"),
        ("seeds = 1", "epochs = 0", "epochs is 0"),
        ("seeds = 1", "text_form = 7", "text_form is 7"),
        ("seeds = 1", 'text_form = "1"', "text_form is '1'; it must be int"),
        ("seeds = 1", "[quick]\nspeed = 3", "quick: there is no 'speed'"),
        ('about = "Two languages."', "", "'about' is missing"),
        ('"own"', '"../own"', "a name has small letters, digits and hyphens"),
        ("shots = [4]", "shots = [0]", "must be at least 1"),
        ("shots = [4]", "shots = 4", "shots is 4; it must be a list"),
        ("shots = [4]", "shots = [true]", "shots is True; it must be int"),
        ('"SP"', '"lora"', "'lora' is no method"),
        ('"SP"', '"ltp@0"', "active_ratio is 0.0"),
        ('"SP"', '"ltp@5:tied:decoupled"', "one of each kind"),
        ("[[settings]]", "[settings]", "settings is no list"),
        ("seeds = 1", "seeds =", "is not TOML"),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN.replace(old, new), encoding="utf-8")

    with pytest.raises(InvalidExperiment) as caught:
        catalogue.load(str(path))
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(InvalidExperiment, match="figure2a, figure2b, figure3, selection, table1"):
        catalogue.load("table9")
    with pytest.raises(InvalidExperiment, match="there is no file"):
        catalogue.load("nowhere.toml")


def test_bounds_replace_and_are_told() -> None:
    full, quick = catalogue.load("table1")
    bounds = Bounds(methods=(Variant.parse("sp"),), seeds=3).over(quick)
    bounded = bounds.applied(full)

    assert [variant.key for variant in bounded.variants] == ["sp"]
    assert bounded.seeds == 3
    assert bounded.settings[0].languages == ("en", "es", "sw", "ur", "zh")
    told = differences(full, bounded)
    assert "Methods: sp instead of ft, dp, sp, mp, pt, ltp@20, ltp@75." in told
    assert "Seeds: 3 instead of 5." in told
    assert "Test pairs a language: the first 150 instead of all." in told
    assert "Languages: en, es, sw, ur, zh (5 of 15)." in told


def test_a_bound_on_languages_drops_settings_and_refuses_strangers() -> None:
    full, _ = catalogue.load("table2")

    assert Bounds(languages=("quy",)).applied(full).settings[1].languages == ("quy",)
    with pytest.raises(InvalidExperiment, match="xx: there is no such language in it"):
        Bounds(languages=("xx", "quy")).applied(full)


def test_a_bound_on_methods_chooses_tickets() -> None:
    full, _ = catalogue.load("figure3")
    bounded = Bounds(methods=(Variant.parse("ltp@5"), Variant.parse("sp"))).applied(full)

    assert [variant.key for variant in bounded.tickets] == ["ltp@5"]


@given(
    percent=st.floats(0.01, 100, allow_nan=False).map(lambda value: round(value, 2)),
    strategy=st.sampled_from(["decoupled", "tied", "frozen_embeddings"]),
    layers=st.sampled_from(["all", "lower", "middle", "upper"]),
    rule=st.sampled_from(["global", "per_layer"]),
)
def test_a_variant_is_written_as_it_is_read(percent: float, strategy: str, layers: str, rule: str) -> None:
    variant = Variant.parse(f"LTP@{percent:g}:{rule}:{strategy}:{layers}")

    assert Variant.parse(variant.key) == variant
    assert variant.ticket is not None
    assert variant.ticket.active_ratio == pytest.approx(percent / 100)
    assert (variant.strategy, variant.ticket.layers, variant.ticket.rule) == (strategy, layers, rule)
