#!/usr/bin/env bash
# tokenizers 0.23.3: reading a tokenizer.json and writing it again moves scores by one unit in the last place.
#
# Guess: `Tokenizer.from_file(a).save(b)` writes the numbers that stood in `a`; both are doubles, and JSON's shortest form
# of a double reads back to the same double.
# What happens: a sixth of the scores of a Unigram vocabulary made here come out as the next double. The JSON parser
# (serde_json without `float_roundtrip`) rounds some decimal numbers to a neighbour; what is then written is exact.
# At fp32, where scores come from, they are the same.
# Source: this script; https://docs.rs/serde_json, feature `float_roundtrip`.
# Here: a backbone's fingerprint takes scores at fp32 (ltp/backbone/canonical_tokenizer.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check tokenizers==0.23.3 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - "$folder/tokenizer.json" <<'PY'
import json
import sys

import numpy as np
import tokenizers
from tokenizers import Tokenizer
from tokenizers.models import Unigram

path = sys.argv[1]
scores = [float(score) for score in np.random.default_rng(0).uniform(-15, -5, 10_000).astype(np.float32)]
Tokenizer(Unigram([(f"piece{number}", score) for number, score in enumerate(scores)], unk_id=0)).save(path)


def written() -> np.ndarray:
    with open(path, encoding="utf-8") as file:
        return np.array([score for _, score in json.load(file)["model"]["vocab"]])


first = written()
Tokenizer.from_file(path).save(path)
second = written()
moved = first != second
neighbours = np.abs(first - second) <= np.spacing(np.abs(first))
print("tokenizers", tokenizers.__version__)
print(f"written as given: {np.array_equal(first, scores)}")
print(f"moved by reading and writing: {moved.sum()} of {len(scores)}, e.g. {first[moved][0]!r} -> {second[moved][0]!r}")
print(f"all by one unit in the last place: {neighbours.all()}; the same at fp32: {np.array_equal(first.astype('f4'), second.astype('f4'))}")
if not moved.any() or not neighbours.all():
    raise SystemExit("changed: this is not what was found")
PY
