"""The corpus reader: what it drops, what it refuses and where, and that a sample is seeded, bounded and uniform."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltp.errors import CorpusError
from ltp.text.corpus import BUILTINS, Corpus


def corpus_of(tmp_path: Path, content: bytes) -> Corpus:
    path = tmp_path / "corpus.txt"
    path.write_bytes(content)
    return Corpus.from_file(path)


def test_bom_crlf_blank_lines_and_surrounding_blanks_leave_only_the_sentences(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, b"\xef\xbb\xbf One.\r\n\r\n \t \nDos ni\xc3\xb1os.\nno line end")
    assert corpus.lines() == ["One.", "Dos niños.", "no line end"]
    assert corpus.count == 3


def test_a_lone_carriage_return_ends_a_line_and_other_separators_do_not(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, "old\rmac\nline\u2028separator\x0bhere\n".encode())
    assert corpus.lines() == ["old", "mac", "line\u2028separator\x0bhere"]


def test_the_hash_is_that_of_a_clean_file_whatever_its_line_ends(tmp_path: Path) -> None:
    clean = "uno\ndós\n".encode()
    expected = hashlib.sha256(clean).hexdigest()
    assert corpus_of(tmp_path, clean).sha256 == expected
    assert corpus_of(tmp_path, b"\xef\xbb\xbf" + clean.replace(b"\n", b"\r\n") + b"\r\n").sha256 == expected
    assert Corpus.from_texts(["uno\n", "dós"]).sha256 == expected
    assert Corpus.from_texts(["uno", "dos"]).sha256 != expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"fine\n\xf1\xe1\xe2\n", r"line 2, column 1: byte 0xF1 is not UTF-8"),
        (b"fine\nfine\nbr\0ken\n", r"line 3, column 3: the character U\+0000"),
        ("texto\n".encode("utf-32-le"), r"line 1, column 1: the file looks like UTF-16"),
        (b"PK\x03\x04rest", r"line 1, column 1: the file is a spreadsheet or zip"),
        (b"", r"the corpus 'corpus.txt' holds no text"),
        (b"\xef\xbb\xbf \r\n\n", r"the corpus 'corpus.txt' holds no text"),
    ],
)
def test_what_is_not_text_is_refused_by_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        corpus_of(tmp_path, content).lines()


def test_texts_are_held_to_the_same_rules() -> None:
    assert Corpus.from_texts(["a\r\nb", " ", "c"]).lines() == ["a", "b", "c"]
    with pytest.raises(CorpusError, match=r"line 2, column 2: the character U\+D800"):
        Corpus.from_texts(["fine", "a\ud800"]).lines()
    with pytest.raises(CorpusError, match="holds no text"):
        Corpus.from_texts([]).lines(sample=3)


def test_a_missing_file_and_an_unknown_builtin_are_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"there is no file .*absent\.txt"):
        Corpus.from_file(tmp_path / "absent.txt")
    with pytest.raises(CorpusError, match="no built-in corpus 'wiki'; there is 'demo'"):
        Corpus.builtin("wiki")


@given(st.integers(1, 60), st.integers(1, 80), st.integers(0, 2**32 - 1))
def test_a_sample_is_seeded_distinct_in_order_and_as_large_as_asked(total: int, sample: int, seed: int) -> None:
    corpus = Corpus.from_texts([f"line {i:03}" for i in range(total)])
    drawn = corpus.lines(sample, seed)
    assert len(drawn) == min(sample, total)
    assert drawn == sorted(set(drawn))
    assert drawn == corpus.lines(sample, seed)


def test_every_line_is_as_likely_as_any_other() -> None:
    corpus = Corpus.from_texts([str(i) for i in range(10)])
    drawn = Counter(line for seed in range(3000) for line in corpus.lines(3, seed))
    assert len(drawn) == 10
    assert all(abs(count - 900) < 150 for count in drawn.values())  # 900 expected, standard deviation 25


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "cp1252"])
def test_a_corpus_may_be_written_and_packed_in_other_ways(
    tmp_path: Path, codec: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes(pack("El niño está aquí.\nNada más.\n".encode(codec)))
    assert list(Corpus.from_file(path)) == ["El niño está aquí.", "Nada más."]


@pytest.mark.slow
def test_a_sample_of_a_large_file_does_not_hold_the_file(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with path.open("w") as file:
        file.writelines(f"sentence number {i} of a corpus that is larger than its sample\n" for i in range(150_000))
    tracemalloc.start()
    lines = Corpus.from_file(path).lines(50, seed=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(lines) == 50
    assert peak < path.stat().st_size / 10


def test_the_demo_corpus_is_thousands_of_sentences_of_prose() -> None:
    lines = Corpus.builtin("demo").lines()
    assert 2_000 <= len(lines) == len(set(lines))
    assert 80 < sum(map(len, lines)) / len(lines) < 160
    for line in lines:
        assert 5 <= len(line.split()) <= 80
        assert "::=" not in line
        assert ">>>" not in line
        assert line.rstrip('"”’)')[-1] in ".!?:"
    assert "Objects are Python’s abstraction for data." in lines


@pytest.mark.process
def test_builtins_are_the_same_in_another_process() -> None:
    code = "from ltp.text.corpus import Corpus; print(Corpus.builtin('demo').sha256)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == Corpus.builtin("demo").sha256
    assert set(BUILTINS) == {"demo"}
