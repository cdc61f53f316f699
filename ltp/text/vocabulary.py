"""What a tokenizer does not know of a text: `<unk>` tokens counted, and the characters behind them. Imports no torch.

Counts are of the tokens that carry letters: an `<unk>`, or a piece with a letter in it. Points, digits and the blank
before a word are known whatever the script, and tell a model nothing about the text. Texts are prepared first, as they
are for the model (`ltp.text.form`): what is replaced by a known character is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ltp.config import TextForm
from ltp.errors import UnknownText
from ltp.text.form import NEWEST, prepared

if TYPE_CHECKING:
    from tokenizers import Tokenizer

UNKNOWN = "<unk>"
WARNED_SHARE = 0.02
"""From this share of unknown tokens on people are warned."""
LOOKED_AT, LONGEST = 1000, 1000
"""Texts, and characters of each, that are looked at for one known word, and for the characters that are not known."""
MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Tokens that carry letters, and how many of them are `<unk>`."""

    words: int = 0
    unknown: int = 0

    def __add__(self, other: TokenCount) -> TokenCount:
        """Count both."""
        return TokenCount(self.words + other.words, self.unknown + other.unknown)

    def times(self, number: int) -> TokenCount:
        """The same so many times."""
        return TokenCount(self.words * number, self.unknown * number)

    @property
    def share(self) -> float:
        """Unknown tokens, of all that carry letters."""
        return self.unknown / self.words if self.words else 0.0

    @property
    def is_unknown(self) -> bool:
        """Whether not one word is known; False where there is none."""
        return 0 < self.unknown == self.words


class Vocabulary:
    """One tokenizer's view of texts in one form. Threads may share it."""

    def __init__(self, tokenizer: Tokenizer, text_form: TextForm = NEWEST) -> None:
        self.tokenizer, self.text_form = tokenizer, text_form
        unknown = tokenizer.token_to_id(UNKNOWN)
        self._unknown = -1 if unknown is None else unknown
        self._carries = _Carries(tokenizer)

    @property
    def as_written(self) -> Vocabulary:
        """The same for texts as they are, which is how adapters of form 0 read them."""
        return Vocabulary(self.tokenizer, 0)

    def count(self, ids: Iterable[int]) -> TokenCount:
        """Count the tokens of a text."""
        ids = list(ids)
        return TokenCount(sum(map(self._carries.__getitem__, ids)), ids.count(self._unknown))

    def count_text(self, text: str) -> TokenCount:
        """Tokenize a text, and count."""
        return next(self.count_texts([text]))

    def count_texts(self, texts: Sequence[str]) -> Iterator[TokenCount]:
        """Tokenize texts, and count each."""
        written = [prepared(text, self.text_form) for text in texts]
        for encoding in self.tokenizer.encode_batch_fast(written, add_special_tokens=False):
            yield self.count(encoding.ids)

    def carries(self, token: int) -> bool:
        """Whether a token counts: an `<unk>`, or a piece with a letter in it."""
        return self._carries[token]

    def unknown_characters(self, texts: Iterable[str]) -> list[str]:
        """The characters behind the `<unk>` of (the first of) the texts, the commonest first."""
        found: Counter[str] = Counter()
        for beginning in _beginnings(texts):
            text = prepared(beginning, self.text_form)
            encoding = self.tokenizer.encode(text, add_special_tokens=False)
            for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
                if token == self._unknown:
                    found.update("".join(text[start:end].split()))
        return [character for character, _ in found.most_common(MOST_NAMED)]

    def refuse_unknown(self, texts: Iterable[str]) -> None:
        """Raise UnknownText unless a word of (the first of) the texts is known; texts without letters pass.

        Ends at the first word that is known, so it costs next to nothing for what is as it should be.
        """
        seen, unknown = TokenCount(), []
        for text in _beginnings(texts):
            seen += self.count_text(text)
            if seen.words > seen.unknown:
                return
            unknown.append(text)
        if seen.is_unknown:
            raise UnknownText(self.unknown_characters(unknown))


def _beginnings(texts: Iterable[str]) -> Iterator[str]:
    return (text[:LONGEST] for text in islice(texts, LOOKED_AT))


class _Carries(dict[int, bool]):
    """Whether a token carries letters, worked out when first asked: a vocabulary has up to 250,000 pieces."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self._tokenizer = tokenizer

    def __missing__(self, token: int) -> bool:
        piece = self._tokenizer.id_to_token(token) or ""
        self[token] = carries = piece == UNKNOWN or (not _is_special(piece) and any(map(str.isalpha, piece)))
        return carries


def _is_special(piece: str) -> bool:
    return piece.startswith("<") and piece.endswith(">")


class UnknownTally:
    """What a vocabulary does not have of a stream of texts: counted as they come, in bounded memory."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._kept: list[str] = []
        self.tokens = TokenCount()
        self.texts = self.texts_unknown = 0

    def add(self, texts: Iterable[str]) -> None:
        """Count texts."""
        source = iter(texts)
        while some := list(islice(source, LOOKED_AT)):
            for text, count in zip(some, self._vocabulary.count_texts(some), strict=True):
                self.tokens += count
                self.texts += 1
                self.texts_unknown += count.unknown > 0
                if count.unknown and len(self._kept) < LOOKED_AT:
                    self._kept.append(text[:LONGEST])

    @property
    def texts_share(self) -> float:
        """Texts with an `<unk>`, of all."""
        return self.texts_unknown / self.texts if self.texts else 0.0

    @property
    def characters(self) -> list[str]:
        """The characters behind the `<unk>` of the first texts that have any, the commonest first."""
        return self._vocabulary.unknown_characters(self._kept)

    def warning(self, *, of: str) -> str | None:
        """See `unknown_warning`."""
        return unknown_warning(self.tokens, self._vocabulary, self._kept, of=of)

    def as_dict(self) -> dict[str, Any]:
        """The shares and the characters, as JSON has them."""
        return {
            "tokens_share": round(self.tokens.share, 6),
            "texts_share": round(self.texts_share, 6),
            "characters": self.characters,
        }


def unknown_warning(count: TokenCount, vocabulary: Vocabulary, texts: Iterable[str], *, of: str) -> str | None:
    """A sentence about what is not known `of` something, with the characters; None below WARNED_SHARE."""
    if count.share < WARNED_SHARE:
        return None
    characters = vocabulary.unknown_characters(texts)
    named = f" ({' '.join(characters)})" if characters else ""
    share = f"{100 * count.share:.1f} % of the tokens {of}"
    return f"{share} are not in the backbone's vocabulary{named}: the model cannot tell such words apart"
