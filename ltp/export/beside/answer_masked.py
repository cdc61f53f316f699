"""Asks this model with transformers alone: `python answer.py "A premise." "A hypothesis."`, or `probabilities(...)`."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

FOLDER = Path(__file__).resolve().parent
ASKING: dict[str, Any] = json.loads((FOLDER / "nli.json").read_text(encoding="utf-8"))
TOKENIZER: Any = AutoTokenizer.from_pretrained(FOLDER)
MODEL: Any = AutoModelForMaskedLM.from_pretrained(FOLDER)


def plain(text: str) -> str:
    """Drop the marks that end a text, since the template has its own, and what would be read as a special token."""
    text = re.sub(ASKING["edges"], "", re.sub(ASKING["reserved"], "<unk>", text))
    if ASKING["final_marks"] is None:
        return text
    ending, dropped = ASKING["final_marks"]
    return re.sub(ending, lambda marks: re.sub(dropped, "", marks[0]), text)


def ids_of(premise: str, hypothesis: str) -> list[int]:
    """Put a pair into the template; of the longer text is kept what the model was trained with."""
    read = TOKENIZER([plain(text) for text in (premise, hypothesis)], add_special_tokens=False)["input_ids"]
    kept = [len(ids) for ids in read]
    while sum(kept) > ASKING["room"]:
        kept[0 if kept[0] >= kept[1] else 1] -= 1
    before, between, after = ASKING["around"]
    return [*before, *read[0][: kept[0]], *between, *read[1][: kept[1]], *after]


def probabilities(premise: str, hypothesis: str) -> dict[str, float]:
    """Give each label's probability: the logits of the labels' words alone, calibrated."""
    ids = torch.tensor([ids_of(premise, hypothesis)])
    with torch.inference_mode():
        words = MODEL(ids).logits[ids == TOKENIZER.mask_token_id][0]
    logits = words[ASKING["tokens"]] / ASKING["temperature"] + torch.tensor(ASKING["bias"])
    return dict(zip(ASKING["labels"], logits.softmax(0).tolist(), strict=True))


if __name__ == "__main__":
    print(json.dumps(probabilities(*sys.argv[1:3]), allow_nan=False))  # noqa: T201
