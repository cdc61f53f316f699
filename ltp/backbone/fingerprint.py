"""What a checkpoint's files hold, and the SHA-256 that names it. Imports no torch.

The fingerprint covers the untied canonical parameters in fp32 (name, shape, bytes; by code point of the names; an
output embedding equal to the input's counts once) and `tokenizer.json`. How the file orders or stores them does not
matter, so a tied and an untied copy of one model agree.
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
)
from ltp.errors import BackboneIncomplete, CorruptArtifact
from ltp.tensorfile import CHUNK, Entry, Header, read_header

WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
FLOATS = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8"}


def weights_header(directory: Path) -> Header:
    """Read the header of `model.safetensors`.

    Raises:
        BackboneIncomplete: the file is missing, truncated, or a pickle is all there is.
    """
    path = directory / WEIGHTS
    if not path.is_file():
        pickles = sorted(file.name for pattern in ("*.bin", "*.pt", "*.ckpt") for file in directory.glob(pattern))
        cure = f"; {pickles[0]} is a pickle, which is never read: convert it to safetensors" if pickles else ""
        raise BackboneIncomplete(f"{directory} holds no {WEIGHTS}{cure}")
    try:
        return read_header(path)
    except CorruptArtifact as error:
        raise BackboneIncomplete(str(error)) from error


def parameter_shapes(directory: Path, arch: Architecture, header: Header) -> Shapes:
    """Check every tensor of the file against the configuration; return the canonical parameters, sorted by code point.

    Raises:
        BackboneIncomplete: naming the tensor that is missing, unknown, or of the wrong shape or dtype.
    """
    if arch.layers > len(header.entries):  # before a dictionary is built from a number in a file
        raise BackboneIncomplete(f"{WEIGHTS} has too few tensors for the {arch.layers} layers of config.json")
    shapes = expected_shapes(arch)
    optional: Shapes = {DECODER: shapes[WORD_EMBEDDINGS], DECODER_BIAS: shapes[LM_BIAS]}
    for name, shape in (shapes | optional).items():
        entry = header.entries.get(name)
        if entry is None and name in shapes:
            raise BackboneIncomplete(f"{WEIGHTS} has no tensor {name}")
        if entry is not None and (entry.shape != shape or entry.dtype not in FLOATS):
            raise BackboneIncomplete(f"{name} is {entry.dtype} of shape {entry.shape}; floats of {shape} are needed")
    for name in header.entries:
        if name not in shapes and name not in optional and not is_unused(name):
            raise BackboneIncomplete(f"{WEIGHTS} has a tensor {name}, which XLM-R's masked language model has not")
    if _differ(directory, header, DECODER_BIAS, LM_BIAS):
        raise BackboneIncomplete(f"{DECODER_BIAS} differs from {LM_BIAS}; they are one parameter")
    if _differ(directory, header, DECODER, WORD_EMBEDDINGS):
        shapes[DECODER] = optional[DECODER]
    return dict(sorted(shapes.items()))


def _differ(directory: Path, header: Header, optional: str, name: str) -> bool:
    if optional not in header.entries:
        return False
    pairs = zip(_blocks(directory, header.entries[optional]), _blocks(directory, header.entries[name]), strict=False)
    return any(not np.array_equal(first.view("<u4"), second.view("<u4")) for first, second in pairs)


def compute(directory: Path, header: Header, shapes: Shapes, *, chunk: int = CHUNK) -> str:
    """Hash the parameters named by `shapes` and the tokenizer, `chunk` bytes at a time; about a second a gigabyte."""
    digest = hashlib.sha256()
    for name in sorted(shapes):
        digest.update(json.dumps([name, list(shapes[name])], allow_nan=False).encode())
        for block in _blocks(directory, header.entries[name], chunk=chunk):
            digest.update(block.data.cast("B"))
    path = directory / TOKENIZER
    if not path.is_file():
        raise BackboneIncomplete(f"{directory} holds no {TOKENIZER}")
    digest.update(path.read_bytes())
    return digest.hexdigest()


def _blocks(directory: Path, entry: Entry, *, chunk: int = CHUNK) -> Iterator[NDArray[np.float32]]:
    """Stream one tensor's values in fp32, equal counts a block whatever its dtype."""
    dtype = np.dtype(FLOATS[entry.dtype])
    count = (entry.stop - entry.start) // dtype.itemsize
    for start in range(0, count, chunk // 4):
        length = min(chunk // 4, count - start)
        raw = np.fromfile(directory / WEIGHTS, dtype, length, offset=entry.start + start * dtype.itemsize)
        yield (raw.astype("<u4") << 16).view("<f4") if entry.dtype == "BF16" else raw.astype("<f4", copy=False)
