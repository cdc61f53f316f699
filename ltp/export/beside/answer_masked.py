"""Asks this model with transformers alone: `python answer.py "A premise." "A hypothesis."`, or `probabilities(...)`."""

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

from transformers import pipeline

FOLDER = Path(__file__).resolve().parent
ASKING: dict[str, Any] = json.loads((FOLDER / "nli.json").read_text(encoding="utf-8"))
FILL: Any = pipeline("fill-mask", model=str(FOLDER), tokenizer=str(FOLDER))


def plain(text: str, edges: str) -> str:
    """Drop the marks that end a text, since the template has its own, and what would be read as a special token."""
    text = re.sub(edges, "", re.sub(ASKING["reserved"], "<unk>", text))
    if ASKING["final_marks"] is None:
        return text
    ending, dropped = ASKING["final_marks"]
    return re.sub(ending, lambda marks: re.sub(dropped, "", marks[0]), text)


def fitting(*texts: str) -> list[str]:
    """Cut the longer of both texts to the tokens that the model was trained with."""
    of: list[list[int]] = []
    for text in texts:
        read = FILL.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        of.append([end for _, end in read["offset_mapping"]])
    kept = [len(ends) for ends in of]
    while sum(kept) > ASKING["room"]:
        kept[0 if kept[0] >= kept[1] else 1] -= 1
    parts = zip(texts, of, kept, strict=True)
    return [text if keep == len(ends) else text[: ends[keep - 1]] for text, ends, keep in parts]


def probabilities(premise: str, hypothesis: str) -> dict[str, float]:
    """Give each label's probability: the scores of the labels' words alone, calibrated."""
    premise, hypothesis = fitting(*map(plain, (premise, hypothesis), ASKING["edges"]))
    asked = ASKING["template"].format(premise=premise, hypothesis=hypothesis)
    answers = FILL(asked, targets=ASKING["targets"], top_k=len(ASKING["targets"]))
    scores = {answer["token"]: math.log(max(answer["score"], sys.float_info.min)) for answer in answers}
    logits = [scores[token] / ASKING["temperature"] for token in ASKING["tokens"]]
    odds = [math.exp(logit + bias - max(logits)) for logit, bias in zip(logits, ASKING["bias"], strict=True)]
    return {label: each / sum(odds) for label, each in zip(ASKING["labels"], odds, strict=True)}


if __name__ == "__main__":
    print(json.dumps(probabilities(*sys.argv[1:3]), allow_nan=False))  # noqa: T201
