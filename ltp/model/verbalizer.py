"""What an adapter can answer: a label space, and the word predicted at `<mask>` for each of its labels (3.2).

Imports no torch.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ltp.config import LABEL_SPACES, VERBALIZER, Label, LabelSpace
from ltp.errors import InvalidConfig
from ltp.model.methods import METHODS, Method

LONGEST_WORD = 64
"""Characters; no vocabulary has a piece of as many."""


@dataclass(frozen=True)
class Verbalizer:
    """`words` are in the order of the space's labels; None under a classification head, which predicts no word."""

    label_space: LabelSpace = "three_way"
    words: tuple[str, ...] | None = tuple(VERBALIZER.values())

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels, in the order of classes."""
        return LABEL_SPACES[self.label_space]

    @property
    def by_label(self) -> dict[Label, str] | None:
        """Each label's word."""
        return None if self.words is None else dict(zip(self.labels, self.words, strict=True))


def verbalizer_of(
    method: Method, label_space: LabelSpace = "three_way", words: Mapping[Any, str] | None = None
) -> Verbalizer:
    """Return a method's verbalizer for a label space: its usual words, or other `words` by label.

    Words are composed (NFC), and blanks around them dropped. Whether each is one token is for `answer_tokens` to say.

    Raises:
        InvalidConfig: the method predicts no word, or there is not one word for exactly every label of the space.
    """
    usual, labels = METHODS[method].verbalizers, LABEL_SPACES[label_space]
    if words is None:
        return Verbalizer(label_space, None if usual is None else tuple(usual[label_space][label] for label in labels))
    if usual is None:
        raise InvalidConfig("verbalizer", dict(words), f"left out: method {method!r} has a head of its own, no words")
    if set(words) != set(labels):
        asked = f"a word for each of {', '.join(labels)}, which are the labels of {label_space}, and for no other"
        raise InvalidConfig("verbalizer", dict(words), asked)
    composed = {label: unicodedata.normalize("NFC", words[label]).strip() for label in labels}
    if bad := [label for label, word in composed.items() if not 0 < len(word) <= LONGEST_WORD]:
        raise InvalidConfig(
            "verbalizer", dict(words), f"words of 1 to {LONGEST_WORD} characters ({bad[0]} has none such)"
        )
    return Verbalizer(label_space, tuple(composed.values()))
