"""Transfer experiments: the shipped one is whole, one's own is checked word by word, bounds make it smaller."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.transferring import RECIPES, TARGETS, small_transfer

from ltp.config import AdapterConfig
from ltp.errors import InvalidExperiment
from ltp.reproduce.plan.catalogue import TRANSFER, read_table
from ltp.reproduce.transfer.catalogue import is_transfer, parse
from ltp.reproduce.transfer.experiment import Recipe, Step, TransferBounds, TransferExperiment, shots_of


@pytest.fixture
def shipped() -> TransferExperiment:
    return parse(read_table(TRANSFER))[0]


def test_the_shipped_one_scores_every_language_by_every_recipe(shipped: TransferExperiment) -> None:
    assert [(target.name, len(target.languages)) for target in shipped.targets] == [
        ("americasnli", 5),
        ("afrixnli", 7),
        ("xnli", 2),
    ]
    assert shipped.shots == ("32", "16", "8", "all")
    assert shipped.seeds == 3
    used = {name for step in shipped.steps for name in step.recipes}
    assert used == {recipe.name for recipe in shipped.recipes}


def test_the_shipped_one_begins_with_what_is_cheap_and_tells_most(shipped: TransferExperiment) -> None:
    first, second = shipped.steps[:2]
    assert (first.recipes, first.targets) == (("zero-shot",), ())
    assert (second.recipes, second.targets, second.shots) == (("started",), ("americasnli",), ("32",))


def test_the_papers_recipe_is_the_papers(shipped: TransferExperiment) -> None:
    recipe = shipped.recipe("paper")
    config = recipe.config("fp32", seed=3)
    assert recipe.start == "pretrained"
    assert config == AdapterConfig(
        epochs=70, estimate="holdout", average="none", precision="fp32", delta_dtype="fp16", seed=3
    )


def test_the_quick_form_is_smaller(shipped: TransferExperiment) -> None:
    full, quick = parse(read_table(TRANSFER))
    bounded = quick.applied(full)
    assert (bounded.seeds, bounded.pairs, bounded.shots) == (1, 150, ("32",))
    assert {name for step in bounded.steps for name in step.recipes} == {"zero-shot", "started"}
    assert shipped == full


def test_only_a_file_with_recipes_is_a_transfer_experiment() -> None:
    assert is_transfer(read_table(TRANSFER))
    assert not is_transfer(read_table("table1"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": (Step(recipes=("startled",)),)}, "no recipe 'startled'"),
        ({"steps": (Step(recipes=("started",), targets=("x",)),)}, "no target 'x'"),
        ({"steps": (Step(recipes=("started",), shots=("few",)),)}, "'few' is no number of shots"),
        ({"shots": ("0",)}, "'0' is no number of shots"),
        ({"seeds": 0}, "must be at least one"),
        ({"recipes": (RECIPES[0], RECIPES[0])}, "every recipe needs a name of its own"),
        ({"targets": (TARGETS[0], TARGETS[0])}, "every target needs a name of its own"),
    ],
)
def test_what_cannot_be_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidExperiment, match=words):
        small_transfer(**changes)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"method": "zero-shot", "start": "pretrained"}, "cannot begin from pretrained values"),
        ({"method": "ft", "language_text": True}, "for method 'ltp' alone"),
        ({"epochs": 0}, "epochs"),
    ],
)
def test_a_recipe_that_cannot_be_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidExperiment, match=words):
        Recipe(name="own", title="own", **given)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (TransferBounds(recipes=("startled",)), "no recipe 'startled'"),
        (TransferBounds(languages=("sw",)), "no language 'sw'"),
    ],
)
def test_a_bound_on_what_is_not_there_is_refused(bounds: TransferBounds, words: str) -> None:
    with pytest.raises(InvalidExperiment, match=words):
        bounds.applied(small_transfer())


def test_bounds_keep_what_is_named_alone() -> None:
    bounds = TransferBounds(recipes=("started",), languages=("quy", "hau"), shots=("4",), lines=("clean",), epochs=1)
    bounded = bounds.applied(small_transfer())

    assert [target.languages for target in bounded.targets] == [("quy",), ("hau",)]
    assert [(step.recipes, step.shots, step.lines) for step in bounded.steps] == [(("started",), (), ("clean",))]
    assert bounded.recipe("started").epochs == 1
    assert bounded.goals == (), "its mean covers other languages"


def test_bounds_typed_win_over_those_of_the_quick_form() -> None:
    quick = TransferBounds(seeds=1, pairs=150)
    assert TransferBounds(seeds=2).over(quick) == replace(quick, seeds=2)


def test_a_table_is_read_field_by_field() -> None:
    table = read_table(TRANSFER)
    for spoilt, words in (
        ({**table, "recipes": {}}, "recipes is no list"),
        ({**table, "recipes": [{"name": "a", "title": "b", "joint": 1}]}, "must be true or false"),
        ({**table, "sead": 3}, "no 'sead'"),
    ):
        with pytest.raises(InvalidExperiment, match=words):
            parse(spoilt)


def test_all_is_a_number_of_shots() -> None:
    assert [shots_of(word) for word in ("all", "8")] == [0, 8]
