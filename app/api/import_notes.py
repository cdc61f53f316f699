"""What an export says about the adapter it holds, checked like a request before it is stored."""

from __future__ import annotations

import json
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from app.api.schemas.adapters import ExampleCounts, ImportRequest, SourcePublic
from app.api.schemas.scalars import Language, Name, Request
from app.api.schemas.scores import (
    AdapterMetrics,
    AgreementPublic,
    Baseline,
    Beside,
    CalibrationPublic,
    CertaintyPublic,
    CurvePoint,
    Int8AgreementPublic,
    LabelScore,
    ReliabilityBin,
    Score,
    StoredAgreementPublic,
)
from app.api.schemas.training import MOST_SOURCES
from app.errors import FieldError, InvalidRequest
from app.http.strict_json import JSONRefused, parse
from app.http.validation_errors import field_errors
from app.registry.adapter_notes import CARRIED_BYTES, AdapterNotes
from ltp.answered_share import MOST_POINTS
from ltp.calibration import LEAST_TEMPERATURE, MOST_BIAS, MOST_TEMPERATURE
from ltp.config import LABEL_SPACES, LABELS, Label, LabelSpace
from ltp.errors import CorruptArtifact
from ltp.metrics import ECE_BINS

LONGEST_NOTES = 1 << 20
"""Characters that are read; of a file's notes no more is kept than `CARRIED_BYTES`."""
DEEPEST_NOTES = 32
MOST_SEEDS = 100
MOST_COUNTED = 10**9
"""Of examples, in any figure."""
LARGEST_NUMBER = 2**63
"""Of a whole number anywhere in the notes: a larger one no database and few programs can read."""


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=MOST_COUNTED)]
Interval = Annotated[list[Share], Field(min_length=2, max_length=2)]
Confusion = Annotated[list[Annotated[list[Count], Field(max_length=len(LABELS))]], Field(max_length=len(LABELS))]


class ImportedLabelScore(LabelScore):
    """One label's score as a file says it."""

    precision: Share
    recall: Share
    f1: Share
    support: Count


class ImportedScore(Score):
    """A score as a file says it."""

    accuracy: Share
    interval: Interval
    macro_f1: Share
    ece: Share
    macro_f1_over: Annotated[list[Label], Field(max_length=len(LABELS))] = Field(default=list(LABELS))
    per_label: Annotated[dict[str, ImportedLabelScore], Field(max_length=len(LABELS))]  # type: ignore[assignment]
    confusion: Confusion

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        """One that is estimated takes off by how much choices flatter, so the accuracy may lie beyond its interval."""
        if self.interval[0] > self.interval[1]:
            raise ValueError("the interval ends before it begins")
        if self.estimated is None and not self.interval[0] <= self.accuracy <= self.interval[1]:
            raise ValueError("the interval does not hold the accuracy")
        return self


class ImportedBeside(Beside):
    """The start's score as a file says it."""

    accuracy: Share
    p: Share


class ImportedBaseline(Baseline):
    """What stands beside the accuracy as a file says it."""

    guessing: Share
    start: ImportedBeside | None = None


class ImportedPoint(CurvePoint):
    """A point of the curve as a file says it."""

    threshold: Share
    answered: Share
    accuracy: Share


class ImportedCalibration(CalibrationPublic):
    """How far the probabilities mean what they say, as a file says it."""

    temperature: Annotated[float, Field(ge=LEAST_TEMPERATURE, le=MOST_TEMPERATURE, allow_inf_nan=False)]
    bias: Annotated[
        list[Annotated[float, Field(ge=-MOST_BIAS, le=MOST_BIAS, allow_inf_nan=False)]],
        Field(max_length=len(LABELS)),
    ]
    ece_before: Share
    ece_after: Share
    curve: Annotated[list[ImportedPoint], Field(max_length=MOST_POINTS)]  # type: ignore[assignment]


class ImportedBin(ReliabilityBin):
    """Answers that are about as sure, as a file says it."""

    low: Share
    high: Share
    pairs: Count
    confidence: Share
    accuracy: Share


class ImportedCertainty(CertaintyPublic):
    """How far its probabilities can be trusted, as a file says it."""

    pairs: Count
    reliability: Annotated[list[ImportedBin], Field(max_length=ECE_BINS)]  # type: ignore[assignment]
    curve: Annotated[list[ImportedPoint], Field(max_length=MOST_POINTS)]  # type: ignore[assignment]


class ImportedAgreement(AgreementPublic):
    """How far two ways of answering agree, as a file says it."""

    pairs: Count
    labels_changed: Count
    mean_difference: Share
    largest_difference: Share


class ImportedStoredAgreement(ImportedAgreement, StoredAgreementPublic):
    """How int8 values answered beside fp16 ones, as a file says it."""


class ImportedInt8Agreement(ImportedAgreement, Int8AgreementPublic):
    """How int8 arithmetic answered beside fp32, as a file says it."""

    levels: Annotated[int, Field(ge=1, le=127)]


class ImportedMetrics(AdapterMetrics):
    """Scores as a file says them."""

    dev: ImportedScore | None = None
    test: ImportedScore | None = None
    baseline: ImportedBaseline | None = None
    calibration: ImportedCalibration | None = None
    certainty: ImportedCertainty | None = None
    stored_agreement: ImportedStoredAgreement | None = None
    int8_agreement: ImportedInt8Agreement | None = None
    per_seed: Annotated[list[dict[str, Any]], Field(max_length=MOST_SEEDS)] = Field(default=[])


class ImportedSource(SourcePublic):
    """One of several languages as a file says it."""

    lang: Language
    weight: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
    pairs: Count


class ImportedCounts(ExampleCounts):
    """What it was trained on, as a file says it."""

    readings: Annotated[Any, Field(exclude=True)] = None
    """Not believed, and not kept: what was understood of files that nobody here has seen."""
    train: Count | None = None
    dev: Count | None = None
    test: Count | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    sources: Annotated[list[ImportedSource], Field(max_length=MOST_SOURCES)] | None = None  # type: ignore[assignment]


class ImportNotes(Request):
    """What an export says about the adapter it holds."""

    lang: Language
    name: Name | None = None
    seeds: int = Field(default=1, ge=1, le=MOST_SEEDS)
    training: dict[str, Any] = Field(default={})
    metrics: ImportedMetrics = ImportedMetrics()
    examples: ImportedCounts = ImportedCounts()

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
    """Count the levels of nested lists and objects.

    Raises:
        CorruptArtifact: a number on the way is larger than any that is told.
    """
    level, depth = [tree], 0
    while level:
        if any(type(node) is int and abs(node) >= LARGEST_NUMBER for node in level):
            raise CorruptArtifact("the file's notes hold a number of 2**63 or more")
        inner = [value for node in level if isinstance(node, dict) for value in node.values()]
        level = inner + [value for node in level if isinstance(node, list) for value in node]
        depth += 1
    return depth


def read_notes(raw: str, request: ImportRequest, *, label_space: LabelSpace = "three_way") -> ImportNotes:
    """Read what the file says of itself; a file without notes needs a language in the request."""
    if not raw and request.lang is None:
        message = "the file names no language; give one"
        raise InvalidRequest(f"lang: {message}", fields=[FieldError("lang", message)])
    try:
        if len(raw) > LONGEST_NOTES or _depth(parse(raw.encode() or b"{}")) > DEEPEST_NOTES:
            raise CorruptArtifact("the file's notes are longer or deeper than any export's")
        notes = ImportNotes.model_validate_json(raw or json.dumps({"lang": request.lang}), strict=True)
    except ValidationError as error:
        first = field_errors(error.errors(include_url=False, include_input=False))[0]
        where = f"{first.path}: " if first.path else ""
        raise CorruptArtifact(f"the file's notes are not what an export carries: {where}{first.message}") from None
    except (JSONRefused, UnicodeEncodeError) as error:
        raise CorruptArtifact(f"the file's notes are not what an export carries: {error}") from None
    _check_scores(notes.metrics, label_space)
    return notes


def _check_scores(metrics: ImportedMetrics, label_space: LabelSpace) -> None:
    """Refuse scores of other labels than the adapter answers with."""
    labels = set(LABEL_SPACES[label_space])
    for part, score in (("dev", metrics.dev), ("test", metrics.test)):
        if score is None:
            continue
        sizes = {len(score.confusion), *map(len, score.confusion)}
        told = {*score.per_label} | {*score.macro_f1_over}
        if score.label_space != label_space or not told <= labels or sizes - {0, len(labels)}:
            raise CorruptArtifact(
                f"the file's notes: metrics.{part} are not of the labels that its adapter answers with,"
                f" {', '.join(LABEL_SPACES[label_space])}"
            )
