"""The backbone in memory with adapters on top of it, answering batches that mix languages.

A batch is taken apart by adapter, and each part sorted by length into sub-batches of bounded size. Adapters are kept
twice: compact, as published, and fused, ready to answer; both within a bound of bytes. Adapters that changed nothing
but the prompt share the backbone's own weights and are answered together.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from ltp.adapter.artefact import Adapter
from ltp.backbone.load import Backbone
from ltp.classify import MAX_TOKENS, classify
from ltp.config import Precision
from ltp.encoder import Encoder
from ltp.engine.cache import ByteCache
from ltp.engine.prefetch import Prefetcher
from ltp.engine.resident import Fuser, Resident
from ltp.ticket import Ticket

Source = Callable[[str], tuple[Adapter, Ticket | None]]
"""Fetches a published adapter, and the ticket it needs, by key."""
FUSED_BYTES, COMPACT_BYTES = 1 << 30, 1 << 28


@dataclass(frozen=True)
class PairRequest:
    """One pair for one adapter; `key` is what the engine's source knows the adapter by."""

    key: str
    premise: str
    hypothesis: str


@dataclass(frozen=True)
class Prediction:
    """Probabilities in the order of LABELS; `truncated` when the pair did not fit and was cut."""

    probabilities: tuple[float, float, float]
    truncated: bool


class Engine:
    """Answers pairs with adapters that `source` fetches, one at a time.

    One thread predicts; any may prefetch, drop or ask for stats.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        source: Source,
        precision: Precision = "fp32",
        device: str = "cpu",
        fused_bytes: int = FUSED_BYTES,
        compact_bytes: int = COMPACT_BYTES,
        max_tokens: int = MAX_TOKENS,
    ) -> None:
        backbone = backbone.on(device)
        self._source, self._max_tokens, self._pad = source, max_tokens, backbone.special.pad
        self._encoder = Encoder(backbone, precision=precision)
        self._fuse = Fuser(backbone, precision=precision)
        self._fused: ByteCache[Resident] = ByteCache(fused_bytes)
        self._compact: ByteCache[tuple[Adapter, Ticket | None]] = ByteCache(compact_bytes)
        self._fetching = threading.Lock()
        self._ahead = Prefetcher(self._fetch_ahead)
        self._pairs = 0

    def predict(self, requests: Sequence[PairRequest]) -> list[Prediction]:
        """Answer every request, in order.

        Raises:
            BackboneMismatch, CorruptArtifact: an adapter cannot be used. Likewise whatever the source raises.
        """
        groups: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            groups.setdefault(request.key, []).append(index)
        answers: dict[int, Prediction] = {}
        bare: list[tuple[Resident, list[int]]] = []
        for key, indices in groups.items():
            with self._fused.pinned(key, partial(self._make, key)) as resident:
                if resident.weights is self._fuse.pristine:
                    bare.append((resident, indices))
                else:
                    answers |= self._answer([(resident, indices)], requests)
        if bare:
            answers |= self._answer(bare, requests)
        self._pairs += len(requests)
        return [answers[index] for index in range(len(requests))]

    def prefetch(self, keys: Iterable[str]) -> None:
        """Begin to fetch what is not in memory, in another thread, for requests that still queue; returns at once.

        What cannot be fetched is not told here: `predict` fetches it again, and raises what the source raises.
        """
        self._ahead.ask([key for key in dict.fromkeys(keys) if not self.holds(key)])

    def _fetch_ahead(self, key: str) -> None:
        if not self.holds(key):
            with self._compact.pinned(key, partial(self._fetch, key)):
                pass

    def _fetch(self, key: str) -> tuple[tuple[Adapter, Ticket | None], int]:
        with self._fetching:
            adapter, ticket = self._source(key)
        return (adapter, ticket), adapter.nbytes

    def _make(self, key: str) -> tuple[Resident, int]:
        with self._compact.pinned(key, partial(self._fetch, key)) as (adapter, ticket):
            resident = self._fuse(adapter, ticket)
        return resident, resident.nbytes

    def _answer(
        self, parts: Sequence[tuple[Resident, list[int]]], requests: Sequence[PairRequest]
    ) -> dict[int, Prediction]:
        """Answer requests of residents that share one object of weights."""
        order, encoded, prompts = [], [], []
        for resident, indices in parts:
            order += indices
            pairs = [(requests[index].premise, requests[index].hypothesis) for index in indices]
            encoded += resident.template.encode(pairs)
            prompts += [resident.prompt] * len(indices)
        logits = classify(
            self._encoder, parts[0][0].weights, encoded, prompts, pad=self._pad, max_tokens=self._max_tokens
        )
        rows = logits.softmax(1).tolist()
        return {
            index: Prediction((row[0], row[1], row[2]), example.truncated)
            for index, row, example in zip(order, rows, encoded, strict=True)
        }

    def drop(self, key: str) -> None:
        """Forget an adapter, e.g. because it was deleted; a batch that is being answered with it is not disturbed."""
        self._ahead.cancel(key)
        self._compact.drop(key)
        self._fused.drop(key)

    def holds(self, key: str) -> bool:
        """Tell whether an adapter is resident, fused or compact, so that its source is not needed."""
        return key in self._fused or key in self._compact

    def stats(self) -> dict[str, float]:
        """Pairs answered so far, and for both caches (`fused_`, `compact_`) what they hold and how they fared."""
        caches = {"fused": self._fused.stats(), "compact": self._compact.stats()}
        figures = {
            f"{name}_{figure}": float(value) for name, stats in caches.items() for figure, value in stats.items()
        }
        return {"pairs": float(self._pairs), **figures}
