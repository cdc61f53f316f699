"""Lottery Ticket Prompt-learning: the method, and nothing else.

Torch in, tensors out. This package knows no database, HTTP, queue or environment variable. Importing it is cheap:
torch is imported by the modules that need it, never by `config`, `errors` or `text`. What one begins with is here by
its name (`ltp.train_adapter`), and is imported when it is asked for; docs/python.md has it in use.
"""

from importlib import import_module
from typing import Any

_PLACES = {
    "Adapter": "ltp.adapter.artefact",
    "AdapterConfig": "ltp.config",
    "Corpus": "ltp.text.corpus",
    "Drift": "ltp.drift.stored",
    "Engine": "ltp.engine.engine",
    "Example": "ltp.text.examples",
    "LTPError": "ltp.errors",
    "MLMConfig": "ltp.config",
    "PairRequest": "ltp.engine.pairs",
    "Ticket": "ltp.ticket.mask",
    "TicketConfig": "ltp.config",
    "load_backbone": "ltp.backbone.load",
    "read_examples": "ltp.text.examples",
    "resolve": "ltp.backbone.locate",
    "select": "ltp.ticket.selection",
    "split": "ltp.text.examples",
    "train_adapter": "ltp.adapter.train",
    "train_drift": "ltp.drift.train",
}
"""Where each of the names is."""
__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'ltp' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])
