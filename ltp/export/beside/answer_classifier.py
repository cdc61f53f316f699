"""Asks this model with transformers alone: `python answer.py "A premise." "A hypothesis."`, or `probabilities(...)`."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

FOLDER = Path(__file__).resolve().parent
ASKING: dict[str, Any] = json.loads((FOLDER / "nli.json").read_text(encoding="utf-8"))
TOKENIZER: Any = AutoTokenizer.from_pretrained(FOLDER)
MODEL: Any = AutoModelForSequenceClassification.from_pretrained(FOLDER)


def plain(text: str) -> str:
    """Drop what would be read as a special token, and the blanks around a text."""
    return re.sub(ASKING["edges"], "", re.sub(ASKING["reserved"], "<unk>", text))


def ids_of(premise: str, hypothesis: str) -> list[int]:
    """Put a pair together; of the longer text is kept what the model was trained with."""
    read = TOKENIZER([plain(text) for text in (premise, hypothesis)], add_special_tokens=False)["input_ids"]
    kept = [len(ids) for ids in read]
    while sum(kept) > ASKING["room"]:
        kept[0 if kept[0] >= kept[1] else 1] -= 1
    before, between, after = ASKING["around"]
    return [*before, *read[0][: kept[0]], *between, *read[1][: kept[1]], *after]


def probabilities(premise: str, hypothesis: str) -> dict[str, float]:
    """Give each label's probability; the calibration is in the model's last layer."""
    with torch.inference_mode():
        logits = MODEL(torch.tensor([ids_of(premise, hypothesis)])).logits[0]
    return dict(zip(ASKING["labels"], logits.softmax(0).tolist(), strict=True))


if __name__ == "__main__":
    print(json.dumps(probabilities(*sys.argv[1:3]), allow_nan=False))  # noqa: T201
