"""How many values a JSON text holds is told exactly, without reading it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.json_values import FEW, WINDOW, allowed_values, holds_more

TEXT = st.text(st.sampled_from('a,:[{"\\é\n'))
VALUES = st.recursive(TEXT | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


def values_in(tree: Any) -> int:
    """One for the value itself; keys count; the first element of a list counts with its bracket."""
    inner = list(tree.values()) if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    keys = len(tree) if isinstance(tree, dict) else 0
    brackets = isinstance(tree, dict | list)
    return brackets + keys + max(0, len(inner) - 1) + sum(values_in(each) for each in inner)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_commas_colons_and_brackets_count_outside_of_strings_alone(tree: Any, ascii_only: bool, indent: Any) -> None:
    raw = json.dumps(tree, ensure_ascii=ascii_only, indent=indent).encode()
    held = 1 + values_in(tree)
    assert not holds_more(raw, held)
    assert holds_more(raw, held - 1)


@pytest.mark.parametrize("shift", range(4))
def test_a_string_may_lie_across_windows(shift: int) -> None:
    text = "," * (WINDOW - 1) + '"\\' * 5 + "[" * WINDOW
    raw = (" " * shift + json.dumps([text, text])).encode()
    assert not holds_more(raw, 3)
    assert holds_more(raw, 2)


def test_short_texts_may_be_dense_and_long_ones_may_not() -> None:
    assert allowed_values(100, most=1_000) == 1_000
    assert allowed_values(100, most=10_000_000) == FEW
    assert allowed_values(8_000_000, most=10_000) == 10_000
    assert allowed_values(8_000_000, most=10_000_000) == 1_000_000
