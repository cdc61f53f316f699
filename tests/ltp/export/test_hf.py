"""A folder of transformers answers as the engine does, in a process that has no `ltp`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.elsewhere import ASKING, largest_difference, named, outside
from support.every_adapter import Library
from support.needs import PROCESS, needs
from support.synthetic import pairs

from ltp.adapter.artefact import Adapter
from ltp.backbone.load import Backbone
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.export import hf
from ltp.ticket.mask import Ticket

FOLDERS = (
    *("all", "lower", "tied", "frozen", "words alone", "nothing", "pt", "pt of two", "ft", "dp", "sp", "mp"),
    *("all, two-way", "tied, two_way with own words", "all, calibrated", "nothing, two-way, calibrated"),
    *("ft, two-way", "ft, calibrated"),
)
TEXTS = [(example.premise, example.hypothesis) for example in pairs(5, seed=3)]
TEXTS += [
    ("the Ɛ  cafe\u0301 dog. ", " \u200bn\u0303 a\u0323 ?\u200f"),
    ("she said: «no!».", "(what ?) …"),
    ("a <mask> b </s> <unk> <pad>", "<p1 > is no token. <s>"),
    ("dog cat " * 30, "a bird."),
    ("x", "dog water " * 40),
    ("the dog " * 40, "cat water " * 40),
    ("!?", "..."),
    ("<mask>. A dog", "<s>"),
    ("the dog runs", ""),
    ("㎏ﬃ㍐" * 12, "½ a dogs" * 8),
]
SCRIPT = (
    ASKING
    + """
import ast, re

def printed(folder, texts):
    (code,) = re.findall(r"```python\\n(.*?)```", open(folder + "/README.md", encoding="utf-8").read(), re.DOTALL)
    *before, call = ast.parse(code.replace("FOLDER", folder)).body
    names = {}
    exec(compile(ast.Module(before, []), "card", "exec"), names)
    one = eval(compile(ast.Expression(call.value), "card", "eval"), names)
    if "classify" in names:
        return [one, *names["classify"](texts, batch_size=3, top_k=None)]
    return [one, *names["fill"](texts, batch_size=3, targets=ast.literal_eval(call.value.keywords[0].value))]

folders, pairs, texts = json.load(sys.stdin)
cards = {key: printed(folders[key], each) for key, each in texts.items()}
json.dump([answers(folders, pairs), cards], sys.stdout)
"""
)
"""Asks `answer.py`; and runs what the card prints, and then the same for texts of mixed length at once."""
CARDS = ("all", "tied", "pt of two", "mp", "all, calibrated", "tied, two_way with own words", "ft", "ft, calibrated")
PLAIN = [(premise.strip(" .?!"), hypothesis.strip(" .?!")) for premise, hypothesis in TEXTS[:5]]
PLAIN = [("A man sleeps", "He rests"), *PLAIN, (" ".join(["the dog and the cat"] * 4), "a bird")]
"""The card's pair, and others without a final mark."""


@pytest.fixture(scope="module")
def folders(backbone: Backbone, library: Library, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = Path(tmp_path_factory.mktemp("exported"))
    return {key: exported(root / key, backbone, *library[key]) for key in FOLDERS}


def exported(folder: Path, backbone: Backbone, adapter: Adapter, ticket: Ticket | None) -> Path:
    folder.mkdir()
    hf.write_folder(folder, backbone, adapter, ticket, {"lang": "sw", "version": 3})
    return folder


def asked(
    library: Library, backbone: Backbone, key: str, texts: Sequence[tuple[str, str]] = TEXTS
) -> list[dict[str, float]]:
    engine = Engine(backbone, source=library.__getitem__)
    return [dict(each.by_label) for each in engine.predict([PairRequest(key, *pair) for pair in texts])]


@pytest.fixture(scope="module")
@needs(PROCESS)
def elsewhere(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """What a process without `ltp` gets from all folders: from `answer.py`, and by their cards."""
    texts = {key: [as_asked(facts(folders[key]), *pair) for pair in PLAIN[1:]] for key in CARDS}
    given = [named(folders), TEXTS, texts]
    answers, cards = json.loads(outside(SCRIPT, given, cwd=tmp_path_factory.mktemp("elsewhere")))
    return answers, cards


@pytest.mark.slow
def test_plain_transformers_answers_as_the_engine(
    elsewhere: tuple[Any, Any], library: Library, backbone: Backbone, record_property: pytest.Function
) -> None:
    found, _ = elsewhere
    differences = {key: largest_difference(found[key], asked(library, backbone, key)) for key in FOLDERS}
    record_property("figures", f"largest difference {max(differences.values()):.1e}")
    assert max(differences.values()) < 1e-4, differences


@pytest.mark.slow
def test_what_the_card_prints_gives_the_engines_probabilities(
    elsewhere: tuple[Any, Any],
    folders: dict[str, Path],
    library: Library,
    backbone: Backbone,
    record_property: pytest.Function,
) -> None:
    _, found = elsewhere
    differences = {}
    for key in CARDS:
        scores = [by_label(folders[key], each) for each in found[key]]
        differences[key] = largest_difference(scores, asked(library, backbone, key, PLAIN))
    record_property("figures", f"largest difference {max(differences.values()):.1e}")
    assert max(differences.values()) < 1e-4, differences


def facts(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "nli.json").read_text(encoding="utf-8"))
    return told


def as_asked(told: dict[str, Any], premise: str, hypothesis: str) -> Any:
    if told["template"] is None:
        return {"text": premise, "text_pair": hypothesis}
    return told["template"].format(premise=premise, hypothesis=hypothesis)


def by_label(folder: Path, answers: list[dict[str, Any]]) -> dict[str, float]:
    """Scores as probabilities, by what the card says."""
    told, card = facts(folder), " ".join((folder / "README.md").read_text(encoding="utf-8").split())
    if told["targets"] is None:
        scores = {each["label"]: each["score"] for each in answers}
        return {label: scores[label] for label in told["labels"]}
    temperature, biases = re.findall(r"the temperature is (\S+) and the biases are (.*?)\. `answer", card)[0]
    (labels,) = re.findall(r"The targets stand for (.*?), in this order", card)
    by_token = {each["token"]: each["score"] for each in answers}
    odds = [
        by_token[token] ** (1 / float(temperature)) * math.exp(float(bias))
        for token, bias in zip(told["tokens"], biases.split(", "), strict=True)
    ]
    return {label: each / sum(odds) for label, each in zip(labels.split(", "), odds, strict=True)}
