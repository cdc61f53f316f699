#!/usr/bin/env bash
# transformers 5.23.0: of a SentencePiece vocabulary, `targets` of fill-mask are words or ends of words, as it happens.
#
# Guess: `pipeline("fill-mask")(text, targets=["right", "wrong"])` scores the words *right* and *wrong*.
# What happens: a target is first looked up in the vocabulary as it is written. XLM-R's writes a word with a mark before it,
# `▁right`, and has `right` as well, the piece that ends *copyright*: that one is scored, without a word. `wrong` is no piece;
# it is tokenized, `▁wrong` is scored, and a warning says so. So one list compares the end of a word with a word.
# In XLM-R's vocabulary `right`, `yes` and `no` are such pieces, `wrong` and `maybe` are not. `▁right` is what is meant.
# Source: this script; `FillMaskPipeline.get_target_ids` in transformers/pipelines/fill_mask.py.
# Here: the model card and the example of an export write targets as the vocabulary has them (ltp/export/asking.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check transformers==5.23.0 tokenizers==0.23.3 2>/dev/null
cd "$folder"
HOME="$folder" "$folder/venv/bin/python" - 2>/dev/null <<'PY'
from types import SimpleNamespace

import transformers
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import Unigram
from transformers import PreTrainedTokenizerFast
from transformers.pipelines.fill_mask import FillMaskPipeline

pieces = ["<unk>", "▁right", "right", "▁wrong", "▁copy", "▁", *"abcdefghijklmnopqrstuvwxyz"]
model = Tokenizer(Unigram([(piece, -float(number)) for number, piece in enumerate(pieces)], unk_id=0))
model.pre_tokenizer = pre_tokenizers.Metaspace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=model, unk_token="<unk>")
print("transformers", transformers.__version__)
print("the words in a text:", tokenizer.tokenize("right wrong copyright"))
asked = SimpleNamespace(tokenizer=tokenizer)  # all that this part of the pipeline looks at
found = {}
for target in ("right", "wrong", "▁right"):
    (number,) = FillMaskPipeline.get_target_ids(asked, [target])
    found[target] = tokenizer.convert_ids_to_tokens(int(number))
    print(f"target {target!r}: scored is {found[target]!r}")
if found != {"right": "right", "wrong": "▁wrong", "▁right": "▁right"}:
    raise SystemExit("changed: this is not what was found")
PY
