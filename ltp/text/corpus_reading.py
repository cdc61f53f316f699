"""What is understood of unlabelled text before anything is trained on it: lines, what is too long, what is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from ltp.config import MLMConfig
from ltp.errors import CorpusError
from ltp.text.corpus import Corpus
from ltp.text.examples.reading import Reading
from ltp.text.form import prepared
from ltp.text.lines import TextFile
from ltp.text.sentences import windows
from ltp.text.token_reading import MOST_COUNTED, WARNED_CUT, sampled_note, token_lengths, with_unknown
from ltp.text.vocabulary import Vocabulary

SHOWN, SHOWN_CHARACTERS = 3, 200
SPECIAL = 2
"""Tokens around every line: `<s>` and `</s>`."""


def check_corpus(
    path: Path,
    *,
    vocabulary: Vocabulary | None,
    longest: int | None = None,
    max_length: int = MLMConfig().max_length,
) -> Reading:
    """Read a corpus through, and count. Raises CorpusError, and UnknownText where no word of it is known."""
    corpus = Corpus.from_file(path, longest=longest)
    lines = corpus.count
    source = TextFile(lambda: path.open("rb"), CorpusError)
    reading = Reading(
        format="text",
        encoding=source.encoding,
        compression=source.compression,
        rows=lines,
        read=lines,
        sample=[{"text": line[:SHOWN_CHARACTERS]} for line in islice(corpus, SHOWN)],
    )
    return reading if vocabulary is None else _with_tokens(reading, corpus, vocabulary, max_length)


def _with_tokens(reading: Reading, corpus: Corpus, vocabulary: Vocabulary, max_length: int) -> Reading:
    counted, room = corpus.lines(MOST_COUNTED), max_length - SPECIAL
    long = [line for line in counted if len(line) >= room and token_lengths([line], vocabulary)[0] > room]
    cut = sum(_is_cut(line, vocabulary, room) for line in long)
    notes = sampled_note(len(counted), reading.rows, "lines")
    warnings = []
    if long:
        share = f"{100 * len(long) / len(counted):.1f} % of the lines have more than {max_length} tokens"
        notes.append(f"{share} and are split, at the ends of sentences, into several examples")
    if cut / len(counted) >= WARNED_CUT:
        warnings.append(f"{100 * cut / len(counted):.1f} % of the lines hold words too long to be split, and are cut")
    told = with_unknown(replace(reading, warnings=warnings), counted, vocabulary, of="of the corpus")
    return replace(told, truncated=round(cut / len(counted) * reading.rows), notes=notes)


def _is_cut(line: str, vocabulary: Vocabulary, room: int) -> bool:
    def count(pieces: Sequence[str]) -> list[int]:
        return token_lengths(pieces, vocabulary)

    pieces = list(windows(prepared(line, vocabulary.text_form), room=room, count=count))
    return any(tokens > room for tokens in count(pieces))
