"""What strict JSON refuses, where it says the fault is, and that it changes nothing else."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.strict_json import JSONRefused, parse

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@given(VALUES, st.booleans())
def test_accepts_what_the_standard_library_writes(value: object, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ('{"pairs":[{"a":1},{"premise":"x\\ud800y"}]}', "pairs.1.premise", "lone surrogate, U+D800"),
        ('{"a":{"b\\udfff":1}}', "a", "lone surrogate, U+DFFF"),
        ('{"a":["\\u0000"]}', "a.0", "U+0000"),
        ('{"a\\u0000":1}', "", "U+0000"),
        ('{"a":[1,NaN]}', "a.1", "NaN is not"),
        ('{"a":-Infinity}', "a", "-Infinity is not"),
        ('{"a":{"b":1e999}}', "a.b", "too large"),
        ('{"a":' + "9" * 5000 + "}", "a", "too large"),
        ('{"a":{"b":1,"c":2,"b":3}}', "a.b", "given twice"),
        ("[" * 90_000 + "]" * 90_000, "", "nested too deeply"),
        ('{"a":' * 45_000 + "1" + "}" * 45_000, "", "nested too deeply"),
        ("[" * 900_000 + "]" * 900_000, "", "more than 225,000 values"),
        ('{"a":' * 60_000 + "1" + "}" * 60_000, "", "more than 100,000 values"),
        ('{"a":{' + ",".join(f'"{key}":1' for key in range(300)) + "}}", "a", "has 300 members; at most 256"),
        ('{"a":\n  tru}', "", "line 2, column 3"),
        ('{"a":"\n"}', "", "control character"),
        ("", "", "line 1, column 1"),
        ("\ufeff{}", "", "line 1, column 1"),
    ],
)
def test_refuses_and_says_where(text: str, path: str, words: str) -> None:
    with pytest.raises(JSONRefused) as refusal:
        parse(text.encode())
    assert refusal.value.path == path
    assert words in refusal.value.message


@pytest.mark.parametrize("raw", [b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', '{"a":1}'.encode("utf-16")])
def test_refuses_other_encodings(raw: bytes) -> None:
    with pytest.raises(JSONRefused, match=r"not UTF-8|malformed"):
        parse(raw)


def test_a_wide_list_far_down_takes_no_memory_for_its_depth() -> None:
    """In 192 KB: 95,000 values, each under 900 lists; a path for each of them would be 700 MB."""
    raw = b"[" * 900 + b"0," * 95_000 + b'"\\u0000"' + b"]" * 900
    tracemalloc.start()
    with pytest.raises(JSONRefused, match=r"U\+0000"):
        parse(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * len(raw)


def test_keeps_paired_surrogates_and_joiners() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u202ba\u202c"
    assert parse(json.dumps(family).encode()) == family
