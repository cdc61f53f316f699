"""What is computed on: backbones of real shapes with random weights, made here, and texts of real lengths.

Nothing is downloaded. The vocabulary's pieces are made-up words, a token each, so that lengths are what they are asked
to be. `tiny` is for trying the program out.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

from ltp.backbone.architecture import DECODER, expected_shapes, read_architecture
from ltp.config import LABELS, VERBALIZER
from ltp.text.examples import Example

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
SHAPES = {
    "base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
    "large": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096},
    "tiny": {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 128},
}
"""XLM-R's, and one that a processor computes in no time."""
VOCABULARY = {"base": 250_002, "large": 250_002, "tiny": 2_000}
SENTENCE, PREMISE, HYPOTHESIS = (12, 48), (12, 40), (6, 20)
"""Fewest and most words, uniformly: about what Wikipedia's sentences and XNLI's pairs have in tokens."""
SPREAD = 0.02
"""Of the weights: a freshly initialised XLM-R's."""


@dataclass(frozen=True)
class Material:
    """A backbone's folder, and texts in its words."""

    folder: Path
    words: list[str]

    def sentences(self, count: int, *, seed: int = 0) -> list[str]:
        """Sentences for stage 1."""
        chance = random.Random(seed)
        return [self._text(chance, SENTENCE) for _ in range(count)]

    def pairs(self, count: int, *, seed: int = 0) -> list[Example]:
        """Labelled pairs."""
        chance = random.Random(seed)
        return [
            Example(self._text(chance, PREMISE), self._text(chance, HYPOTHESIS), LABELS[index % 3])
            for index in range(count)
        ]

    def _text(self, chance: random.Random, bounds: tuple[int, int]) -> str:
        return " ".join(chance.choices(self.words, k=chance.randint(*bounds)))


def material(name: str, folder: Path) -> Material:
    """Write the backbone `name` below `folder`, or find it there, with its texts' words."""
    size = VOCABULARY[name]
    words = [f"w{number}" for number in range(size - len(SPECIAL) - len(VERBALIZER) - 4)]
    directory = folder / name
    if not (directory / "done").exists():
        directory.mkdir(parents=True, exist_ok=True)
        _write(directory, SHAPES[name] | {"vocab_size": size}, words)
        (directory / "done").touch()
    return Material(directory, words)


def _write(directory: Path, shapes: dict[str, int], words: list[str]) -> None:
    configuration = {
        "model_type": "xlm-roberta",
        "architectures": ["XLMRobertaForMaskedLM"],
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-5,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
    }
    (directory / "config.json").write_text(json.dumps(configuration | shapes), encoding="utf-8")
    _tokenizer(words).save(str(directory / "tokenizer.json"))
    save_file(_weights(directory), directory / "model.safetensors", metadata={"format": "pt"})


def _weights(directory: Path) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    found = {}
    for name, shape in expected_shapes(read_architecture(directory)).items():
        if name != DECODER:
            weight = torch.empty(shape).normal_(0, SPREAD, generator=generator)
            found[name] = weight.add_(1) if "LayerNorm.weight" in name or "layer_norm.weight" in name else weight
    return found


def _tokenizer(words: list[str]) -> Tokenizer:
    pieces = [*SPECIAL, *(f"▁{word}" for word in [*VERBALIZER.values(), *words]), "▁.", "▁?", "▁", "<mask>"]
    scores = [0.0] * len(SPECIAL) + [-10.0] * (len(pieces) - len(SPECIAL))
    tokenizer = Tokenizer(Unigram(list(zip(pieces, scores, strict=True)), unk_id=SPECIAL.index("<unk>")))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    special = [*(AddedToken(piece, special=True) for piece in SPECIAL), AddedToken("<mask>", lstrip=True, special=True)]
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer
