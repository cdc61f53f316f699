"""The languages' own texts, `LL.txt` in one folder, and what of the test files stands in them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ltp.reproduce.data.text import UnlabelledText
from ltp.text.corpus import Corpus
from ltp.text.examples import Example

SUFFIX = ".txt"


def read_texts(folder: Path, languages: Iterable[str]) -> dict[str, UnlabelledText]:
    """The texts there are of these languages, whole. Raises CorpusError: a file is not text, or holds none."""
    texts = {}
    for language in sorted(set(languages)):
        path = folder / f"{language}{SUFFIX}"
        if path.is_file():
            corpus = Corpus.from_file(path)
            lines = tuple(corpus.lines())
            texts[language] = UnlabelledText(path.name, corpus.sha256, corpus.count, lines)
    return texts


def told_before(text: UnlabelledText, examples: Iterable[Example]) -> int:
    """How many of the pairs have a premise or hypothesis that stands in the text as a line of its own."""
    lines = {line.strip() for line in text.sentences}
    return sum(bool({example.premise.strip(), example.hypothesis.strip()} & lines) for example in examples)
