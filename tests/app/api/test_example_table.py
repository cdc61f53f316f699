"""The pairs that an adapter was trained on as a file, wherever the stored chunks were cut."""

from __future__ import annotations

import csv
import io
import json

import pytest

from app.api.example_table import table
from app.registry.datasets import write_parts
from ltp.text.examples import Example

TRAIN = [Example('she said "no",\nand left', "ɓaƙi", "entailment", line=2), Example("b", "c", "neutral")]
SOURCE = [Example("d", "e", "contradiction", lang="sw")]
STORED = b"".join(write_parts({"train": TRAIN, "dev": [Example("f", "g", "neutral")], "test": []}, [SOURCE]))


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_every_pair_of_the_part_is_in_it_once(size: int) -> None:
    chunks = [STORED[start : start + size] for start in range(0, len(STORED), size)]
    text = b"".join(table(chunks, "train", "csv", with_lang=True)).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    expected = [(each.premise, each.hypothesis, each.label, each.lang or "") for each in [*TRAIN, *SOURCE]]
    assert [(row["premise"], row["hypothesis"], row["label"], row["lang"]) for row in rows] == expected
    lines = b"".join(table(chunks, "dev", "jsonl", with_lang=False)).decode().splitlines()
    assert [json.loads(line) for line in lines] == [{"premise": "f", "hypothesis": "g", "label": "neutral"}]
