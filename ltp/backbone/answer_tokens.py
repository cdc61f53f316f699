"""The tokens that a verbalizer's words are: one of the vocabulary's own pieces each (3.2). Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ltp.config import Label
from ltp.errors import VerbalizerNotSingleToken

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SPECIAL = ("<s>", "</s>", "<pad>", "<unk>", "<mask>")
BLANK = "▁"
"""What SentencePiece writes for a blank."""


def answer_tokens(tokenizer: Tokenizer, words: Mapping[Label, str]) -> list[int]:
    """Return the token of every label's word, in their order.

    Raises:
        VerbalizerNotSingleToken: naming the word that is several pieces, none, unknown or special, or two words that
            are the same token.
    """
    found: dict[int, str] = {}
    for label, word in words.items():
        named = f"{word!r} ({label})"
        token = _token(tokenizer, word, named)
        if token in found:
            raise VerbalizerNotSingleToken(f"{found[token]} and {named} are the same token; give every label its own")
        found[token] = named
    return list(found)


def _token(tokenizer: Tokenizer, word: str, named: str) -> int:
    encoding = tokenizer.encode(word, add_special_tokens=False)
    pieces = encoding.tokens
    shown = f" ({' '.join(pieces)})" if pieces else ""
    if tokenizer.token_to_id("<unk>") in encoding.ids:
        raise VerbalizerNotSingleToken(f"{named} is not in the backbone's vocabulary{shown}; choose a word that is")
    if len(pieces) != 1:
        raise VerbalizerNotSingleToken(
            f"{named} is {len(pieces)} pieces of the backbone's vocabulary{shown}; choose a word that is one"
        )
    if pieces[0] in SPECIAL or pieces[0] == BLANK:
        raise VerbalizerNotSingleToken(f"{named} is the piece {pieces[0]}, which is no word; choose one that is")
    return int(encoding.ids[0])
