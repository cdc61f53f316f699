"""Tickets, changes and labelled pairs made up from a seed, for the tests of sparse training and serving."""

from math import prod

import numpy as np
import torch

from ltp.backbone.load import Backbone
from ltp.backbone.strategy import STRATEGIES, Strategy
from ltp.config import LABELS
from ltp.text.examples import Example
from ltp.ticket.mask import Ticket

NOUNS = ("dog", "cat", "horse", "bird", "man", "woman", "boy", "girl", "farmer", "teacher", "house", "road", "book")
CUES = ("water", "milk", "bread")
"""A word of the hypothesis that gives the label away, in the order of LABELS."""


def random_ticket(
    backbone: Backbone, ratio: float, *, seed: int = 0, strategy: Strategy = "decoupled", only: str = ""
) -> Ticket:
    """A ticket over the parameters whose names start with `only`, each active with probability `ratio`."""
    generator = np.random.default_rng(seed)
    shapes = STRATEGIES[strategy].selectable_shapes(backbone.shapes)
    bits = {name: generator.random(prod(shape)) < ratio for name, shape in shapes.items() if name.startswith(only)}
    masks = {name: np.packbits(active, bitorder="little") for name, active in bits.items() if active.any()}
    selectable = sum(len(active) for active in bits.values())
    return Ticket(masks, shapes, selectable, selectable, 0, strategy, backbone.info.fingerprint)


def empty_ticket(backbone: Backbone, *, strategy: Strategy = "decoupled") -> Ticket:
    """A ticket with nothing active: then only the prompt trains."""
    shapes = STRATEGIES[strategy].selectable_shapes(backbone.shapes)
    return Ticket({}, shapes, 0, 0, 0, strategy, backbone.info.fingerprint)


def random_changes(ticket: Ticket, *, seed: int = 0, size: float = 1e-2) -> dict[str, torch.Tensor]:
    """A change for every active parameter, N(0, size)."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(count, generator=generator) * size for name, count in sorted(ticket.counts.items())}


def pairs(count: int, *, seed: int, cue: bool = False) -> list[Example]:
    """Word salad with labels in turn: unrelated to the words, or given away by one word of the hypothesis."""
    generator = np.random.default_rng(seed)
    found = []
    for index in range(count):
        premise, hypothesis = (list(generator.choice(NOUNS, size)) for size in (5, 4))
        if cue:
            hypothesis.insert(int(generator.integers(5)), CUES[index % 3])
        found.append(Example(" ".join(premise), " ".join(hypothesis), LABELS[index % 3]))
    return found
