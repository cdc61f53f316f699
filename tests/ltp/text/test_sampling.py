"""The sampler: one sample whether lines are streamed, held or read from a file, whatever has to be cleaned off them."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ltp.text.corpus import Corpus, lines_of_texts, sha256_of_lines
from ltp.text.sampling import sample_lines

LINES = [f"sentence number {number}" for number in range(1000)]


@given(st.integers(1, 300), st.integers(1, 80), st.integers(0, 2**32 - 1))
def test_a_stream_gives_the_sample_of_a_list(total: int, size: int, seed: int) -> None:
    held = LINES[:total]
    assert sample_lines(iter(held), size, seed) == sample_lines(held, size, seed)


def test_a_sample_of_a_sample_of_that_size_is_itself() -> None:
    drawn = sample_lines(LINES, 100, 5)
    assert sample_lines(drawn, 100, 5) == drawn


def test_a_file_gives_the_sample_of_the_texts_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"\xef\xbb\xbf" + "".join(f" {line}\r\n\r\n" for line in LINES).encode())
    drawn = sample_lines(LINES, 100, 0)
    assert Corpus.from_file(path).lines(100, 0) == drawn
    assert Corpus.from_texts(LINES).lines(100, 0) == drawn
    assert sample_lines(lines_of_texts(f"\t{line} \n \n" for line in LINES), 100, 0) == drawn


def test_lines_alone_have_the_hash_of_their_corpus() -> None:
    assert sha256_of_lines(LINES) == Corpus.from_texts(LINES).sha256
