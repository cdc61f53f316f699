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


def plain(text: str, edges: str) -> str:
    """Drop the marks that end a text, where the template has its own, and what would be read as a special token."""
    text = re.sub(edges, "", re.sub(ASKING["reserved"], "<unk>", text))
    if ASKING["final_marks"] is None:
        return text
    ending, dropped = ASKING["final_marks"]
    return re.sub(ending, lambda marks: re.sub(dropped, "", marks[0]), text)


def fitting(*texts: str) -> list[str]:
    """Cut the longer of both texts to the tokens that the model was trained with."""
    of = [[end for _, end in TOKENIZER.encode(text, add_special_tokens=False).offsets] for text in texts]
    kept = [len(ends) for ends in of]
    while sum(kept) > ASKING["room"]:
        kept[0 if kept[0] >= kept[1] else 1] -= 1
    parts = zip(texts, of, kept, strict=True)
    return [text if keep == len(ends) else text[: ends[keep - 1]] for text, ends, keep in parts]


def probabilities(premise: str, hypothesis: str) -> dict[str, float]:
    """Give each label's probability."""
    premise, hypothesis = fitting(*map(plain, (premise, hypothesis), ASKING["edges"]))
    if ASKING["template"] is None:
        asked = TOKENIZER.encode(premise, hypothesis)
    else:
        asked = TOKENIZER.encode(ASKING["template"].format(premise=premise, hypothesis=hypothesis))
    ids = np.array([asked.ids])
    (row,) = MODEL.run(["probabilities"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]
    return dict(zip(ASKING["labels"], row.tolist(), strict=True))


if __name__ == "__main__":
    print(json.dumps(probabilities(*sys.argv[1:3]), allow_nan=False))  # noqa: T201
