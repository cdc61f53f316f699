"""Where adapters are: fused (products ready), compact (values as stored, fused just in time), or cold (the source).

Fused and compact are each bounded by bytes; what is in use stays, the least recently used leaves. An adapter becomes
fused when it is used again and fits, or when its recent uses clearly outweigh those of each adapter that would have to
leave. Otherwise it answers from its compact form, which costs the fusing and evicts nothing: so the first answer comes
soonest, and traffic over more adapters than fit slows down by the share that is fused just in time, instead of adapters
evicting each other in turn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Literal

from ltp.adapter.artefact import Adapter
from ltp.engine.adapter_view import AdapterView
from ltp.engine.cache import ByteCache
from ltp.engine.compact import CompactAdapter
from ltp.engine.prefetch import Prefetcher
from ltp.engine.shared_weights import SharedWeights
from ltp.engine.usage import AdapterUse, Popularity, UseCallback
from ltp.errors import BackboneMismatch, CorruptArtifact
from ltp.ticket.mask import Ticket

AdapterSource = Callable[[Any], tuple[Adapter, Ticket | None]]
"""Fetches a published adapter, and the ticket it needs, by key; never called by two threads at once."""
AGAIN = 0.25
"""An adapter whose earlier uses weigh no more than this counts as used for the first time."""


class Tiers:
    """Adapters by key. One thread takes views; any thread may fetch ahead, drop or read the stats."""

    def __init__(
        self,
        shared: SharedWeights,
        source: AdapterSource,
        *,
        fused_bytes: int,
        compact_bytes: int,
        on_use: UseCallback | None = None,
    ) -> None:
        self._shared, self._source, self._on_use = shared, source, on_use
        self._fused: ByteCache[AdapterView] = ByteCache(fused_bytes)
        self._compact: ByteCache[CompactAdapter] = ByteCache(compact_bytes)
        self._popularity = Popularity()
        self._fetching = threading.Lock()
        self._ahead = Prefetcher(self._fetch_ahead)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._fused or key in self._compact

    @contextmanager
    def pinned(self, keys: Iterable[Hashable]) -> Iterator[tuple[list[Hashable], list[AdapterView]]]:
        """Pin the adapters of the first of `keys`, at least one, as many as the compact tier's bound allows.

        Raises:
            BackboneMismatch, DeltaDoesNotFitTicket, CorruptArtifact: one cannot be used. Whatever the source raises.
        """
        taken: list[Hashable] = []
        views: list[AdapterView] = []
        with ExitStack() as pins:
            for key in keys:
                taken.append(key)
                views.append(self._watched_view(key, pins))
                if self._compact.pinned_bytes >= self._compact.capacity:
                    break
            yield taken, views

    def _watched_view(self, key: Hashable, pins: ExitStack) -> AdapterView:
        """Take a view, and tell who wants to know what that took."""
        if self._on_use is None:
            return self._view(key, pins)
        began, was_fused, there = time.monotonic(), key in self._fused, key in self
        view = self._view(key, pins)
        fused = key in self._fused
        tier: Literal["fused", "compact"] = "fused" if fused else "compact"
        self._on_use(AdapterUse(key, tier, not there, fused and not was_fused, began, time.monotonic()))
        return view

    def _view(self, key: Hashable, pins: ExitStack) -> AdapterView:
        again = self._popularity.weight(key) > AGAIN
        self._popularity.count_use(key)
        ready = pins.enter_context(self._fused.pinned_if_there(key))
        if ready is not None:
            return ready
        with ExitStack() as pin:
            compact = pin.enter_context(self._compact.pinned(key, partial(self._fetch, key)))
            if again and self._fused.admits(compact.fused_nbytes, partial(self._popularity.outweighs, key)):
                fuse = partial(_fused, compact)
                return pins.enter_context(self._fused.pinned(key, fuse))
            if not again:
                self._fused.count_miss()
            pins.push(pin.pop_all())
            return compact.view

    def _fetch(self, key: Hashable) -> tuple[CompactAdapter, int]:
        with self._fetching:
            adapter, ticket = self._source(key)
        self._check_backbone(adapter, ticket)
        adapter.check(ticket, self._shared.backbone.shapes)
        compact = CompactAdapter(self._shared, adapter, ticket)
        return compact, compact.nbytes

    def _check_backbone(self, adapter: Adapter, ticket: Ticket | None) -> None:
        info = self._shared.backbone.info
        for artefact in (adapter, ticket):
            if artefact is not None and artefact.backbone != info.fingerprint:
                raise BackboneMismatch(artefact=artefact.backbone, backbone=info.fingerprint)
        if adapter.prompt.shape[1] != info.hidden:
            raise CorruptArtifact(f"the prompt is {tuple(adapter.prompt.shape)}; the backbone's hidden size differs")

    def prefetch(self, keys: Iterable[Hashable]) -> None:
        """Begin to bring the cold ones of `keys` into the compact tier; returns at once."""
        self._ahead.request([key for key in dict.fromkeys(keys) if key not in self])

    def _fetch_ahead(self, key: Hashable) -> None:
        if key not in self:
            with self._compact.pinned(key, partial(self._fetch, key)):
                pass

    def drop(self, key: Hashable) -> None:
        """Forget an adapter; a batch that uses it now keeps it."""
        self._ahead.cancel(key)
        self._compact.drop(key)
        self._fused.drop(key)

    def stats(self) -> dict[str, float]:
        """What each tier holds, with its hits and misses; `fused_` and `compact_` stand before the figure."""
        figures = {"fused": self._fused.stats(), "compact": self._compact.stats()}
        return {f"{tier}_{name}": float(value) for tier, held in figures.items() for name, value in held.items()}


def _fused(compact: CompactAdapter) -> tuple[AdapterView, int]:
    view = compact.fused()
    return view, view.nbytes
