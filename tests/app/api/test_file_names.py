"""Names that clients give their files: whatever they are, they can be kept, shown and sent back."""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from uvicorn.protocols.http.httptools_impl import HEADER_VALUE_RE

from app.api.downloads import disposition
from app.api.file_names import clean_name

ANY = st.text(alphabet=st.characters(), max_size=400)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("my päirs.csv", "my päirs.csv"),
        ("a.jsonl\nX-Injected: yes", "a.jsonlX-Injected: yes"),
        ("a\x1b[31m.jsonl", "a[31m.jsonl"),
        ('say "hi".csv', 'say "hi".csv'),
        ("C:\\data\\pairs.tsv", "pairs.tsv"),
        ("../../etc/passwd", "passwd"),
        ("日本語.jsonl", "日本語.jsonl"),
        ("نامه\u200cها.csv", "نامه\u200cها.csv"),
        ("gpj\u202evsc.exe", "gpjvsc.exe"),
        ("a\ud800b", "ab"),
        ("...", ""),
        ("\x00\x7f\x85\u2028", ""),
        ("é" * 300 + ".jsonl", "é" * 124 + ".jsonl"),
        ("a." + "b" * 300, "a." + "b" * 253),
        (".env", ".env"),
    ],
)
def test_a_name_keeps_its_letters_and_its_ending(given_name: str, kept: str) -> None:
    assert clean_name(given_name) == kept


@given(ANY)
def test_any_name_fits_a_file_system_and_stays_as_it_is_then(name: str) -> None:
    kept = clean_name(name)
    assert len(kept.encode()) <= 255
    assert "/" not in kept
    assert not any(unicodedata.category(each) == "Cc" for each in kept)
    assert clean_name(kept) == kept


@given(ANY)
def test_any_name_can_be_sent(name: str) -> None:
    value = disposition(name)
    assert HEADER_VALUE_RE.search(value.encode("ascii")) is None
    assert Headers({"content-disposition": value}).raw
    assert len(value) < 1200
    told = unquote(value.partition("filename*=UTF-8''")[2], errors="strict")
    assert told == (clean_name(name) or "download")
