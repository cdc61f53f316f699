"""Asks this model with onnxruntime and tokenizers: `python answer.py "A premise." "A hypothesis."`."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

FOLDER = Path(__file__).resolve().parent
ASKING: dict[str, Any] = json.loads((FOLDER / "nli.json").read_text(encoding="utf-8"))
TOKENIZER = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
MODEL = onnxruntime.InferenceSession(str(FOLDER / "model.onnx"), providers=["CPUExecutionProvider"])


def plain(text: str) -> str:
    """Drop the marks that end a text, where the template has its own, and what would be read as a special token."""
    text = re.sub(ASKING["edges"], "", re.sub(ASKING["reserved"], "<unk>", text))
    if ASKING["final_marks"] is None:
        return text
    ending, dropped = ASKING["final_marks"]
    return re.sub(ending, lambda marks: re.sub(dropped, "", marks[0]), text)


def ids_of(premise: str, hypothesis: str) -> list[int]:
    """Put a pair into the template; of the longer text is kept what the model was trained with."""
    read = [TOKENIZER.encode(plain(text), add_special_tokens=False).ids for text in (premise, hypothesis)]
    kept = [len(ids) for ids in read]
    while sum(kept) > ASKING["room"]:
        kept[0 if kept[0] >= kept[1] else 1] -= 1
    before, between, after = ASKING["around"]
    return [*before, *read[0][: kept[0]], *between, *read[1][: kept[1]], *after]


def probabilities(premise: str, hypothesis: str) -> dict[str, float]:
    """Give each label's probability."""
    ids = np.array([ids_of(premise, hypothesis)], np.int64)
    (row,) = MODEL.run(["probabilities"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]
    return dict(zip(ASKING["labels"], row.tolist(), strict=True))


if __name__ == "__main__":
    print(json.dumps(probabilities(*sys.argv[1:3]), allow_nan=False))  # noqa: T201
