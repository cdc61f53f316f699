"""What is lost of a corpus on its way into tokens: ends of lines, and words the vocabulary does not have. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ltp.drift.masking import Tokens
from ltp.text.vocabulary import TokenCount, Vocabulary, unknown_warning

if TYPE_CHECKING:
    from ltp.backbone.load import Backbone


def losses_of(tokens: Tokens, lines: Sequence[str], backbone: Backbone, *, max_length: int) -> dict[str, Any]:
    """Return what a drift's report says of them: `truncated` lines, `unknown` tokens, and `warnings` in words."""
    vocabulary = Vocabulary(backbone.tokenizer)
    count = _count(tokens, vocabulary, unknown=backbone.special.unk)
    warnings = [_cut(tokens, max_length), unknown_warning(count, vocabulary, lines, of="of the corpus")]
    return {
        "truncated": tokens.truncated,
        "unknown": {"tokens": count.unknown, "share": round(count.share, 6)},
        "warnings": [warning for warning in warnings if warning],
    }


def _count(tokens: Tokens, vocabulary: Vocabulary, *, unknown: int) -> TokenCount:
    times = np.bincount(np.concatenate([tokens.ids, tokens.left_out]))
    words = sum(int(times[token]) for token in np.flatnonzero(times) if vocabulary.carries(int(token)))
    return TokenCount(words, int(times[unknown]) if unknown < len(times) else 0)


def _cut(tokens: Tokens, max_length: int) -> str | None:
    if not tokens.truncated:
        return None
    lines = f"{tokens.truncated:,} of {len(tokens.lengths):,} lines of the corpus"
    return (
        f"{lines} are longer than {max_length} tokens (max_length) and were cut; write one sentence or paragraph a line"
    )
