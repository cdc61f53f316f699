"""A file of unlabelled pairs to choose from: read row by row, of a large one a random sample kept."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from app.api.multipart import Part
from app.api.refusals import refusal, refusing
from app.api.schemas.reading_options import read_options
from app.api.schemas.suggestions import SuggestionRequest
from ltp.text.examples import PairFile
from ltp.text.vocabulary import Vocabulary


class PoolRow(NamedTuple):
    """A pair and where it stands."""

    line: int
    premise: str
    hypothesis: str


class PoolFile(NamedTuple):
    """What was read of a file: some of its rows in its order, and how many it has."""

    rows: list[PoolRow]
    pairs: int


def read_pool(
    part: Part, request: SuggestionRequest, *, most: int, longest: int, vocabulary: Vocabulary | None
) -> PoolFile:
    """Read every row, and keep at most `most`, each as likely as any other (reservoir sampling, by the seed).

    Raises:
        InvalidRequest: a row cannot be read, or there is none, or the vocabulary has none of the words.
    """
    generator = np.random.default_rng(request.seed)
    kept: list[PoolRow] = []
    count = 0
    with refusing(part.name):
        options = read_options(request, lang=None)
        for count, pair in enumerate(PairFile(part.path, filename=part.filename, options=options, longest=longest), 1):
            row = PoolRow(pair.line, pair.premise, pair.hypothesis)
            if len(kept) < most:
                kept.append(row)
            elif (place := int(generator.integers(count))) < most:
                kept[place] = row
        if vocabulary is not None and kept:
            vocabulary.refuse_unknown(text for row in kept for text in (row.premise, row.hypothesis))
    if not kept:
        raise refusal(part.name, "the file holds no pairs")
    return PoolFile(sorted(kept), count)
