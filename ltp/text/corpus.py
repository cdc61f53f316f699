"""The unlabelled text of one language that a drift is measured on (3.1). Imports no torch.

Lines are what is counted, hashed and sampled, as they are given; a line is one example, or several if it is longer than
an example may be (`ltp.drift.tokens`).

A corpus is read again at each call and never held whole, so its size is bounded by the disk. Lines lose the blanks
around them; blank ones are dropped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ltp.errors import CorpusError
from ltp.text.demo_corpus import demo_sentences
from ltp.text.lines import TextFile
from ltp.text.sampling import sample_lines

BUILTINS: dict[str, Callable[[], Iterator[str]]] = {"demo": demo_sentences}
"""The corpora that need no file. `demo`: English prose out of Python's own documentation."""

_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


class Corpus:
    """Lines of text that can be read any number of times.

    Reading raises CorpusError, naming the line, for bytes that are not UTF-8, U+0000 and lone surrogates, and for a
    corpus without a single line of text.
    """

    def __init__(self, name: str, read: Callable[[], Iterator[str]]) -> None:
        self.name = name
        self._read = read
        self._sha256: str | None = None
        self._count = self._characters = 0

    @classmethod
    def from_texts(cls, texts: Iterable[str], *, name: str = "texts") -> Corpus:
        """A corpus held in memory; a line break inside a text makes two lines of it."""
        held = list(texts)
        return cls(name, lambda: lines_of_texts(held))

    @classmethod
    def from_file(cls, path: Path, *, longest: int | None = None) -> Corpus:
        """Plain text, one sentence or paragraph of at most `longest` characters a line; BOM and CRLF may be.

        UTF-8, or what `TextFile` reads besides: UTF-16, compressed with gzip, ...
        """
        if not path.is_file():
            raise CorpusError(f"there is no file {path}")
        return cls(path.name, lambda: _lines_of_file(path, longest))

    @classmethod
    def builtin(cls, name: str) -> Corpus:
        """One of `BUILTINS`."""
        if name not in BUILTINS:
            raise CorpusError(
                f"there is no built-in corpus {name!r}; there is {', '.join(map(repr, sorted(BUILTINS)))}"
            )
        return cls(name, BUILTINS[name])

    def __iter__(self) -> Iterator[str]:
        """Every line in order; a complete pass also settles `count`, `characters` and `sha256`."""
        digest, count, characters = hashlib.sha256(), 0, 0
        for line in self._read():
            digest.update(_hashed(line))
            count += 1
            characters += len(line)
            yield line
        if not count:
            raise CorpusError(f"the corpus {self.name!r} holds no text")
        self._sha256, self._count, self._characters = digest.hexdigest(), count, characters

    def lines(self, sample: int | None = None, seed: int = 0) -> list[str]:
        """All lines, or a uniform sample of at most `sample` of them, in the corpus's order.

        One pass, and no more in memory than the sample (`sample_lines`).
        """
        return sample_lines(self, sample, seed)

    @property
    def sha256(self) -> str:
        """Of the lines as they are used, UTF-8, each ended by LF: blank lines, BOM and CRLF do not change it."""
        self._pass()
        return str(self._sha256)

    @property
    def count(self) -> int:
        """How many lines there are."""
        self._pass()
        return self._count

    @property
    def characters(self) -> int:
        """How many characters they have together."""
        self._pass()
        return self._characters

    def _pass(self) -> None:
        if self._sha256 is None:
            for _ in self:
                pass


def lines_of_texts(texts: Iterable[str]) -> Iterator[str]:
    """Cut texts in memory into lines as a corpus is. Raises CorpusError for a character that is not text."""
    for number, text in enumerate(texts, start=1):
        if wrong := _NOT_TEXT.search(text):
            what = f"the character U+{ord(wrong[0]):04X} is not text; remove it"
            raise CorpusError(what, line=number, column=wrong.start() + 1)
        yield from _pieces(text)


def sha256_of_lines(lines: Iterable[str]) -> str:
    """What `Corpus.sha256` is of these lines."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(_hashed(line))
    return digest.hexdigest()


def _hashed(line: str) -> bytes:
    return f"{line}\n".encode()


def _pieces(text: str) -> Iterator[str]:
    r"""The lines of `text` without the blanks around them; a CR alone ends a line too (old Macintosh files)."""
    for piece in text.replace("\r", "\n").split("\n"):
        if stripped := piece.strip():
            yield stripped


def _lines_of_file(path: Path, longest: int | None) -> Iterator[str]:
    for number, text in TextFile(lambda: path.open("rb"), CorpusError).lines():
        for piece in _pieces(text):
            if longest is not None and len(piece) > longest:
                what = f"the line has {len(piece):,} characters; at most {longest:,} are read here"
                raise CorpusError(what, line=number, column=1)
            yield piece
