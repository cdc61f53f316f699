"""What is lost of examples on their way into tokens: ends of texts, and words that the vocabulary does not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ltp.model.template import Encoded
from ltp.text.examples import Example, texts_of
from ltp.text.examples.findings import PARTS
from ltp.text.vocabulary import TokenCount, Vocabulary, unknown_warning


def losses_of(
    parts: Mapping[str, tuple[Sequence[Encoded], Sequence[Example]]], vocabulary: Vocabulary
) -> dict[str, Any]:
    """Return what a report says of them: `tokens` in all, `truncated` pairs and `unknown` tokens by part, and
    `warnings` in words."""
    counts = {part: _total(encoded) for part, (encoded, _) in parts.items()}
    cut = {part: sum(pair.truncated for pair in encoded) for part, (encoded, _) in parts.items()}
    return {
        "tokens": {part: sum(len(pair.ids) for pair in encoded) for part, (encoded, _) in parts.items()},
        "truncated": cut,
        "unknown": {part: {"tokens": count.unknown, "share": round(count.share, 6)} for part, count in counts.items()},
        "warnings": list(_warnings(parts, counts, cut, vocabulary)),
    }


def _warnings(
    parts: Mapping[str, tuple[Sequence[Encoded], Sequence[Example]]],
    counts: Mapping[str, TokenCount],
    cut: Mapping[str, int],
    vocabulary: Vocabulary,
) -> Iterator[str]:
    for part, (_, examples) in parts.items():
        if cut[part]:
            yield f"{cut[part]:,} of the {PARTS[part]} examples are longer than max_length and were cut"
        of = f"of the {PARTS[part]} examples"
        if warning := unknown_warning(counts[part], vocabulary, texts_of(examples), of=of):
            yield warning


def _total(encoded: Sequence[Encoded]) -> TokenCount:
    return sum((pair.tokens for pair in encoded), TokenCount())
