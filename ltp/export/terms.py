"""Under which terms what an exported model is made of may be used, where this project knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ltp.starter.making.card import TERMS as OF_STARTER


class Terms(NamedTuple):
    """`licence` is an identifier that hubs know, `sentence` is for people."""

    licence: str | None
    sentence: str


MINI = Terms(
    "other",
    "The backbone `mini` is multilingual-e5-small (MIT) with an adaptation that was trained in part on XNLI's"
    " development sentences (CC BY-NC 4.0): for research and demonstration, not for commercial use.",
)
XLM_R = Terms("mit", "The backbone is XLM-R (MIT).")
UNKNOWN = Terms(None, "The terms of the backbone `{name}` are not known here: ask whoever published it.")
PAIRS = "The pairs that it was trained on are their owners'; whether a model of them may be passed on is theirs to say."


def terms_of(backbone: str, about: Mapping[str, Any]) -> Terms:
    """Return the terms of a model on the backbone of this name; `about` is what is known of the adapter."""
    first = _of_backbone(backbone)
    sentences = [first.sentence, *([OF_STARTER] if _from_starter(about) else []), PAIRS]
    return Terms("other" if _from_starter(about) else first.licence, " ".join(sentences))


def _of_backbone(name: str) -> Terms:
    if name == "mini":
        return MINI
    if name.startswith("FacebookAI/xlm-roberta-"):
        return XLM_R
    return Terms(None, UNKNOWN.sentence.format(name=name))


def _from_starter(about: Mapping[str, Any]) -> bool:
    return about.get("origin") == "starter" or (about.get("start") or {}).get("lang") == "mul"
