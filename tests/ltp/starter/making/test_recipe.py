"""Recipes: those that are shipped can be read, and what cannot be meant is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.starter_data import write_recipe

from ltp.errors import InvalidRecipe
from ltp.starter.making import recipe


def test_the_shipped_recipes_can_be_read() -> None:
    assert recipe.shipped() == ["mini", "mini-untranslated", "xlm-r-base"]
    for name in recipe.shipped():
        read = recipe.load(name)
        assert read.name == name
        assert read.training.text_form == 1
        assert all(source.licence and source.about for source in read.sources)


def test_a_recipe_of_ones_own_is_named_by_its_file(tmp_path: Path) -> None:
    read = recipe.load(str(write_recipe(tmp_path / "own.toml")))
    assert [source.name for source in read.sources] == ["xnli", "indonli", "americasnli", "afrixnli"]
    assert (read.mlm.sample, read.training.schedule, read.ticket.active_ratio) == (40, "linear", 0.05)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "tiny"', "nmae = 'tiny'", "name: Field required"),
        ('name = "tiny"', 'name = "tiny"\ncolour = 3', "colour"),
        ('name = "tiny"', 'name = "ti', "is not TOML"),
        ("epochs = 1\nlearning_rate", "epochs = 0\nlearning_rate", r"training\.epochs.*greater than or equal to 1"),
        ("dev_share = 0.25", "dev_share = 1.5", "dev_share"),
        ('translates = "xnli"\nfirst_id', 'translates = "xlni"\nfirst_id', "translates xlni, which is no source"),
        ("first_id = 100", "", "americasnli: say by which language's premises"),
        ('name = "indonli"', 'name = "xnli"', "two sources have one name"),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InvalidRecipe, match=message):
        recipe.load(str(write_recipe(tmp_path / "own.toml", {old: new})))


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidRecipe, match="there is no recipe 'maxi'; there is mini, mini-untranslated, xlm-r-base"):
        recipe.load("maxi")
    with pytest.raises(InvalidRecipe, match="there is no file"):
        recipe.load(str(tmp_path / "none.toml"))


def test_what_is_left_out_must_be_there_and_leave_something(tmp_path: Path) -> None:
    read = recipe.load(str(write_recipe(tmp_path / "own.toml")))
    assert [each.name for each in read.without(["afrixnli", "americasnli"]).sources] == ["xnli", "indonli"]
    with pytest.raises(InvalidRecipe, match="no source 'asianli'; there is xnli, indonli"):
        read.without(["asianli"])
    with pytest.raises(InvalidRecipe, match="a translation alone"):
        read.without(["xnli"])


def test_less_of_it(tmp_path: Path) -> None:
    read = recipe.load(str(write_recipe(tmp_path / "own.toml")))
    less = read.limited(rows=30, epochs=7, sentences=10)
    assert [source.rows for source in less.sources] == [30, 20, 30, 30]
    assert (less.training.epochs, less.training.learning_rate, less.mlm.sample) == (7, 1e-3, 10)
    assert read.limited(rows=None, epochs=None, sentences=None) == read
