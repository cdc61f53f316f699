"""Which column holds what, by the names that data sets give them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

Role = Literal["premise", "hypothesis", "label", "lang", "adapter"]

TEXTS: tuple[Role, Role] = ("premise", "hypothesis")

NAMES: dict[Role, tuple[str, ...]] = {
    "premise": (
        "premise", "sentence1", "sent1", "text1", "texta", "context", "premisa", "premissa", "premisse",
    ),
    "hypothesis": (
        "hypothesis", "hypo", "hyp", "sentence2", "sent2", "text2", "textb", "hipotesis", "hipotese", "hypothese",
    ),
    "label": ("goldlabel", "label", "labels", "etiqueta", "rotulo", "etiquette"),
    "lang": ("lang",),
    "adapter": ("adapter",),
}  # fmt: skip
"""Accepted names, compared as `fold` leaves them; the earlier wins. `gold_label` comes before `label`, which in a file
that went through a model may be the model's. `language` is no `lang`: in AmericasNLI it describes the row, and a file
predicted with another language's adapter must not be routed by it."""


class AmbiguousColumns(ValueError):
    """Two columns carry the same name."""


def fold(name: str) -> str:
    """`Sentence 1`, `sentence_1` and `SENTENCE1` are one name, and accents do not count."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in plain if character.isalnum())


@lru_cache(maxsize=256)
def find_columns(names: tuple[str, ...]) -> Mapping[Role, int]:
    """The index in `names` for each role that has a column. Raises AmbiguousColumns."""
    folded = [fold(name) for name in names]
    columns: dict[Role, int] = {}
    for role, accepted in NAMES.items():
        for name in accepted:
            at = [index for index, candidate in enumerate(folded) if candidate == name]
            if len(at) > 1:
                raise AmbiguousColumns(f"two columns are named {names[at[1]]!r}; rename one of them")
            if at:
                columns[role] = at[0]
                break
    return MappingProxyType(columns)
