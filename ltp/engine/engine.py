"""The backbone in memory with adapters on top of it, answering batches that mix languages.

Requests are grouped by adapter and laid into batches of bounded size, several adapters in one; see `ltp.engine.tiers`
for where their weights are, and `ltp.engine.forward` for how they are computed together.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from math import ceil

import torch

from ltp.backbone.load import Backbone
from ltp.compute import masked_add
from ltp.compute.cuda.memory import room_for_adapters
from ltp.compute.threads import map_single_threaded
from ltp.config import ServingPrecision
from ltp.engine.adapter_view import AdapterView
from ltp.engine.answers import probabilities
from ltp.engine.forward import Forward
from ltp.engine.packing import UNEVEN_LANES, pack_mixed, split_into_batches, split_into_lanes
from ltp.engine.pairs import PairRequest, Prediction
from ltp.engine.row_counts import MOST
from ltp.engine.same_bits import DIVIDED
from ltp.engine.shared_weights import SharedWeights
from ltp.engine.tiers import AdapterSource, Tiers
from ltp.engine.usage import UseCallback
from ltp.errors import AdapterNotUsable
from ltp.model.classify import MAX_TOKENS
from ltp.model.template import Encoded, Template

FUSED_BYTES, COMPACT_BYTES = 1 << 30, 1 << 28
BLOCK = MOST
"""Tokens of a batch of one adapter: its rows stay in a core's cache from one product to the next, and more of them
would not be faster."""
MOST_UNUSABLE = 1024
"""Unusable adapters remembered, so that they are refused before they are computed; the oldest are forgotten."""
Part = tuple[AdapterView, list[int]]
"""An adapter, and the requests of a call that are for it."""
Answers = dict[int, Prediction]
"""By the request's place in the call."""
Compute = Callable[[Sequence[Part]], Answers]


class Engine:
    """Answers pairs with adapters that `source` fetches, one at a time.

    One thread predicts; any thread may prefetch, drop or read the stats. `max_tokens` bounds a batch, unless a single
    pair is longer; `fused_bytes` and `compact_bytes` bound what adapters keep in memory besides those in use. None is
    FUSED_BYTES, on a GPU a share of what is free there; of a compact adapter its values stay in the machine's memory.
    `on_use` is told of each adapter that a call uses.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        source: AdapterSource,
        precision: ServingPrecision = "fp32",
        device: str = "cpu",
        fused_bytes: int | None = None,
        compact_bytes: int = COMPACT_BYTES,
        max_tokens: int = MAX_TOKENS,
        on_use: UseCallback | None = None,
    ) -> None:
        backbone = backbone.on(device)
        self._max_tokens, self._pad = max_tokens, backbone.special.pad
        shared = SharedWeights(backbone, precision=precision)
        masked_add.compile_for(shared.dtype, shared.device)
        self._counts, self._any_threads = shared.counts, shared.any_threads
        self._forward = Forward(shared)
        if fused_bytes is None:
            fused_bytes = room_for_adapters(shared.device) if shared.device.type == "cuda" else FUSED_BYTES
        self._tiers = Tiers(shared, source, fused_bytes=fused_bytes, compact_bytes=compact_bytes, on_use=on_use)
        self._pairs = 0
        self._unusable: dict[Hashable, None] = {}

    @torch.inference_mode()
    def predict(self, requests: Sequence[PairRequest]) -> list[Prediction]:
        """Answer every request, in order.

        Raises:
            AdapterNotUsable: naming every adapter of which an answer is not finite, now or in an earlier call.
            BackboneMismatch, CorruptArtifact: an adapter cannot be used. Likewise whatever the source raises.
        """
        self.check_usable(request.key for request in requests)
        groups: dict[Hashable, list[int]] = {}
        for index, request in enumerate(requests):
            groups.setdefault(request.key, []).append(index)
        waiting = list(groups)
        answers: dict[int, Prediction] = {}
        while waiting:
            with self._tiers.pinned(waiting) as (keys, views):
                answers |= self._answer([(view, groups[key]) for key, view in zip(keys, views, strict=True)], requests)
            del waiting[: len(keys)]
        self._remember_unusable({requests[index].key for index, answer in answers.items() if not answer.finite})
        self._pairs += len(requests)
        return [answers[index] for index in range(len(requests))]

    def _answer(self, parts: Sequence[Part], requests: Sequence[PairRequest]) -> dict[int, Prediction]:
        encoded = _encode(parts, requests)
        sizes = {index: len(each.ids) for index, each in encoded.items()}
        parts = sorted(parts, key=lambda part: part[0].kind)  # those that change the same products side by side
        parts = [(view, sorted(some, key=sizes.__getitem__, reverse=True)) for view, some in parts]
        answers: dict[int, Prediction] = {}
        for piece in self._by_piece(parts, sizes, partial(self._compute, encoded=encoded)):
            answers |= piece
        return answers

    def _by_piece(self, parts: Sequence[Part], sizes: Mapping[int, int], compute: Compute) -> Iterable[Answers]:
        """Answer a call in pieces: on a device one by one, on the CPU side by side; a few tokens by all threads."""
        threads, tokens = torch.get_num_threads(), sum(sizes.values())
        if parts[0][0].prompt.device.type != "cpu":
            each = [[sizes[index] for index in some] for _, some in parts]
            for batch in split_into_batches(each, max_tokens=self._max_tokens):
                yield compute([(parts[part][0], parts[part][1][first:last]) for part, first, last in batch])
            return
        if len(parts) == 1 and tokens <= min(DIVIDED, self._max_tokens) and self._any_threads:
            yield compute(parts)
            return
        most = self._max_tokens if len(parts) > 1 else min(self._max_tokens, BLOCK)
        rounds = ceil(tokens * (1 + 2 / UNEVEN_LANES) / most / threads)
        lanes = split_into_lanes(parts, sizes.__getitem__, rounds * threads)
        yield from map_single_threaded(compute, lanes)  # products of few tokens fill no more than one core

    @torch.inference_mode()  # the mode holds for one thread only
    def _compute(self, parts: Sequence[Part], encoded: dict[int, Encoded]) -> dict[int, Prediction]:
        examples = [(view, [encoded[index] for index in some]) for view, some in parts]
        mixed = pack_mixed(examples, pad=self._pad, counts=self._counts)
        asked = [(view, index) for view, some in parts for index in some]
        rows = probabilities(self._forward(mixed), mixed.spans).tolist()
        return {
            index: Prediction(
                tuple(row[: view.classes]), encoded[index].truncated, encoded[index].tokens, view.label_space
            )
            for (view, index), row in zip(asked, rows, strict=True)
        }

    def prefetch(self, keys: Iterable[Hashable]) -> None:
        """Begin to fetch what is not in memory, in another thread, for requests that still queue; returns at once.

        A failure is not raised here: `predict` fetches again, and raises what the source raises.
        """
        self._tiers.prefetch(keys)

    def check_usable(self, keys: Iterable[Hashable]) -> None:
        """Refuse adapters that are known to compute what is not finite.

        Raises:
            AdapterNotUsable: naming them.
        """
        if bad := self._unusable.keys() & set(keys):
            raise AdapterNotUsable(bad)

    def _remember_unusable(self, keys: set[Hashable]) -> None:
        """Raise for adapters whose answers are not finite; those of the others in the call are right."""
        if not keys:
            return
        for key in keys:
            self._tiers.drop(key)
            self._unusable[key] = None
        for oldest in list(self._unusable)[: -MOST_UNUSABLE or None]:
            self._unusable.pop(oldest, None)
        raise AdapterNotUsable(keys)

    def drop(self, key: Hashable) -> None:
        """Forget an adapter, e.g. because it was deleted; a batch that is being answered keeps it."""
        self._unusable.pop(key, None)
        self._tiers.drop(key)

    def holds(self, key: Hashable) -> bool:
        """Tell whether an adapter is resident, fused or compact, so that its source is not needed."""
        return key in self._tiers

    def stats(self) -> dict[str, float]:
        """Pairs answered so far, and for both tiers (`fused_`, `compact_`) what they hold, their hits and their misses.

        Misses of `fused` were made fused or answered from the compact form; misses of `compact` were fetched.
        """
        return {"pairs": float(self._pairs), **self._tiers.stats()}


def _encode(parts: Sequence[Part], requests: Sequence[PairRequest]) -> dict[int, Encoded]:
    """Put every request into its adapter's template; adapters with the same one are encoded together."""
    templates: dict[int, tuple[Template, list[int]]] = {}
    for view, indices in parts:
        templates.setdefault(id(view.template), (view.template, []))[1].extend(indices)
    encoded: dict[int, Encoded] = {}
    for template, indices in templates.values():
        pairs = [(requests[index].premise, requests[index].hypothesis) for index in indices]
        encoded |= zip(indices, template.encode(pairs), strict=True)
    return encoded
