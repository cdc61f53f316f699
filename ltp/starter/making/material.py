"""The pairs that a starter is trained and checked on, and the sentences of its drift, drawn from a recipe's sources."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ltp.starter.making.recipe import Recipe, Source
from ltp.starter.making.sources import SourceRow, Sources
from ltp.text.examples import Example, texts_of
from ltp.text.sampling import sample_lines


@dataclass(frozen=True)
class Material:
    """Pairs of which no premise is on both sides, in whatever language."""

    train: tuple[SourceRow, ...]
    dev: tuple[SourceRow, ...]
    left_out: dict[str, int]
    """By source: rows whose premise occurs in sources that the starter must not have seen."""

    @property
    def lines(self) -> list[str]:
        """Each text of the training pairs once."""
        return list(dict.fromkeys(texts_of(self.examples("train"))))

    def examples(self, side: str) -> list[Example]:
        """The pairs of `train` or `dev`."""
        return [row.example for row in (self.train if side == "train" else self.dev)]

    def facts(self) -> list[dict[str, Any]]:
        """What was taken of each source: pairs, premises and languages of both sides."""
        return [
            {
                "source": name,
                "languages": sorted({str(row.example.lang) for row in self.train if row.source == name}),
                "train": sum(row.source == name for row in self.train),
                "dev": sum(row.source == name for row in self.dev),
                "premises": len({row.premise for row in (*self.train, *self.dev) if row.source == name}),
                "left_out": self.left_out[name],
            }
            for name in self.left_out
        ]


def draw(sources: Sources) -> Material:
    """Take what the recipe says, and nothing that stands in the sources it must not have seen, in whatever language.

    Raises:
        InvalidRecipe: a source is named that the recipe does not have, or nothing is left.
        UnsoundData: a file is missing or is not what it should be.
    """
    recipe = sources.recipe
    kept = recipe.without(recipe.without_rows_of)
    unseen = [source for source in recipe.sources if source.name in recipe.without_rows_of]
    barred = {premise for each in unseen for premise in sources.premises(each)}
    taken: list[SourceRow] = []
    left_out: dict[str, int] = {}
    for source in kept.sources:
        rows = sources.rows(source)
        left_out[source.name] = sum(row.premise in barred for each in rows.values() for row in each)
        clean = {lang: [row for row in each if row.premise not in barred] for lang, each in rows.items()}
        taken += _taken(source, clean, seed=recipe.seed)
    held_out = {row.premise for row in taken if _is_held_out(row.premise, recipe)}
    order = random.Random(recipe.seed)  # noqa: S311  repeatable, not secret
    order.shuffle(taken)
    return Material(
        train=tuple(row for row in taken if row.premise not in held_out),
        dev=tuple(row for row in taken if row.premise in held_out),
        left_out=left_out,
    )


def _taken(source: Source, rows: dict[str, list[SourceRow]], *, seed: int) -> Iterator[SourceRow]:
    """The rows of a source that the recipe takes, in the order of its files."""
    chosen = _languages_of_rows(source, rows, seed=seed)
    for language, each in rows.items():
        mine = each if chosen is None else [row for row in each if language in chosen[row.number]]
        yield from sample_lines(mine, source.rows, seed)


def _languages_of_rows(source: Source, rows: dict[str, list[SourceRow]], *, seed: int) -> dict[int, list[str]] | None:
    """In which languages each pair of a parallel source is taken; None for all."""
    if not source.parallel or source.languages_a_row is None:
        return None
    count = min(source.languages_a_row, len(source.languages))
    rng = random.Random(seed)  # noqa: S311
    numbers = sorted({row.number for each in rows.values() for row in each})
    return {number: rng.sample(source.languages, count) for number in numbers}


def _is_held_out(premise: str, recipe: Recipe) -> bool:
    """Whether a premise is of the development side: the same in every recipe with the seed, so also in one's start."""
    digest = hashlib.sha256(f"{recipe.seed}:{premise}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < recipe.dev_share * 2**64
