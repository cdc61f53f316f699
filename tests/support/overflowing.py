"""Adapters whose numbers are finite and whose answers are not: at once, or where one word occurs."""

from pathlib import Path

import torch

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.delta.delta import Delta

WORD = "dog"
NOTES = '{"lang": "en"}'


def sound(backbone: Backbone, *, seed: int = 0) -> Adapter:
    """A soft prompt alone, of usual size."""
    prompt = torch.randn(4, backbone.info.hidden, generator=torch.Generator().manual_seed(seed))
    return _adapter(backbone, prompt, Delta({}, {}, {}), method="pt")


def overflowing(backbone: Backbone, *, size: float = 3e38) -> Adapter:
    """A prompt of numbers that fp32 can just hold."""
    signs = torch.ones(4, backbone.info.hidden)
    signs[:, ::2] = -1
    return _adapter(backbone, signs * size, Delta({}, {}, {}), method="pt")


def overflowing_at_a_word(backbone: Backbone, *, exponent: int = -112) -> Adapter:
    """It answers as `sound` does, but for texts with `WORD`."""
    row = backbone.tokenizer.encode(WORD, add_special_tokens=False).ids
    values = torch.full((backbone.info.hidden,), 65504.0, dtype=torch.float16)
    values[::2] *= -1
    delta = Delta({WORD_EMBEDDINGS: values}, {WORD_EMBEDDINGS: exponent}, {WORD_EMBEDDINGS: torch.tensor(row)})
    return _adapter(backbone, sound(backbone).prompt, delta, method="sp")


def exported(adapter: Adapter, directory: Path) -> bytes:
    """The file that another service would have written."""
    path = directory / "exported.safetensors"
    adapter.save(path, notes=NOTES)
    return path.read_bytes()


def _adapter(backbone: Backbone, prompt: torch.Tensor, delta: Delta, *, method: str) -> Adapter:
    return Adapter(
        prompt=prompt,
        delta=delta,
        method=method,  # type: ignore[arg-type]
        strategy="tied" if delta.values else "decoupled",
        backbone=backbone.info.fingerprint,
        ticket_sha256=None,
        template=TemplateOptions(literal=False, max_length=64),
    )
