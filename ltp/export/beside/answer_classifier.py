"""Asks this model with transformers alone: `python answer.py "A premise." "A hypothesis."`, or `probabilities(...)`."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from transformers import pipeline

FOLDER = Path(__file__).resolve().parent
ASKING: dict[str, Any] = json.loads((FOLDER / "nli.json").read_text(encoding="utf-8"))
CLASSIFY: Any = pipeline("text-classification", model=str(FOLDER), tokenizer=str(FOLDER))


def plain(text: str, edges: str) -> str:
    """Drop the blanks around a text, and what would be read as a special token."""
    return re.sub(edges, "", re.sub(ASKING["reserved"], "<unk>", text))


def fitting(*texts: str) -> list[str]:
    """Cut the longer of both texts to the tokens that the model was trained with."""
    of: list[list[int]] = []
    for text in texts:
        read = CLASSIFY.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        of.append([end for _, end in read["offset_mapping"]])
    kept = [len(ends) for ends in of]
    while sum(kept) > ASKING["room"]:
        kept[0 if kept[0] >= kept[1] else 1] -= 1
    parts = zip(texts, of, kept, strict=True)
    return [text if keep == len(ends) else text[: ends[keep - 1]] for text, ends, keep in parts]


def probabilities(premise: str, hypothesis: str) -> dict[str, float]:
    """Give each label's probability; the calibration is in the model's last layer."""
    premise, hypothesis = fitting(*map(plain, (premise, hypothesis), ASKING["edges"]))
    answers = CLASSIFY({"text": premise, "text_pair": hypothesis}, top_k=None)
    scores = {answer["label"]: answer["score"] for answer in answers}
    return {label: scores[label] for label in ASKING["labels"]}


if __name__ == "__main__":
    print(json.dumps(probabilities(*sys.argv[1:3]), allow_nan=False))  # noqa: T201
