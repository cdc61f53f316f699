"""Where sentences end, in the scripts XLM-R was trained on and their neighbours; and long lines cut there. No torch."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, islice

WITHOUT_BLANK = frozenset("。．！？；｡﹒﹖﹗︒")
"""Chinese and Japanese, full and half width: the next sentence follows without a blank."""
TERMINALS = WITHOUT_BLANK | frozenset(
    ".?!;…‼‽⁇⁈⁉⸮"  # Latin, Cyrillic, and Greek, whose question mark is typed `;`
    "\u037e"  # the Greek question mark's own code point
    "؟۔؛؞܀܁܂"  # Arabic, Urdu, Syriac
    "।॥꣎꣏᱾᱿꫰꫱꯫"  # Devanagari and its relatives, Saurashtra, Ol Chiki, Meetei
    "։՞՜՛"  # Armenian
    "።፧፨"  # Ethiopic
    "။។៕༎།᠃᠉"  # Burmese, Khmer, Tibetan, Mongolian
)
"""What ends a sentence."""
_CLOSING = frozenset({"Pe", "Pf", "Pi", "Cf"})
"""Closing brackets, quotes of either direction (German closes with an opening one), invisible direction marks."""
_CLOSERS = frozenset("\"'`＂＇")
COUNTED = 256
"""Pieces of a line whose tokens are counted at a time."""
LONG_RUN = 32
"""Characters a token; a piece that is longer has too many tokens, and is not counted whole."""

Span = tuple[int, int]
"""A piece of a text, from its first character to that after its last."""
CountTokens = Callable[[Sequence[str]], list[int]]


def closes(mark: str) -> bool:
    """Whether it may stand between a sentence's final mark and its end: a closing quote or bracket."""
    return mark in _CLOSERS or unicodedata.category(mark) in _CLOSING


@cache
def closing_marks() -> str:
    """Every character of the basic plane that `closes`."""
    return "".join(filter(closes, map(chr, range(0x10000))))


def without_final_punctuation(text: str) -> str:
    """Drop the marks that end a sentence, also inside closing quotes and brackets, which stay.

    A text that is nothing but punctuation is left as it is.
    """
    end = len(text)
    while end and (text[end - 1] in TERMINALS or text[end - 1].isspace() or closes(text[end - 1])):
        end -= 1
    if not end:
        return text.strip()
    return text[:end].strip() + "".join(mark for mark in text[end:] if mark not in TERMINALS and not mark.isspace())


def windows(line: str, *, room: int, count: CountTokens) -> Iterator[str]:
    """Cut a line into pieces of at most `room` tokens, as few as whole sentences in their order allow.

    A longer sentence is cut at blanks; a run without blanks that is longer comes out too long, at most `LONG_RUN`
    characters a token of room at a time. Blanks where it is cut are dropped, and nothing else is.
    """
    first, end, used = 0, 0, 0
    for (start, stop), tokens in _fitting(line, _sentences(line), room, count):
        if used and used + tokens > room:
            yield line[first:end]
            used = 0
        if not used:
            first = start
        end, used = stop, used + tokens
    if used:
        yield line[first:end]


def _fitting(line: str, spans: Iterable[Span], room: int, count: CountTokens) -> Iterator[tuple[Span, int]]:
    """Spans with their tokens (at least 1); of a sentence with too many, its words."""
    source, most = iter(spans), LONG_RUN * room
    while some := list(islice(source, COUNTED)):
        counted = iter(count([line[start:stop] for start, stop in some if stop - start <= most]))
        for start, stop in some:
            tokens = next(counted) if stop - start <= most else room + 1
            words = _words(line, start, stop, most) if tokens > room else iter(())
            if (first := next(words, (start, stop))) != (start, stop):
                yield from _fitting(line, chain([first], words), room, count)
            else:
                yield (start, stop), max(tokens, 1)


def _sentences(line: str) -> Iterator[Span]:
    """The sentences, without the blanks around them."""
    start = 0
    for ending in _ends().finditer(line):
        yield from _trimmed(line, start, ending.end())
        start = ending.end()
    yield from _trimmed(line, start, len(line))


def _words(line: str, start: int, stop: int, most: int) -> Iterator[Span]:
    return (match.span() for match in re.compile(rf"\S{{1,{most}}}").finditer(line, start, stop))


def _trimmed(line: str, start: int, stop: int) -> Iterator[Span]:
    while start < stop and line[start].isspace():
        start += 1
    while start < stop and line[stop - 1].isspace():
        stop -= 1
    if start < stop:
        yield start, stop


@cache
def _ends() -> re.Pattern[str]:
    """A sentence's final marks with what closes it; a blank must follow, but in scripts that write none."""
    final, wide = ("[" + re.escape("".join(sorted(marks))) + "]" for marks in (TERMINALS, WITHOUT_BLANK))
    closing = re.escape(closing_marks())
    return re.compile(rf"{wide}+[{closing}]*|{final}+[{closing}]*(?=\s)")
