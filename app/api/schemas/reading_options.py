"""How a file of pairs is to be read, where its own names and spellings do not say it: columns, labels, languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

from pydantic import AfterValidator, ConfigDict, Field

from app.api.schemas.scalars import Request
from app.registry.language_tags import same_language
from ltp.config import Label
from ltp.errors import InvalidConfig
from ltp.text.columns import Role
from ltp.text.examples import Conflicts, ReadOptions, parse_labels_option

MOST_SPELLINGS = 1_000
"""Labels that may be told; sets in use have a dozen."""
LONGEST_NAME = 1_000
"""Characters of a column's name: some are whole questions of a form."""

ColumnName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, examples=["sentence_A"])]
Spelling = Annotated[str, Field(max_length=LONGEST_NAME)]


def _readable(labels: str) -> str:
    try:
        parse_labels_option(labels)
    except InvalidConfig as error:
        raise ValueError(str(error)) from None  # pydantic says which field it is
    return labels


LabelOrder = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_readable)]


class Columns(Request):
    """The column that holds each part, by its name in the file: `inner.name` inside nested JSON; `1`, `2`, ... without
    a header. A part that is left out is found by the names in use."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"premise": "sentence_A", "hypothesis": "sentence_B", "label": "gold"}]}
    )

    premise: ColumnName | None = None
    hypothesis: ColumnName | None = None
    label: ColumnName | None = None
    lang: ColumnName | None = None
    adapter: ColumnName | None = None

    def given(self) -> Mapping[Role, str]:
        """Return what was given."""
        return cast(Mapping[Role, str], self.model_dump(exclude_none=True))


class ColumnOptions(Request):
    """Which columns of a file are read."""

    columns: Columns | None = None
    """Which columns of the file hold premise, hypothesis, label, language and adapter; the others are found by name."""
    lang_column: ColumnName | None = None
    """The column with each row's language, in a file of several; rows of other languages than `lang` are left out, and
    counted."""


class LabelOptions(ColumnOptions):
    """Which columns of a labelled file are read, and what its labels mean."""

    labels: Annotated[
        LabelOrder | Annotated[dict[Spelling, Label], Field(min_length=1, max_length=MOST_SPELLINGS)] | None,
        Field(examples=["c,e,n", {"0": "contradiction", "1": "entailment", "2": "neutral"}]),
    ] = None
    """What the file's labels mean: the order of its numbers from 0 on (`"c,e,n"`), or each spelling's label."""
    conflicts: Conflicts | None = None
    """What becomes of pairs that stand there with different labels: `drop` them (in training, where nothing is said),
    take the `majority`'s label, or `keep` every row."""

    def spellings(self) -> Mapping[str, Label] | None:
        """Return the label of each spelling that was told."""
        return parse_labels_option(self.labels) if isinstance(self.labels, str) else self.labels


def read_options(request: ColumnOptions, *, lang: str | None) -> ReadOptions:
    """Return how the reader is to read what came with a request."""
    labelled = request if isinstance(request, LabelOptions) else None
    return ReadOptions(
        columns={} if request.columns is None else request.columns.given(),
        labels=labelled.spellings() if labelled else None,
        lang=lang,
        lang_column=request.lang_column,
        conflicts=labelled.conflicts if labelled else None,
        normalise=same_language,
    )
