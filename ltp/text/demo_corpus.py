"""The built-in corpus `demo`: English sentences from `pydoc_data.topics`, the language reference every Python carries.

Only prose is kept. Code, grammar productions, tables, headings, signatures and footnote marks go; a sentence is kept
when it reads as one: it starts with a capital, ends with a stop or colon, and most of its words are plain words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pydoc_data.topics import topics

_BULLET = re.compile(r"(?:\*|-|\d+\.|\[\d+\])\s+")
_EMPHASIS = re.compile(r"(?<![\w*])\*{1,2}([^*\s](?:[^*]*[^*\s])?)\*{1,2}(?![\w*])")
_SPLIT_WORD = re.compile(r"(?<=[a-z])- (?=[a-z])")  # the reference breaks lines after the hyphen of "built-in"
_FOOTNOTE = re.compile(r"\s*\[\d+\]")
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\betc\.)(?<!\bvs\.)[\"”’)]*\s+(?=[A-Z\"“‘(*])")
_SENTENCE = re.compile(r"[\"“‘(]?[A-Z].*[.!?:][\"”’)]*")
_PLAIN_WORD = re.compile(r"[\"'“‘(]*[A-Za-z][A-Za-z’'/-]*[\"'”’),.;:!?]*")
_CODE = re.compile(r"::=|>>>|==|->|[{}|\\`]|=\"|--|\.\.\.$")

_FEWEST_WORDS, _MOST_WORDS = 5, 80
_PLAIN_SHARE = 0.75


def demo_sentences() -> Iterator[str]:
    """Yield each sentence once, topics in the order of their names; the same for the same Python."""
    seen: set[str] = set()
    for name in sorted(topics):
        for paragraph in _paragraphs(topics[name]):
            for sentence in _sentences(paragraph):
                if sentence not in seen:
                    seen.add(sentence)
                    yield sentence


def _paragraphs(text: str) -> Iterator[str]:
    """Runs of lines at one depth, joined; a bullet, a blank line or a change of depth starts another."""
    lines: list[str] = []
    depth = 0
    for line in [*text.split("\n"), ""]:
        words = line.strip()
        indent = len(line) - len(line.lstrip())
        bullet = _BULLET.match(words)
        if lines and (not words or bullet or indent != depth):
            yield " ".join(lines)
            lines = []
        if words:
            lines.append(words[bullet.end() :] if bullet else words)
            depth = indent + (bullet.end() if bullet else 0)


def _sentences(paragraph: str) -> Iterator[str]:
    for piece in _cut(_SPLIT_WORD.sub("-", paragraph)):
        sentence = " ".join(_EMPHASIS.sub(r"\1", _FOOTNOTE.sub("", piece)).split())
        if _is_prose(sentence):
            yield sentence


def _cut(paragraph: str) -> Iterator[str]:
    start = 0
    for gap in _SENTENCE_END.finditer(paragraph):
        yield paragraph[start : gap.end()]
        start = gap.end()
    yield paragraph[start:]


def _is_prose(sentence: str) -> bool:
    words = sentence.split()
    if not _FEWEST_WORDS <= len(words) <= _MOST_WORDS:
        return False
    if not _SENTENCE.fullmatch(sentence) or _CODE.search(sentence):
        return False
    plain = sum(1 for word in words if _PLAIN_WORD.fullmatch(word))
    return plain >= _PLAIN_SHARE * len(words)
