"""Pairs as a request has them, from what people have: tuples, dictionaries, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from ltp_client.errors import Error
from ltp_client.requests import AddressedPair, LabelledPair
from ltp_client.uploads import Source, Upload, is_source, upload

Pairs: TypeAlias = "Iterable[tuple[str, str] | AddressedPair]"
"""(premise, hypothesis), or a dictionary that may name the pair's own `lang` or `adapter` as well."""
Labelled: TypeAlias = "Source | Sequence[tuple[str, str, str | int] | LabelledPair]"
"""A file or table with labels, or (premise, hypothesis, label)."""
NAMES = ("premise", "hypothesis", "label")


def as_pairs(pairs: Iterable[Any], *, width: int) -> Iterator[dict[str, Any]]:
    """Pairs as a request has them; tuples of `width` values are named. Raises TypeError for anything else."""
    for number, pair in enumerate(pairs):
        if isinstance(pair, Mapping):
            yield dict(pair)
        elif isinstance(pair, tuple | list) and len(pair) == width:
            yield dict(zip(NAMES[:width], pair, strict=True))
        else:
            wanted = ", ".join(NAMES[:width])
            raise TypeError(f"pair {number} is {pair!r}; it must be ({wanted}), or a dictionary with these")


@contextmanager
def counted_from(first: int) -> Iterator[None]:
    """Around the request for a batch of pairs: have what is refused of it name the pair's place among all of them."""
    try:
        yield
    except Error as error:
        error.detail = _counted_from(first, error.detail)
        error.fields = [{**each, "path": _counted_from(first, each["path"])} for each in error.fields]
        raise


def _counted_from(first: int, text: str) -> str:
    return re.sub(r"\bpairs\.(\d+)", lambda found: f"pairs.{first + int(found[1])}", text)


def examples_of(given: Mapping[str, Labelled | None]) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Sets of labelled pairs by their part: what goes into the request itself, and what is uploaded."""
    there = {part: each for part, each in given.items() if each is not None}
    uploads = {part: upload(each, name=part) for part, each in there.items() if is_source(each)}  # type: ignore[arg-type]
    body = {part: list(as_pairs(each, width=3)) for part, each in there.items() if part not in uploads}  # type: ignore[arg-type]
    return body, uploads
