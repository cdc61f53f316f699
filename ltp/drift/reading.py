"""A corpus on its way into tokens, and what is lost there: ends of lines, words the vocabulary lacks. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ltp.config import MLMConfig
from ltp.drift.tokens import Tokens, tokenize
from ltp.progress import Progress, ProgressCallback
from ltp.text.vocabulary import TokenCount, Vocabulary, unknown_warning

if TYPE_CHECKING:
    from ltp.backbone.load import Backbone


def read_corpus(
    backbone: Backbone, lines: Sequence[str], config: MLMConfig, report: ProgressCallback
) -> tuple[Tokens, dict[str, Any]]:
    """Return the tokens of the lines, and what a drift's report says of what was lost (`_losses_of`).

    Raises:
        CorpusError: fewer than two lines can be used.
        UnknownText: not one word of them is in the backbone's vocabulary.
    """
    vocabulary = Vocabulary(backbone.tokenizer, config.text_form)
    vocabulary.refuse_unknown(lines)
    tokens = tokenize(
        backbone.tokenizer,
        lines,
        special=backbone.special.ids(),
        pad=backbone.special.pad,
        max_length=min(config.max_length, backbone.info.max_positions),
        report=lambda done: report(Progress("tokenizing", done, len(lines))),
        text_form=config.text_form,
        long_lines=config.long_lines,
    )
    return tokens, _losses_of(tokens, lines, vocabulary, config)


def _losses_of(tokens: Tokens, lines: Sequence[str], vocabulary: Vocabulary, config: MLMConfig) -> dict[str, Any]:
    """Return what a drift's report says of them: how long lines were read, `unknown` tokens, `warnings` in words.

    `long_lines`: how many lines were `split`, the `examples` there are of all lines, and the `tokens_cut` off those
    that are `truncated`, with their `share` of all tokens.
    """
    count = _count(tokens, vocabulary)
    warnings = [_cut(tokens, config), unknown_warning(count, vocabulary, lines, of="of the corpus")]
    return {
        "truncated": tokens.truncated,
        "long_lines": {
            "split": tokens.split,
            "examples": len(tokens.lengths),
            "tokens_cut": tokens.cut,
            "share": round(_share_cut(tokens), 6),
        },
        "unknown": {"tokens": count.unknown, "share": round(count.share, 6)},
        "warnings": [warning for warning in warnings if warning],
    }


def _count(tokens: Tokens, vocabulary: Vocabulary) -> TokenCount:
    times = np.bincount(np.concatenate([tokens.ids, tokens.left_out]))
    known = np.flatnonzero(times)
    return sum((vocabulary.count([int(token)]).times(int(times[token])) for token in known), TokenCount())


def _share_cut(tokens: Tokens) -> float:
    return tokens.cut / (len(tokens.ids) + len(tokens.left_out) + tokens.cut)


def _cut(tokens: Tokens, config: MLMConfig) -> str | None:
    if not tokens.truncated:
        return None
    share = f"{tokens.cut:,} tokens ({100 * _share_cut(tokens):.1f} %) were left out"
    if config.long_lines == "split":
        return (
            f"{tokens.truncated:,} pieces of the corpus have no sentence end and no blank within {config.max_length} "
            f"tokens (max_length) and were cut: {share}"
        )
    lines = f"{tokens.truncated:,} of {len(tokens.lengths):,} lines of the corpus"
    return (
        f"{lines} are longer than {config.max_length} tokens (max_length) and were cut: {share}; write one sentence or "
        "paragraph a line, or have long_lines split"
    )
