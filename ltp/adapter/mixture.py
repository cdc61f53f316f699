"""Training on several sources at once: how often each one's examples are drawn in a pass, and which.

A source with n examples has a share of a pass proportional to weight x n^(1/T) (Arivazhagan et al. 2019): with T = 1 as
large as it is, with larger ones nearer to even. Its examples come round without a break between passes, each as often
as any other of the source. Nothing is kept from pass to pass, so a resumed run draws the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import floor
from typing import Any

import torch

from ltp.config import AdapterConfig
from ltp.errors import InvalidConfig
from ltp.training.seeds import step_seed

OWN = ""
"""The language of examples that name none."""


@dataclass(frozen=True)
class Mixture:
    """`members[lang]` are the indices of a source's examples; `quotas[lang]` how many of them a pass has."""

    members: dict[str, list[int]]
    weights: dict[str, float]
    temperature: float
    pairs: int
    """Examples of one pass."""

    @cached_property
    def quotas(self) -> dict[str, int]:
        """Whole numbers that add up to `pairs`, one at least for each source: by largest remainders."""
        rates = {
            lang: self.weights.get(lang, 1.0) * len(own) ** (1 / self.temperature) for lang, own in self.members.items()
        }
        exact = {lang: rate / sum(rates.values()) * self.pairs for lang, rate in rates.items()}
        quotas = {lang: max(1, floor(share)) for lang, share in exact.items()}
        by_remainder = sorted(exact, key=lambda lang: (floor(exact[lang]) - exact[lang], lang))
        for lang in by_remainder[: max(0, self.pairs - sum(quotas.values()))]:
            quotas[lang] += 1
        while sum(quotas.values()) > self.pairs:
            quotas[max(quotas, key=lambda lang: (quotas[lang], lang))] -= 1
        return quotas

    def drawn(self, epoch: int, *, seed: int, purpose: int) -> list[int]:
        """Indices of the examples of a pass, source after source."""
        return [
            own[place]
            for number, (lang, own) in enumerate(self.members.items())
            for place in _come_round(len(own), self.quotas[lang], epoch, path=(purpose, number), seed=seed)
        ]

    def facts(self) -> list[dict[str, Any]]:
        """What a report says of each source."""
        return [
            {
                "lang": lang or None,
                "pairs": len(own),
                "weight": self.weights.get(lang, 1.0),
                "pairs_a_pass": self.quotas[lang],
            }
            for lang, own in self.members.items()
        ]


def mixture_of(langs: Sequence[str], weights: Mapping[str, float], config: AdapterConfig) -> Mixture:
    """Mix the sources that examples of the languages `langs` are of; those without a weight have 1.

    Raises:
        InvalidConfig: a weight is not positive or is of no source, or a pass would be shorter than the number of them.
    """
    members: dict[str, list[int]] = {lang: [] for lang in sorted(set(langs))}
    for index, lang in enumerate(langs):
        members[lang].append(index)
    for lang, weight in weights.items():
        if lang not in members:
            raise InvalidConfig("source_weights", lang, f"a language of the examples: {', '.join(members)}")
        if not 0 < weight < float("inf"):
            raise InvalidConfig("source_weights", weight, "greater than 0")
    pairs = config.epoch_pairs or len(langs)
    if pairs < len(members):
        raise InvalidConfig("epoch_pairs", pairs, f"at least {len(members)}, one for each source")
    return Mixture(members, dict(weights), config.source_temperature, pairs)


def _come_round(size: int, quota: int, epoch: int, *, path: tuple[int, int], seed: int) -> list[int]:
    """Places epoch x quota to (epoch + 1) x quota of one permutation of a source after the other."""
    places: list[int] = []
    first, last = epoch * quota, (epoch + 1) * quota
    for turn in range(first // size, -(-last // size)):
        generator = torch.Generator().manual_seed(step_seed(seed, *path, turn))
        order = torch.randperm(size, generator=generator).tolist()
        places += order[max(0, first - turn * size) : last - turn * size]
    return places
