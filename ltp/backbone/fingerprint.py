"""What a checkpoint's files hold, and the SHA-256 that names it. Imports no torch.

The fingerprint covers all that ids and logits follow from: the canonical parameters in fp32 (name, shape, bytes; by
code point of the names; an output embedding equal to the input's counts once), the numbers of `config.json` that no
shape shows, and the tokenizer by its meaning. How files order, name or lay out these does not matter, so a tied and an
untied copy of one model agree, and so does a copy that another program loaded and saved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ltp.backbone.architecture import (
    DECODER,
    DECODER_BIAS,
    LM_BIAS,
    WORD_EMBEDDINGS,
    Architecture,
    Shapes,
    expected_shapes,
    is_unused,
    name_in_file,
)
from ltp.backbone.canonical_tokenizer import meaning
from ltp.errors import BackboneIncomplete, CorruptArtifact
from ltp.tensorfile import CHUNK, Entry, Header, read_header

WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
RULE = 2
"""Raised when the same files get another fingerprint; one noted under another rule is computed again."""
FLOATS = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8"}


def weights_header(directory: Path) -> Header:
    """Read the header of `model.safetensors`.

    Raises:
        BackboneIncomplete: the file is missing, truncated, or a pickle is all there is.
    """
    path = directory / WEIGHTS
    if not path.is_file():
        raise BackboneIncomplete(f"{directory} holds no {WEIGHTS}{_cure(directory)}")
    try:
        return read_header(path)
    except CorruptArtifact as error:
        raise BackboneIncomplete(str(error)) from error


def _cure(directory: Path) -> str:
    """Say how weights in another form become those that are read."""
    saving = f"transformers' AutoModelForMaskedLM.from_pretrained({str(directory)!r}).save_pretrained(NEW_FOLDER"
    if (directory / f"{WEIGHTS}.index.json").is_file():
        return f", but parts of it; one file is needed: {saving}, max_shard_size='50GB')"
    pickles = sorted(file.name for pattern in ("*.bin", "*.pt", "*.ckpt") for file in directory.glob(pattern))
    return f"; {pickles[0]} is a pickle, which is never read: convert it to safetensors, {saving})" if pickles else ""


def parameter_shapes(directory: Path, arch: Architecture, header: Header) -> Shapes:
    """Check every tensor of the file against the configuration; return the canonical parameters, sorted by code point.

    Raises:
        BackboneIncomplete: naming the tensor that is missing, unknown, or of the wrong shape or dtype.
    """
    if arch.layers > len(header.entries):  # before a dictionary is built from a number in a file
        raise BackboneIncomplete(f"{WEIGHTS} has too few tensors for the {arch.layers} layers of config.json")
    shapes = expected_shapes(arch)
    aliases: Shapes = {DECODER: shapes[WORD_EMBEDDINGS], DECODER_BIAS: shapes[LM_BIAS]}
    for name, shape in (shapes | aliases).items():
        entry = header.entries.get(name)
        if entry is None and name in shapes and name_in_file(name, header.entries) == name:
            raise BackboneIncomplete(f"{WEIGHTS} has no tensor {name}")
        if entry is not None and (entry.shape != shape or entry.dtype not in FLOATS):
            raise BackboneIncomplete(f"{name} is {entry.dtype} of shape {entry.shape}; floats of {shape} are needed")
    for name in header.entries:
        if name not in shapes and name not in aliases and not is_unused(name):
            raise BackboneIncomplete(f"{WEIGHTS} has a tensor {name}, which XLM-R's masked language model has not")
    if _differ(directory, header, DECODER, WORD_EMBEDDINGS):
        shapes[DECODER] = aliases[DECODER]
    return dict(sorted(shapes.items()))


def _differ(directory: Path, header: Header, first: str, second: str) -> bool:
    """Tell whether a file holds two tensors of these names, with different values."""
    if first not in header.entries or second not in header.entries:
        return False
    pairs = zip(*(_blocks(directory, header.entries[name]) for name in (first, second)), strict=False)
    return any(not np.array_equal(one.view("<u4"), other.view("<u4")) for one, other in pairs)


def compute(directory: Path, arch: Architecture, header: Header, shapes: Shapes, *, chunk: int = CHUNK) -> str:
    """Hash the model of these `shapes` and the tokenizer, `chunk` bytes at a time; about a second a gigabyte.

    Raises:
        BackboneIncomplete: there is no tokenizer, or it cannot be read.
    """
    arithmetic = [RULE, arch.heads, arch.pad, arch.norm_epsilon, arch.activation]
    digest = hashlib.sha256(json.dumps(arithmetic, allow_nan=False).encode())
    for name in sorted(shapes):
        digest.update(json.dumps([name, list(shapes[name])], allow_nan=False).encode())
        for block in _blocks(directory, header.entries[name_in_file(name, header.entries)], chunk=chunk):
            digest.update(block.data.cast("B"))
    for part in meaning(directory / TOKENIZER):
        digest.update(part)
    return digest.hexdigest()


def _blocks(directory: Path, entry: Entry, *, chunk: int = CHUNK) -> Iterator[NDArray[np.float32]]:
    """Stream one tensor's values in fp32, equal counts a block whatever its dtype."""
    dtype = np.dtype(FLOATS[entry.dtype])
    count = (entry.stop - entry.start) // dtype.itemsize
    for start in range(0, count, chunk // 4):
        length = min(chunk // 4, count - start)
        raw = np.fromfile(directory / WEIGHTS, dtype, length, offset=entry.start + start * dtype.itemsize)
        yield (raw.astype("<u4") << 16).view("<f4") if entry.dtype == "BF16" else raw.astype("<f4", copy=False)
