"""The unlabelled text that drifts are measured on: a file of sentences, or WikiText-2 as it is in the data folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ltp.errors import UnsoundData
from ltp.text.corpus import Corpus

WIKITEXT = "wikitext2"
WIKITEXT_FILES = ("valid.txt", "test.txt")
FEWEST_WORDS = 4
"""Shorter pieces of WikiText-2 are headings and remains of lists."""


@dataclass(frozen=True)
class UnlabelledText:
    """Sentences in order, at most as many as were asked for; `sha256` and `count` are of the whole text."""

    name: str
    sha256: str
    count: int
    sentences: tuple[str, ...] = field(repr=False)


def read_text(data: Path, file: Path | None, *, sentences: int) -> UnlabelledText:
    """Read `file`, one sentence a line, or else WikiText-2 in the folder `data`; a larger text is sampled with seed 0.

    Raises:
        UnsoundData: there is neither.
        CorpusError: a file is not text, or holds none.
    """
    if file is not None:
        corpus = Corpus.from_file(file)
    else:
        paths = [data / WIKITEXT / name for name in WIKITEXT_FILES]
        if missing := [path for path in paths if not path.is_file()]:
            raise UnsoundData(f"there is no {missing[0]}; name a file of sentences to measure drifts on instead")
        corpus = Corpus.from_texts(_wikitext(paths), name=WIKITEXT)
    chosen = tuple(corpus.lines(sentences, 0))
    return UnlabelledText(corpus.name, corpus.sha256, corpus.count, chosen)


def _wikitext(paths: list[Path]) -> Iterator[str]:
    """WikiText-2's sentences: no titles, split where a full stop stands between spaces."""
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            text = line.strip()
            if text and not text.startswith("="):
                pieces = (piece.strip(" .") for piece in text.split(" . "))
                yield from (f"{piece} ." for piece in pieces if len(piece.split()) >= FEWEST_WORDS)
