#!/usr/bin/env bash
# transformers 5.23.0: AutoTokenizer of an XLM-R folder does not use tokenizer.json as it is: its normaliser is dropped.
#
# Guess: a folder with a `tokenizer.json` gives the tokenizer that the file describes, as in version 4, where
# `XLMRobertaTokenizerFast` keeps it.
# What happens: version 5 builds `XLMRobertaTokenizer` anew from the pieces and, if the normaliser is a precompiled table
# of characters, that table. Any other normaliser (NFKC, say) is gone without a word, and so are its effects on ids:
# "ﬁne" becomes <unk>. What `save_pretrained` then writes is another tokenizer. With `"tokenizer_class":
# "PreTrainedTokenizerFast"` in tokenizer_config.json the file is kept.
# Source: this script; transformers/models/xlm_roberta/tokenization_xlm_roberta.py.
# Here: tokenizer.json is read by `tokenizers` itself (ltp/backbone/load.py); docs/backbones.md says to copy the file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check transformers==5.23.0 tokenizers==0.23.3 2>/dev/null
"$folder/venv/bin/python" - "$folder" 2>/dev/null <<'PY'
import json
import sys
from pathlib import Path

import transformers
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from transformers import AutoTokenizer

folder = Path(sys.argv[1]) / "model"
folder.mkdir()
pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdefghijklmnopqrstuvwxyz", "<mask>"]
tokenizer = Tokenizer(Unigram([(piece, -float(number)) for number, piece in enumerate(pieces)], unk_id=3))
tokenizer.normalizer = normalizers.NFKC()
tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
tokenizer.save(str(folder / "tokenizer.json"))
(folder / "config.json").write_text('{"model_type": "xlm-roberta"}')
print("transformers", transformers.__version__)
own = tokenizer.encode("ﬁne", add_special_tokens=False).tokens
print("tokenizers itself:", own)
found = {}
for name in ("none", "XLMRobertaTokenizerFast", "PreTrainedTokenizerFast"):
    if name != "none":
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": name}))
    loaded = AutoTokenizer.from_pretrained(folder)
    loaded.save_pretrained(folder.with_name(name))
    saved = json.loads((folder.with_name(name) / "tokenizer.json").read_text())
    found[name] = loaded.tokenize("ﬁne")
    print(f"tokenizer_class {name}: {type(loaded).__name__}, {found[name]}, normalizer saved: {saved['normalizer']}")
if found["PreTrainedTokenizerFast"] != own or own in (found["none"], found["XLMRobertaTokenizerFast"]):
    print("changed: this is not what was found")
    raise SystemExit(1)
PY
