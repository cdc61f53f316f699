"""One adapter as the forward pass sees it: what differs from the backbone, ready to use or ready to be fused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ltp.config import LABEL_SPACES, LabelSpace
from ltp.model.encoder import Overlay
from ltp.model.head import ClassHead, Module, WordHead
from ltp.model.template import Template

Product = Callable[[Tensor], Tensor]
"""Multiplies tokens (N, I) into (N, O)."""


class Rows(Protocol):
    """Rows of an embedding matrix that differ from the backbone's."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""

    def patch(self, ids: Tensor, vectors: Tensor) -> None:
        """Where `ids` (n,) name a row that differs, write it over the backbone's in `vectors` (n, H)."""


@dataclass(frozen=True)
class AdapterView:
    """What one adapter changes. The rest is the backbone's, and computed for a whole batch at once."""

    prompt: Tensor
    """(n, H), where the backbone is."""
    template: Template
    kind: str = ""
    """Equal for adapters that change the same products, which are laid side by side in a batch."""
    products: Mapping[str, Product] = field(default_factory=dict)
    """By unit."""
    norms: Mapping[str, Module] = field(default_factory=dict)
    embeddings: Mapping[str, Rows] = field(default_factory=dict)
    """By matrix."""
    head: WordHead | ClassHead | None = None
    """What makes the logits, where it is not the backbone's own with the words of the paper's verbalizer."""
    label_space: LabelSpace = "three_way"
    """Of the logits, which are in the order of its labels."""
    temperature: float = 1.0
    bias: Tensor | None = None
    """(K,), where the backbone is: the logits are divided by the temperature, and this is added; None: they stay."""
    nbytes: int = 0
    """What this adapter alone keeps in memory."""

    @property
    def classes(self) -> int:
        """K, the labels."""
        return len(LABEL_SPACES[self.label_space])


class ReadyRows:
    """Rows kept fused."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self.nbytes = overlay.rows.nbytes + overlay.values.nbytes

    def patch(self, ids: Tensor, vectors: Tensor) -> None:
        """See `Rows`."""
        if vectors.device.type == "cpu":
            hits, slots = among(self._overlay.rows, ids)
            vectors.index_copy_(0, hits, F.embedding(slots, self._overlay.values))
        else:
            overlay_all(self._overlay, ids, vectors)


def overlay_all(overlay: Overlay, ids: Tensor, vectors: Tensor) -> None:
    """Write over the rows of `vectors` (n, H) that `ids` (n,) name, without asking a device how many they are."""
    slots = torch.searchsorted(overlay.rows, ids).clamp_(max=len(overlay.rows) - 1)
    hit = (overlay.rows[slots] == ids)[:, None]
    vectors.copy_(torch.where(hit, F.embedding(slots, overlay.values), vectors))


def among(rows: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Find `ids` (n,) among ascending `rows` (R,), R > 0: the places in `ids` that are there, and their slots."""
    slots = torch.searchsorted(rows, ids).clamp_(max=len(rows) - 1)
    hits = (rows[slots] == ids).nonzero().squeeze(1)
    return hits, slots[hits]
