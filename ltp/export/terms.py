"""Under which terms what an exported model is made of may be used, where this project knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ltp.starter.making.card import TERMS as OF_STARTER


class Terms(NamedTuple):
    """`licence` is an identifier that hubs know, `sentence` is for people. Of `other` hubs want a name and a link."""

    licence: str | None
    sentence: str

    @property
    def licence_name(self) -> str | None:
        """What `other` is."""
        return "research-and-demonstration" if self.licence == OTHER else None

    @property
    def licence_link(self) -> str | None:
        """The narrowest of what `other` is made of."""
        return "https://creativecommons.org/licenses/by-nc/4.0/" if self.licence == OTHER else None


OTHER = "other"
MINI = Terms(
    OTHER,
    "The backbone `mini` is multilingual-e5-small (MIT) with an adaptation that was trained in part on XNLI's"
    " development sentences (CC BY-NC 4.0): for research and demonstration, not for commercial use.",
)
XLM_R = Terms("mit", "The backbone is XLM-R (MIT).")
UNKNOWN = Terms(None, "The terms of the backbone `{name}` are not known here: ask whoever published it.")
PAIRS = "The pairs that it was trained on are their owners'; whether a model of them may be passed on is theirs to say."
UNKNOWN_PAST = (
    "What it was begun from is not all known here, as it or one before it was imported or is deleted; where that goes"
    " back to a starter of LTP, it is for research and demonstration, not for commercial use: ask whoever made it."
)


def terms_of(backbone: str, about: Mapping[str, Any]) -> Terms:
    """Return the terms of a model on the backbone of this name.

    Of what is known of the adapter, `from_starter` says whether it goes back to a starter; without, that is not known.
    """
    first, started = _of_backbone(backbone), about.get("from_starter")
    past = {True: OF_STARTER, False: None, None: UNKNOWN_PAST}[started]
    licence = OTHER if started else first.licence if started is False or first.licence == OTHER else None
    return Terms(licence, " ".join(filter(None, (first.sentence, past, PAIRS))))


def _of_backbone(name: str) -> Terms:
    if name == "mini":
        return MINI
    if name.startswith("FacebookAI/xlm-roberta-"):
        return XLM_R
    return Terms(None, UNKNOWN.sentence.format(name=name))
