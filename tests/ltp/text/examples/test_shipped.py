"""The pairs that ship with the project: counts, balance, premises apart, and no label told by its hypothesis alone."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path

import pytest

from ltp.config import LABELS
from ltp.text.examples import Example, PairFile, check_trainable, few_shot, read_examples, shared_premises

FOLDER = Path(__file__).parents[4] / "examples"
LANGUAGES = ("es", "sw")


def read(lang: str, side: str) -> list[Example]:
    return read_examples(FOLDER / f"{lang}-{side}.jsonl")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("side", ["train", "dev"])
def test_a_set_has_16_premises_with_one_hypothesis_of_each_label(lang: str, side: str) -> None:
    pairs = read(lang, side)
    check_trainable(pairs)
    assert len({pair.pair_key for pair in pairs}) == len(pairs)
    labels_of: dict[str, list[str]] = {}
    for pair in pairs:
        labels_of.setdefault(pair.premise_key, []).append(str(pair.label))
    assert len(labels_of) == 16
    assert all(sorted(labels) == sorted(LABELS) for labels in labels_of.values())
    assert len(few_shot(pairs, shots=8, seed=0).train) == 24


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_stands_on_both_sides(lang: str) -> None:
    train, dev = read(lang, "train"), read(lang, "dev")
    assert not shared_premises(train, dev)
    assert not {pair.hypothesis for pair in train} & {pair.hypothesis for pair in dev}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_words_of_a_hypothesis_do_not_give_its_label_away(lang: str) -> None:
    assert guessed(read(lang, "train"), read(lang, "dev")) <= 24  # of 48; 16 is chance
    assert guessed(read(lang, "dev"), read(lang, "train")) <= 24


def guessed(known: list[Example], asked: list[Example]) -> int:
    """How many labels naive Bayes over the hypotheses' words gets right."""
    counts: dict[str, Counter[str]] = {label: Counter() for label in LABELS}
    for pair in known:
        counts[str(pair.label)].update(words(pair))
    vocabulary = len(set().union(*counts.values()))

    def likelihood(pair: Example, label: str) -> float:
        total = sum(counts[label].values()) + vocabulary
        return sum(math.log((counts[label][word] + 1) / total) for word in words(pair))

    return sum(max(LABELS, key=lambda label: likelihood(pair, label)) == pair.label for pair in asked)


def words(pair: Example) -> list[str]:
    return re.findall(r"[\w']+", pair.hypothesis.casefold())


def test_the_mixed_batch_names_a_language_for_each_pair_and_knows_no_labels() -> None:
    pairs = list(PairFile(FOLDER / "mixed.jsonl"))
    assert 8 <= len(pairs) <= 12
    assert Counter(pair.lang for pair in pairs) == {"es": 5, "sw": 5}
    rows = [json.loads(line) for line in (FOLDER / "mixed.jsonl").read_text("utf-8").splitlines()]
    assert all(set(row) == {"lang", "premise", "hypothesis"} for row in rows)
    trained = {pair.premise_key for lang in LANGUAGES for side in ("train", "dev") for pair in read(lang, side)}
    assert not trained & {row["premise"].casefold() for row in rows}
