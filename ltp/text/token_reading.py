"""What a backbone's vocabulary makes of texts before anything is done with them: how much is unknown, what is too long.

Of more than MOST_COUNTED texts a uniform sample stands for all: a reading is to take seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ltp.errors import UnknownText
from ltp.text.examples.example import Pair
from ltp.text.examples.reading import Reading, Told, Unknown
from ltp.text.form import prepared
from ltp.text.sampling import sample_lines
from ltp.text.vocabulary import TokenCount, Vocabulary, unknown_warning

MOST_COUNTED = 20_000
"""Pairs, or lines of a corpus, whose tokens are counted."""
MEASURED = 1000
"""Pairs whose lengths are measured."""
WARNED_CUT = 0.02
"""From this share of cut pairs on people are warned."""


def count_tokens(reading: Reading, pairs: Iterable[Pair], vocabulary: Vocabulary, *, room: int) -> Reading:
    """Complete a reading of pairs; `room` is the most tokens of both texts that fit beside the template.

    Raises UnknownText where no word of them is known.
    """
    sample = sample_lines(((pair.premise, pair.hypothesis) for pair in pairs), MOST_COUNTED)
    cut = sum(_too_long(texts, vocabulary, room) for texts in sample)
    share = cut / len(sample) if sample else 0.0
    told = Told(f"{100 * share:.1f} % of the pairs are cut to fit the model", "truncated")
    warnings = [told] if share >= WARNED_CUT else []
    texts = [text for pair in sample for text in pair]
    counted = with_unknown(reading, texts, vocabulary, of="of the pairs")
    return replace(
        counted,
        tokens=_mean_tokens(sample, vocabulary),
        truncated=round(share * reading.read),
        warnings=[*warnings, *counted.warnings],
        notes=[*counted.notes, *sampled_note(len(sample), reading.read, "pairs")],
    )


def with_unknown(reading: Reading, texts: Sequence[str], vocabulary: Vocabulary, *, of: str) -> Reading:
    """Say how much of the texts the vocabulary does not have. Raises UnknownText where that is all of it."""
    counts = list(vocabulary.count_texts(texts))
    total = sum(counts, TokenCount())
    if total.is_unknown:
        raise UnknownText(vocabulary.unknown_characters(texts))
    unknown = Unknown(
        tokens_share=round(total.share, 6),
        texts_share=round(sum(count.unknown > 0 for count in counts) / max(len(counts), 1), 6),
        characters=vocabulary.unknown_characters(texts) if total.unknown else (),
    )
    warning = unknown_warning(total, vocabulary, texts, of=of)
    return replace(
        reading, unknown=unknown, warnings=[*reading.warnings, *([Told(warning, "unknown")] if warning else [])]
    )


def sampled_note(counted: int, whole: int, what: str) -> list[str]:
    """Say that a sample stands for all, where it does."""
    if counted >= whole:
        return []
    return [f"tokens were counted on {counted:,} of the {whole:,} {what}, drawn evenly"]


def token_lengths(texts: Sequence[str], vocabulary: Vocabulary) -> list[int]:
    """Count the tokens of each text, in the form in which the model gets it."""
    written = [prepared(text, vocabulary.text_form) for text in texts]
    return [len(encoding.ids) for encoding in vocabulary.tokenizer.encode_batch_fast(written, add_special_tokens=False)]


def _mean_tokens(pairs: Sequence[tuple[str, str]], vocabulary: Vocabulary) -> float | None:
    """Of both texts of a pair; of many, some that stand evenly among them tell it."""
    some = pairs[:: max(1, len(pairs) // MEASURED)]
    lengths = token_lengths([text for pair in some for text in pair], vocabulary)
    return round(sum(lengths) / len(some), 1) if some else None


def _too_long(texts: tuple[str, str], vocabulary: Vocabulary, room: int) -> bool:
    # a piece has a character at least, and the blank before the first word makes one more
    return sum(map(len, texts)) + len(texts) > room and sum(token_lengths(texts, vocabulary)) > room
