"""Two adapters by the answers that were kept of both: which pairs count, and what they say."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from app.registry.answers import Answers
from app.registry.beside import beside
from ltp.comparison import compare


def answers(pairs: Sequence[tuple[str, str, str]], *, right: Sequence[bool], space: str = "three_way") -> Answers:
    lines = [
        {
            "line": None,
            "lang": None,
            "premise": premise,
            "hypothesis": hypothesis,
            "label": label,
            "predicted": label if hit else "contradiction",
            "probabilities": [0.6, 0.2, 0.2],
        }
        for (premise, hypothesis, label), hit in zip(pairs, right, strict=True)
    ]
    encoded = [json.dumps(line).encode() for line in lines]
    return Answers("train", None, len(lines), space, has_langs=False, lines=encoded)  # type: ignore[arg-type]


PAIRS = [(f"Premise {number // 2}", f"hypothesis {number}", "neutral") for number in range(20)]


def test_on_the_same_pairs_it_is_the_paired_test_by_premises() -> None:
    first, second = [True] * 18 + [False] * 2, [False] * 12 + [True] * 8
    found = beside(answers(PAIRS, right=first), answers(PAIRS[::-1], right=second[::-1]))
    assert found.same_pairs
    assert (found.only_first_right, found.only_second_right) == (12, 2)
    premises = [premise for premise, _, _ in PAIRS]
    assert found.told is not None
    assert found.told.p == compare(np.array(first), np.array(second), premises).p
    assert (found.told.difference, found.told.premises) == (pytest.approx(0.5), 10)


def test_of_different_sets_what_is_in_both_counts() -> None:
    spelt = [(premise.upper() + " ", hypothesis, label) for premise, hypothesis, label in PAIRS[10:]]
    other = [*spelt, ("another", "pair", "neutral"), (*PAIRS[0][:2], "entailment")]
    found = beside(answers(PAIRS, right=[True] * 20), answers(other, right=[False] * 12))
    assert (found.first_pairs, found.second_pairs, found.common, found.same_pairs) == (20, 12, 10, False)
    assert (found.only_first_right, found.only_second_right) == (10, 0)


def test_where_nothing_is_in_both_nothing_is_said() -> None:
    found = beside(answers(PAIRS[:4], right=[True] * 4), answers(PAIRS[4:], right=[True] * 16))
    assert (found.common, found.told, found.same_pairs) == (0, None, False)
    two_way = answers(PAIRS, right=[True] * 20, space="two_way")
    assert beside(answers(PAIRS, right=[True] * 20), two_way).told is None, "accuracies of other labels"
