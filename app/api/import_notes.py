"""What an export says about the adapter it holds, checked like a request before it is stored."""

from __future__ import annotations

import json
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from app.api.schemas.adapters import AdapterMetrics, ExampleCounts, ImportRequest
from app.api.schemas.scalars import Language, Name, Request
from app.errors import FieldError, InvalidRequest
from app.http.strict_json import JSONRefused, parse
from app.http.validation_errors import field_errors
from app.registry.adapter_notes import CARRIED_BYTES, AdapterNotes
from ltp.errors import CorruptArtifact

LONGEST_NOTES = 1 << 20
"""Characters that are read; of a file's notes no more is kept than `CARRIED_BYTES`."""
DEEPEST_NOTES = 32
MOST_SEEDS = 100


class ImportedMetrics(AdapterMetrics):
    """Scores as a file says them."""

    per_seed: Annotated[list[dict[str, Any]], Field(max_length=MOST_SEEDS)] = Field(default=[])


class ImportNotes(Request):
    """What an export says about the adapter it holds."""

    lang: Language
    name: Name | None = None
    seeds: int = Field(default=1, ge=1, le=MOST_SEEDS)
    training: dict[str, Any] = Field(default={})
    metrics: ImportedMetrics = ImportedMetrics()
    examples: ExampleCounts = ExampleCounts()

    @model_validator(mode="after")
    def _a_score_a_seed(self) -> Self:
        if len(self.metrics.per_seed) > self.seeds:
            told = f"metrics.per_seed has {len(self.metrics.per_seed)} scores; the adapter was trained with"
            raise ValueError(f"{told} {self.seeds} seeds")
        return self

    def kept(self) -> AdapterNotes:
        """Return what is stored of them. Raises `CorruptArtifact` for more than any export carries."""
        metrics, examples = (part.model_dump(exclude_none=True) for part in (self.metrics, self.examples))
        notes = AdapterNotes(self.training, metrics, examples).within(CARRIED_BYTES)
        if notes.size > CARRIED_BYTES:
            raise CorruptArtifact(
                f"the file's notes take {notes.size:,} bytes without their details, and {CARRIED_BYTES:,} may be kept"
            )
        return notes


def _depth(tree: object) -> int:
    """Count the levels of nested lists and objects."""
    level, depth = [tree], 0
    while level:
        inner = [value for node in level if isinstance(node, dict) for value in node.values()]
        level = inner + [value for node in level if isinstance(node, list) for value in node]
        depth += 1
    return depth


def read_notes(raw: str, request: ImportRequest) -> ImportNotes:
    """Read what the file says of itself; a file without notes needs a language in the request."""
    if not raw and request.lang is None:
        message = "the file names no language; give one"
        raise InvalidRequest(f"lang: {message}", fields=[FieldError("lang", message)])
    try:
        if len(raw) > LONGEST_NOTES or _depth(parse(raw.encode() or b"{}")) > DEEPEST_NOTES:
            raise CorruptArtifact("the file's notes are longer or deeper than any export's")
        return ImportNotes.model_validate_json(raw or json.dumps({"lang": request.lang}), strict=True)
    except ValidationError as error:
        first = field_errors(error.errors(include_url=False, include_input=False))[0]
        where = f"{first.path}: " if first.path else ""
        raise CorruptArtifact(f"the file's notes are not what an export carries: {where}{first.message}") from None
    except (JSONRefused, UnicodeEncodeError) as error:
        raise CorruptArtifact(f"the file's notes are not what an export carries: {error}") from None
