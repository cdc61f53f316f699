#!/usr/bin/env bash
# transformers 5.23.0: an untied XLM-R checkpoint that version 4.57.6 saved is read with an output bias of zeros.
#
# Guess: `save_pretrained` of version 4 and `from_pretrained` of version 5 are one format, so the model computes the same.
# What happens: in version 4 `lm_head.decoder.bias` is `lm_head.bias`, always, and is saved once, as `lm_head.bias`. In
# version 5 they are one only if `config.tie_word_embeddings` is true. Of an untied checkpoint of version 4 the decoder's
# bias, which the model computes with, is then missing: it is made anew, as zeros, and the trained one is loaded into a
# parameter that nothing reads. The load report says MISSING; a tied checkpoint is read right.
# Source: this script; `XLMRobertaLMHead` in both versions' modeling_xlm_roberta.py.
# Here: the output bias is the decoder's where the file has it, else `lm_head.bias` (ltp/backbone/architecture.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install -q --disable-pip-version-check "$@" 2>/dev/null; }
pip ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} torch==2.13.0
pip numpy safetensors==0.8.0
pip --target "$folder/four" transformers==4.57.6 'huggingface_hub<1'
pip --target "$folder/five" transformers==5.23.0
cat >"$folder/step.py" <<'PY'
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

transformers.logging.set_verbosity_error()
act, root = sys.argv[1], Path(sys.argv[2])
ids = torch.tensor([[0, 5, 9, 30, 2]])
for tied in (True, False):
    where = root / ("tied" if tied else "untied")
    if act == "save":
        torch.manual_seed(0)
        config = XLMRobertaConfig(
            vocab_size=97, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=20, type_vocab_size=1, pad_token_id=1, tie_word_embeddings=tied,
        )
        model = XLMRobertaForMaskedLM(config)
        torch.nn.init.normal_(model.lm_head.bias)
        model.eval().save_pretrained(where)
        torch.save(model(ids).logits.detach(), where / "logits.pt")
    model = XLMRobertaForMaskedLM.from_pretrained(where).eval()
    off = float((model(ids).logits.detach() - torch.load(where / "logits.pt")).abs().max())
    stored = [name for name in load_file(where / "model.safetensors") if name in ("lm_head.bias", "lm_head.decoder.bias")]
    zeros = not model.lm_head.decoder.bias.any()
    print(f"transformers {transformers.__version__}, {where.name}: logits {off:.3f} off, bias of zeros: {zeros}; file has {stored}")
    wrong = act == "read" and not tied
    if zeros != wrong or (off > 0.1) != wrong:
        raise SystemExit("changed: this is not what was found")
PY
PYTHONPATH="$folder/four" "$folder/venv/bin/python" "$folder/step.py" save "$folder" 2>&1 | grep -v -e "^$" -e Writing -e Loading
PYTHONPATH="$folder/five" "$folder/venv/bin/python" "$folder/step.py" read "$folder" 2>&1 | grep -v -e "^$" -e Writing -e Loading
