"""Adapters of every method, strategy, scope, label space and calibration: random values, three layers."""

from __future__ import annotations

import dataclasses
from math import prod
from typing import Any

import torch
from support.synthetic import random_changes, random_ticket

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.architecture import BY_ROWS, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.calibration import Calibration
from ltp.config import LabelSpace
from ltp.delta.delta import Delta, DeltaDtype, encode, encode_dense
from ltp.model.head import Classifier
from ltp.model.methods import METHODS, Method
from ltp.model.verbalizer import Verbalizer, verbalizer_of
from ltp.ticket.mask import Ticket

Library = dict[str, tuple[Adapter, Ticket | None]]
LAYERS = 3
DENSE: tuple[Method, ...] = ("ft", "dp", "sp", "mp")
OWN: dict[LabelSpace, dict[str, str]] = {
    "three_way": {"contradiction": "cat", "entailment": "dog", "neutral": "bird"},
    "two_way": {"not_entailment": "nothing", "entailment": "right"},
}
CALIBRATIONS: dict[LabelSpace, Calibration] = {
    "three_way": Calibration(2.5, (0.75, -0.25, -0.5)),
    "two_way": Calibration(0.4, (-1.5, 1.5)),
}


def every_adapter(backbone: Backbone) -> Library:
    """Adapters of every scope and strategy, one whose ticket changed nothing, two of a prompt alone, and dense ones.

    Then some of them again with two labels, with words of their own, or calibrated.
    """
    layer = "roberta.encoder.layer."
    tickets: dict[str, Ticket | None] = {
        "all": random_ticket(backbone, 0.3),
        "lower": random_ticket(backbone, 0.3, only=f"{layer}0."),
        "middle": random_ticket(backbone, 0.3, only=f"{layer}1."),
        "upper": random_ticket(backbone, 0.3, only=f"{layer}2."),
        "query alone": random_ticket(backbone, 0.5, only=f"{layer}1.attention.self.query.weight"),
        "words alone": random_ticket(backbone, 0.5, only="roberta.embeddings.word"),
        "tied": random_ticket(backbone, 0.3, strategy="tied"),
        "frozen": random_ticket(backbone, 0.3, strategy="frozen_embeddings"),
        "nothing": random_ticket(backbone, 0.3, seed=5),
        "pt": None,
        "pt of two": None,
    }
    found: Library = {}
    for seed, (key, ticket) in enumerate(tickets.items()):
        found[key] = _adapter(backbone, key, ticket, seed), ticket
    for seed, method in enumerate(DENSE, start=len(tickets)):
        found[method] = _dense(backbone, method, seed), None
    for number, key in enumerate(("all", "tied", "nothing", "pt", *DENSE)):
        adapter, ticket = found[key]
        found[f"{key}, two-way"] = _answering(adapter, verbalizer_of(adapter.method, "two_way"), seed=number), ticket
        if METHODS[adapter.method].words:
            for space, words in OWN.items():
                own = verbalizer_of(adapter.method, space, words)
                found[f"{key}, {space} with own words"] = _answering(adapter, own, seed=number), ticket
    for key in ("all", "pt", "ft", "nothing, two-way"):
        adapter, ticket = found[key]
        calibration = CALIBRATIONS[adapter.verbalizer.label_space]
        found[f"{key}, calibrated"] = dataclasses.replace(adapter, calibration=calibration), ticket
    return found


def adapter_on(backbone: Backbone, method: Method = "pt", **fields: Any) -> Adapter:
    """One of a method, with a prompt at most and no values; `fields` are those of `Adapter`."""
    written: dict[str, Any] = {
        "prompt": torch.randn(4 if METHODS[method].soft else 0, backbone.info.hidden),
        "delta": Delta({}, {}, {}),
        "strategy": "decoupled",
        "backbone": backbone.info.fingerprint,
        "ticket_sha256": None,
        "template": TemplateOptions(literal=False, max_length=48),
    }
    return Adapter(method=method, **(written | fields))


def _answering(adapter: Adapter, verbalizer: Verbalizer, *, seed: int) -> Adapter:
    hidden, classes = adapter.prompt.shape[1], len(verbalizer.labels)
    head = dict(Classifier(hidden, classes=classes, seed=seed).state_dict()) if adapter.head else {}
    return dataclasses.replace(adapter, head=head, chosen=verbalizer)


def _dense(backbone: Backbone, method: Method, seed: int) -> Adapter:
    """Every parameter moves, of word embeddings and biases those of some rows."""
    recipe, hidden, generator = METHODS[method], backbone.info.hidden, _seeded(seed)
    shapes = {name: shape for name, shape in backbone.shapes.items() if name in BY_ROWS}
    rows = {name: torch.arange(min(seed % 3, shape[0] - 1), shape[0], 3) for name, shape in shapes.items()}
    kept = {name: (len(rows[name]), *shape[1:]) if name in rows else shape for name, shape in backbone.shapes.items()}
    changes = {name: 0.05 * torch.randn(prod(shape), generator=generator) for name, shape in kept.items()}
    return Adapter(
        prompt=torch.randn(4 if recipe.soft else 0, hidden, generator=generator),
        delta=encode_dense(changes, rows, dtype=_stored(seed)),
        method=method,
        strategy="decoupled" if recipe.words is None else "tied",
        backbone=backbone.info.fingerprint,
        ticket_sha256=None,
        template=TemplateOptions(literal=False, max_length=48),
        head={} if recipe.words else dict(Classifier(hidden, classes=3, seed=seed).state_dict()),
    )


def _adapter(backbone: Backbone, key: str, ticket: Ticket | None, seed: int) -> Adapter:
    changes = random_changes(ticket, seed=seed, size=0.0 if key == "nothing" else 0.05) if ticket else {}
    if WORD_EMBEDDINGS in changes:
        changes[WORD_EMBEDDINGS][seed::3] = 0
        changes[WORD_EMBEDDINGS][: len(changes[WORD_EMBEDDINGS]) // 3] = 0  # whole rows that did not move
    return Adapter(
        prompt=torch.randn(2 if key == "pt of two" else 4, backbone.info.hidden, generator=_seeded(seed)),
        delta=encode(changes, ticket, dtype=_stored(seed)) if ticket else Delta({}, {}, {}),
        method="ltp" if ticket else "pt",
        strategy=ticket.strategy if ticket else "decoupled",
        backbone=backbone.info.fingerprint,
        ticket_sha256=ticket.sha256 if ticket else None,
        template=TemplateOptions(literal=seed % 2 == 0, max_length=48),
        text_form=1 if seed % 3 else 0,
    )


def _stored(seed: int) -> DeltaDtype:
    return "int8" if seed % 2 else "fp16"


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
