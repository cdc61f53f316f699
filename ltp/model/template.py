"""The template of 3.2, `<s> P . H ? <p1>..<pn> <mask> </s>`, and those of 4.3's methods, from texts to token ids.

Texts are prepared in the form that the adapter records (`ltp.text.form`). Then the sentences' own final punctuation
gives way to the template's `.` and `?` (`literal` keeps it, and so does a pair without a template). What does not fit
is cut from the end of the longer of P and H, never from the prompt or the mask. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ltp.config import TextForm
from ltp.errors import InvalidConfig
from ltp.model.methods import Form
from ltp.text.form import prepared
from ltp.text.normalised import shortened
from ltp.text.sentences import without_final_punctuation
from ltp.text.vocabulary import TokenCount, Vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from ltp.backbone.load import Backbone

CHARACTERS_A_TOKEN = 32
"""Twice what SentencePiece makes a piece of at most. A text so much longer than there is room for is cut before it is
tokenized, which else takes as long as its normal form is long; what is kept of it is the same."""
SOFT, MASK, END = "<p>", "<mask>", "</s>"
LAYOUTS: dict[Form, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "soft": ((".",), ("?", SOFT, MASK, END)),
    "discrete": ((".", "Question:"), ("?", "Answer:", MASK, ".", END)),
    "mixed": ((".", "Question:"), ("?", SOFT, "Answer:", MASK, ".", END)),
    "pair": ((END, END), (END,)),
}
"""What stands between P and H, and after them; `<s>` is before. A pair without `<mask>` is asked at its `<s>`."""


def least_tokens(form: Form, *, prompt_length: int, tokenizer: Tokenizer | None = None) -> int:
    """Count what the shortest pair needs in a form: one token of P and one of H besides the template.

    Without a tokenizer each word of the template is taken for one token, which is the least it can be.
    """
    pieces = [piece for part in LAYOUTS[form] for piece in part]
    return 1 + 1 + 1 + sum(_width(piece, prompt_length, tokenizer) for piece in pieces)  # <s>, P and H besides


def _width(piece: str, prompt_length: int, tokenizer: Tokenizer | None) -> int:
    if piece == SOFT:
        return prompt_length
    if piece in (MASK, END) or tokenizer is None:
        return 1
    return len(tokenizer.encode(piece, add_special_tokens=False).ids)


@dataclass(frozen=True)
class Encoded:
    """One pair in the template: `soft` places from `soft_from` on await the soft prompt, and `asked` gives the answer.

    Both count from the first token, 0; `asked` is the place of `<mask>`, or of `<s>` for a classification head.
    """

    ids: list[int]
    soft: int
    soft_from: int
    asked: int
    truncated: bool
    tokens: TokenCount
    """Of P and H as they are kept."""


class Template:
    """Puts pairs into a template of one form and prompt length; forms without soft tokens ignore the length.

    `room` is for how many tokens of premise and hypothesis together there is place.

    Raises:
        InvalidConfig: `max_length` exceeds the backbone's positions, or leaves no room for a word of either text.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        prompt_length: int,
        max_length: int,
        text_form: TextForm,
        literal: bool = False,
        form: Form = "soft",
    ) -> None:
        self._tokenizer, special = backbone.tokenizer, backbone.special
        self._text_form, self._literal = text_form, literal or form == "pair"
        self._pieces = {SOFT: [special.pad] * prompt_length, MASK: [special.mask], END: [special.eos]}
        between, after = LAYOUTS[form]
        self._soft = prompt_length if SOFT in after else 0
        self._start = [special.bos]
        self._middle, self._end = self._ids(between), self._ids(after)
        self._soft_from = len(self._ids(after[: after.index(SOFT)] if self._soft else after))
        self._asked = len(self._ids(after[: after.index(MASK)])) if MASK in after else None
        self._special, self._unknown = frozenset(special.ids()), special.unk
        self._vocabulary = Vocabulary(backbone.tokenizer, text_form)
        self.room = max_length - len(self._start) - len(self._middle) - len(self._end)
        self._longest = CHARACTERS_A_TOKEN * max(1, self.room)
        if max_length > backbone.info.max_positions:
            raise InvalidConfig("max_length", max_length, f"at most the backbone's {backbone.info.max_positions}")
        least = least_tokens(form, prompt_length=prompt_length, tokenizer=backbone.tokenizer)
        if max_length < least:
            raise InvalidConfig("max_length", max_length, f"at least {least} with this prompt")

    def encode(self, pairs: Sequence[tuple[str, str]]) -> list[Encoded]:
        """Tokenize (premise, hypothesis) pairs, in order. A special token written out in a text is read as `<unk>`."""
        whole = [self._written(text) for pair in pairs for text in pair]
        texts = [shortened(text, most=self._longest) for text in whole]
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = [self._plain(encoding.ids) for encoding in encodings]
        encoded = [self._assemble(premise, hypothesis) for premise, hypothesis in zip(ids[::2], ids[1::2], strict=True)]
        for place in {index // 2 for index, text in enumerate(texts) if len(text) < len(whole[index])}:
            encoded[place] = replace(encoded[place], truncated=True)
        return encoded

    def around(self, soft: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
        """Give the token ids before, between and after premise and hypothesis; `soft` are those of the soft prompt."""
        after = list(self._end)
        after[self._soft_from : self._soft_from + self._soft] = soft
        return list(self._start), list(self._middle), after

    def _written(self, text: str) -> str:
        """A text as it stands in the template. Marks are looked for in what the form makes of it."""
        text = prepared(text, self._text_form)
        return text if self._literal else without_final_punctuation(text)

    def _ids(self, pieces: Sequence[str]) -> list[int]:
        """Token ids of a part of the layout; each of its words has a space before it."""
        ids: list[int] = []
        for piece in pieces:
            known = self._pieces.get(piece)
            ids += self._tokenizer.encode(piece, add_special_tokens=False).ids if known is None else known
        return ids

    def _plain(self, ids: list[int]) -> list[int]:
        if self._special.isdisjoint(ids):
            return ids
        return [self._unknown if token in self._special else token for token in ids]

    def _assemble(self, premise: list[int], hypothesis: list[int]) -> Encoded:
        first, second = kept_lengths(len(premise), len(hypothesis), self.room)
        premise, hypothesis, whole = premise[:first], hypothesis[:second], len(premise) + len(hypothesis)
        ids = [*self._start, *premise, *self._middle, *hypothesis, *self._end]
        end = len(ids) - len(self._end)
        return Encoded(
            ids,
            soft=self._soft,
            soft_from=end + self._soft_from,
            asked=0 if self._asked is None else end + self._asked,
            truncated=first + second < whole,
            tokens=self._vocabulary.count([*premise, *hypothesis]),
        )


def kept_lengths(premise: int, hypothesis: int, room: int) -> tuple[int, int]:
    """Share `room` tokens as cutting the longer text one by one would; the premise gives way when they are equal."""
    if premise + hypothesis <= room:
        return premise, hypothesis
    if hypothesis <= room // 2:
        return room - hypothesis, hypothesis
    if premise <= room // 2:
        return premise, room - premise
    return room // 2, room - room // 2
