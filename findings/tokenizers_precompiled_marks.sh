#!/usr/bin/env bash
# tokenizers 0.23.3: `normalizers.Precompiled`, XLM-R's own normaliser, drops marks that SentencePiece keeps.
#
# Guess: a `Precompiled` normaliser made of a SentencePiece model's `precompiled_charsmap` normalises as SentencePiece
# does, so canonically equivalent texts come out equal, or at least none loses a letter's marks.
# What happens: where a letter and two marks are one grapheme of up to five bytes and the map has an entry for the letter
# with the first mark, the entry replaces the whole grapheme: `o` + dot below + grave becomes `o with dot below`, the tone
# is gone. Three Yoruba words that differ in tone become one. SentencePiece itself keeps the grave.
# Source: this script; the map is SentencePiece's `nmt_nfkc`, which XLM-R's tokenizer.json carries.
# Here: texts are composed (NFC) before they are tokenized (ltp/text/form.py), and then nothing is lost.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check tokenizers==0.23.3 sentencepiece==0.2.1 protobuf==6.33.1 2>/dev/null
"$folder/venv/bin/python" - <<'PY'
import io
import unicodedata

import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2

print("tokenizers", tokenizers.__version__, "sentencepiece", sentencepiece.__version__)
written = io.BytesIO()
sentencepiece.SentencePieceTrainer.train(
    sentence_iterator=iter(["the dog runs in the house and the cat sleeps"] * 50),
    model_writer=written,
    vocab_size=30,
    normalization_rule_name="nmt_nfkc",
    hard_vocab_limit=False,
    minloglevel=2,
)
model = sentencepiece_model_pb2.ModelProto()
model.ParseFromString(written.getvalue())
precompiled = tokenizers.normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap)
own = sentencepiece.SentencePieceNormalizer(rule_name="nmt_nfkc")
tones = ["o\u0323ro\u0323", "o\u0323\u0300ro\u0323\u0300", "o\u0323\u0301ro\u0323\u0301"]  # one word in three tones
read = [precompiled.normalize_str(word) for word in tones]
for word, by_tokenizers in zip(tones, read):
    print(f"{word!a}: tokenizers {by_tokenizers!a}, sentencepiece {own.normalize(word)!a}")
if len(set(read)) != 1 or len({own.normalize(word) for word in tones}) != 3:
    raise SystemExit("changed: the tones are not lost any more")
composed = [precompiled.normalize_str(unicodedata.normalize("NFC", word)) for word in tones]
print("composed first:", [ascii(word) for word in composed])
if len(set(composed)) != 3:
    raise SystemExit("changed: composed texts lose their tones, too")
PY
