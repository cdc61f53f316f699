"""What the benchmarks work on: backbones of real shapes, and real texts.

`base` has XLM-R base's architecture and random weights: only its speed and size count. `mini` is the embedded default.
Texts come from a data folder (`xnli/`, `wikitext2/`) when one is named, else from what the project itself carries.
"""

from __future__ import annotations

import random
from pathlib import Path

from app.settings import Settings
from ltp.text.demo_corpus import demo_sentences

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "bench"
BASE = {
    "vocab_size": 250002,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-5,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
"""config.json of FacebookAI/xlm-roberta-base at revision e73636d4f797."""
LANGUAGES = ("en", "es", "sw", "ur", "zh")


def mini() -> Path:
    """The embedded default, prepared."""
    from ltp.backbone.locate import resolve

    return resolve("mini", cache_dir=Settings().backbone_dir).directory


def base() -> Path:
    """XLM-R base's shapes with random weights and mini's tokenizer, which is XLM-R's; written once."""
    directory = BUILD / "base"
    if not (directory / "done").exists():
        import torch
        from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

        print("writing a backbone of XLM-R base's shapes", flush=True)
        torch.manual_seed(0)
        XLMRobertaForMaskedLM(XLMRobertaConfig(**BASE)).save_pretrained(directory, safe_serialization=True)
        (directory / "tokenizer.json").write_bytes((mini() / "tokenizer.json").read_bytes())
        (directory / "done").touch()
    return directory


def backbone(name: str) -> Path:
    """`mini` or `base`."""
    return {"mini": mini, "base": base}[name]()


def wikitext_sentences(folder: Path) -> list[str]:
    """Return WikiText-2's sentences: no titles, split where a full stop stands between spaces."""
    sentences = []
    for name in ("valid.txt", "test.txt"):
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            if (text := line.strip()) and not text.startswith("="):
                sentences += [part.strip(" .") + " ." for part in text.split(" . ") if len(part.split()) > 3]
    return sentences


def sentences(data: str | None) -> list[str]:
    """WikiText-2's sentences, or the shipped demo corpus."""
    return wikitext_sentences(Path(data) / "wikitext2") if data else list(demo_sentences())


def pairs(data: str | None, count: int, *, seed: int = 0) -> list[tuple[str, str, str]]:
    """Labelled pairs (premise, hypothesis, label), shuffled by seed: XNLI's in five languages, or the shipped ones."""
    from ltp.text.examples import read_examples

    if data:
        files = [Path(data) / "xnli" / f"test-{lang}.tsv" for lang in LANGUAGES]
    else:
        files = sorted((ROOT / "examples").glob("*-train.jsonl"))
    labelled = [(e.premise, e.hypothesis, str(e.label)) for file in files for e in read_examples(file)]
    random.Random(seed).shuffle(labelled)
    return (labelled * (1 + count // len(labelled)))[:count]
