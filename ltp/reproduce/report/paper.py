"""What the paper prints, from `paper.toml`, and averages of it over the languages that are being compared."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from importlib.resources import files
from math import fsum
from typing import Any

from ltp.errors import InvalidExperiment


@dataclass(frozen=True)
class PaperTable:
    """One table of the paper: accuracy in per cent by K, method and language; K is None in a row it quotes."""

    caption: str
    notes: tuple[str, ...]
    languages: tuple[str, ...]
    figures: dict[tuple[int | None, str], tuple[float, ...]]
    averages: dict[tuple[int | None, str], float]
    """As they are printed."""

    def figure(self, shots: int | None, method: str, language: str) -> float | None:
        """One printed figure; None where the paper has none."""
        row = self.figures.get((shots, method))
        return row[self.languages.index(language)] if row and language in self.languages else None

    def average(self, shots: int | None, method: str, languages: Collection[str]) -> float | None:
        """The mean of the printed figures of these languages; None where one of them is not printed."""
        figures = [self.figure(shots, method, language) for language in languages]
        known = [figure for figure in figures if figure is not None]
        return fsum(known) / len(known) if known and len(known) == len(figures) else None


@functools.cache
def source() -> str:
    """Which paper."""
    return str(_file()["source"])


@functools.cache
def table(name: str) -> PaperTable:
    """A table by its name. Raises InvalidExperiment when there is none."""
    content = _file()
    known = [key for key, value in content.items() if isinstance(value, dict) and "rows" in value]
    if name not in known:
        raise InvalidExperiment(f"the paper has no table {name!r}; it has {', '.join(known)}")
    rows = {(row.get("shots"), row["method"]): row for row in content[name]["rows"]}
    return PaperTable(
        caption=content[name]["caption"],
        notes=tuple(content[name]["notes"]),
        languages=tuple(content[name]["languages"]),
        figures={key: tuple(row["values"]) for key, row in rows.items()},
        averages={key: row["average"] for key, row in rows.items() if "average" in row},
    )


def embeddings_share(variant: str) -> float | None:
    """The embeddings' share of a ticket in per cent, as the paper prints it for two of them (5.3)."""
    share = _file()["figure3"]["embeddings"].get(variant)
    return None if share is None else float(share)


@functools.cache
def _file() -> dict[str, Any]:
    return tomllib.loads((files("ltp.reproduce") / "paper.toml").read_text("utf-8"))
