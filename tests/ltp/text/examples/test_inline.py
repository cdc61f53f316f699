"""Examples that come in a request: what repeats, what contradicts itself, and what only seems to."""

from __future__ import annotations

import pytest

from ltp.config import Label
from ltp.errors import ExamplesError
from ltp.text.examples import Example, ReadOptions, read_inline


def twice(first: Label, second: Label) -> list[Example]:
    return [Example("p", "h", first), Example("P ", "h", second)]


def test_neutral_and_contradiction_do_not_disagree_where_two_labels_are_asked_for() -> None:
    examples = twice("neutral", "contradiction")
    kept, reading = read_inline(examples, options=ReadOptions(label_space="two_way"))
    assert (kept, reading.conflicts) == (examples, 0)
    kept, reading = read_inline(examples, options=ReadOptions())
    assert (kept, reading.conflicts) == ([], 1)


def test_labels_of_two_spaces_are_refused_and_not_dropped_as_a_disagreement() -> None:
    with pytest.raises(ExamplesError, match="belong to two label spaces"):
        read_inline(twice("neutral", "not_entailment"), options=ReadOptions())
