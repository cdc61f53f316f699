"""What a model card tells hubs and people, without a model."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from support.every_adapter import adapter_on

from ltp.backbone.load import Backbone
from ltp.export import card
from ltp.export.terms import terms_of

SCORE = {"interval": [0.5, 0.9], "ece": 0.1}
ABOUT: dict[str, Any] = {
    "lang": "no",
    "version": 3,
    "name": "first: try",
    "origin": "training",
    "examples": {"train": 40, "dev": 20, "test": 30},
    "metrics": {"dev": {"accuracy": 0.75, **SCORE}, "test": {"accuracy": 0.5, **SCORE}},
}


def front(backbone: Backbone, **about: Any) -> dict[str, Any]:
    told = card.front_matter(adapter_on(backbone), backbone.info, ABOUT | about, library="transformers")
    assert told.startswith("---\n")
    read: dict[str, Any] = yaml.safe_load(told.split("---\n")[1])
    return read


def body(backbone: Backbone, **about: Any) -> str:
    return "\n".join(card.body(adapter_on(backbone), backbone.info, ABOUT | about))


def test_scores_on_different_pairs_stay_apart_for_hubs(tiny_backbone: Backbone) -> None:
    (index,) = front(tiny_backbone)["model-index"]
    assert index["name"] == "first: try: NLI for no, version 3"
    told = {each["dataset"]["split"]: (each["dataset"]["name"], each["metrics"]) for each in index["results"]}
    assert told == {
        "validation": ("development pairs", [{"type": "accuracy", "value": 0.75}]),
        "test": ("test pairs", [{"type": "accuracy", "value": 0.5}]),
    }


@pytest.mark.parametrize(
    ("lang", "told"), [("no", "no"), ("quy", "quy"), ("sr-Latn-RS", "sr"), ("mul", "multilingual"), (None, None)]
)
def test_a_language_is_the_code_that_hubs_know(tiny_backbone: Backbone, lang: str | None, told: str | None) -> None:
    assert front(tiny_backbone, lang=lang).get("language") == told


@pytest.mark.parametrize(
    ("backbone", "from_starter", "licence", "said"),
    [
        ("FacebookAI/xlm-roberta-base@0", False, "mit", "XLM-R (MIT)"),
        ("FacebookAI/xlm-roberta-base@0", True, "other", "CC BY-NC 4.0"),
        ("FacebookAI/xlm-roberta-base@0", None, None, "not all known here"),
        ("mini", False, "other", "multilingual-e5-small"),
        ("mini", None, "other", "not all known here"),
        ("mine", False, None, "terms of the backbone `mine` are not known"),
    ],
)
def test_terms_are_those_of_all_that_it_goes_back_to(
    backbone: str, from_starter: bool | None, licence: str | None, said: str
) -> None:
    terms = terms_of(backbone, {"from_starter": from_starter})
    assert (terms.licence, bool(terms.licence_name)) == (licence, licence == "other")
    assert said in terms.sentence
    assert "owners'" in terms.sentence


def test_a_composed_one_says_of_what(tiny_backbone: Backbone) -> None:
    terms = [{"kind": "adapter", "name": "adapter sw@1", "weight": 1.0}, {"name": "adapter quy@2", "weight": -0.5}]
    told = body(tiny_backbone, origin="composed", metrics={}, examples={}, training={"terms": terms, "max_length": 48})
    assert "Composed, without training, of 1 x adapter sw@1, -0.5 x adapter quy@2." in told
    assert "Hyperparameters" not in told
    assert "Labelled pairs" not in told
