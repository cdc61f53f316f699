"""A two-layer XLM-R with random weights and a real Unigram vocabulary of a few hundred pieces, written as a folder."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

WORDS = """
right wrong maybe the a an of to and in is are was were on at it he she they we you i not no never always all
some none every man woman boy girl child children dog cat horse bird cow farmer teacher student doctor nurse
driver cook market house school road river field garden kitchen table chair door window water milk bread fruit
rice fish meat tea coffee book letter song story game ball car bus train boat bicycle red blue green black
white big small old young new hot cold happy sad angry tired sleeping eating drinking reading writing singing
running walking sitting standing playing working buying selling sees likes has had gave took made went came
bought sold ate drank read wrote sang ran walked sat stood played worked inside outside near far under over
with without before after today yesterday tomorrow morning evening night rain sun wind very two three many few
this that there here his her their its who what when where nothing something everyone nobody question answer
yes el la los las un una es en de que no hombre mujer casa perro agua libro nunca siempre todos mtu watu
nyumba mbwa maji kitabu kila hakuna sana ni na ya wa kwa
"""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
OTHERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,?!;:'\"()-áéíóúñü¿¡"


def tiny_tokenizer() -> Tokenizer:
    """XLM-R's layout: `<s> <pad> </s> <unk>`, pieces, `<mask>` last and swallowing the space before it."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces += [f"▁{word}" for word in dict.fromkeys(WORDS.split())]
    pieces += (
        ["▁.", "▁?", "▁"] + [*LETTERS, *OTHERS] + [f"▁{letter}" for letter in LETTERS if f"▁{letter}" not in pieces]
    )
    pieces += ["▁The", "▁A", "ing", "ed", "er", "es", "th", "<mask>"]
    scores = [0.0] * 4 + [-2.0 - math.log(rank + 1) * len(piece) ** -0.5 for rank, piece in enumerate(pieces[4:])]
    tokenizer = Tokenizer(Unigram(list(zip(pieces, scores, strict=True)), unk_id=3))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.add_special_tokens(
        [*(AddedToken(piece, special=True) for piece in pieces[:4]), AddedToken("<mask>", lstrip=True, special=True)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def write_tiny(
    directory: Path,
    *,
    seed: int = 0,
    layers: int = 2,
    hidden: int = 32,
    dropout: float = 0.1,
    spare_rows: int = 3,
    heads: int = 4,
    inner: int | None = None,
) -> Path:
    """Write a checkpoint folder (`config.json`, `model.safetensors`, `tokenizer.json`); all weights follow the seed."""
    tokenizer = tiny_tokenizer()
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size() + spare_rows,  # mini, too, has rows that are no piece
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=2 * hidden if inner is None else inner,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=1,
        initializer_range=0.1,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = XLMRobertaForMaskedLM(config)
        with torch.no_grad():
            for parameter in model.parameters():  # no bias is zero and no norm is one: a dropped term would show
                if parameter.dim() == 1:
                    parameter.add_(torch.randn_like(parameter) * 0.02)
    model.save_pretrained(directory, safe_serialization=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    return directory
