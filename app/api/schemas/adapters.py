"""Adapters: what few-shot training publishes for one language, and how one is imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from app.api.schemas.jobs import Accepted, JobPublic, ResourceStatus
from app.api.schemas.readings import Reading
from app.api.schemas.scalars import (
    A_TICKET_ID,
    AN_ADAPTER_ID,
    AliasName,
    Answer,
    Language,
    Moment,
    PageQuery,
    Request,
)
from app.api.schemas.scores import AdapterMetrics, Course, courses_of
from app.registry import adapters
from app.registry.adapter_notes import READINGS, AdapterNotes, without_readings
from app.registry.adapter_scores import advice, with_baseline
from app.storage import models
from ltp.config import Label, LabelSpace, TextForm
from ltp.model.methods import Method

READINGS_SHOWN = ("reading", "held_out_readings")


class SourcePublic(Answer):
    """One language of several that an adapter was trained on."""

    lang: Annotated[str, Field(examples=["sw"])]
    weight: float
    pairs: Annotated[int, Field(examples=[400])]
    """Labelled pairs that were read of it."""


class ExampleCounts(Answer):
    """What it was trained on."""

    model_config = ConfigDict(extra="allow")

    train: int | None = None
    dev: int | None = None
    test: int | None = None
    sha256: str | None = None
    sources: list[SourcePublic] | None = None
    """Of which languages they are, where there were several files."""


class StartPublic(Answer):
    """The adapter that training began from, as it was then; it may have been deleted since."""

    id: Annotated[str, Field(examples=[AN_ADAPTER_ID])]
    lang: Annotated[str, Field(examples=["mul"])]
    version: Annotated[int, Field(examples=[1])]
    carried: Annotated[float | None, Field(examples=[1.0])] = None
    """Share of its values other than zero that have a place on the ticket; null until published."""
    nested: bool | None = None
    """Whether one of the two tickets contains the other, or they are the same; null until published."""


class LanguageDeltaUsed(Answer):
    """The language's own text whose changes an adapter holds."""

    id: Annotated[str, Field(examples=[AN_ADAPTER_ID])]
    """It may be gone since."""
    lang: Annotated[str, Field(examples=["quy"])]
    version: Annotated[int, Field(examples=[1])]


class AdapterPublic(Answer):
    """A soft prompt and a sparse delta on one ticket, or what another method trained. Immutable once ready."""

    id: Annotated[str, Field(examples=[AN_ADAPTER_ID])]
    name: str | None
    lang: Annotated[str, Field(examples=["es"])]
    version: Annotated[int | None, Field(examples=[3])]
    """From 1 per language, never reused; null until published."""
    aliases: list[str]
    status: ResourceStatus
    method: Method
    origin: Annotated[str, Field(examples=["training"])]
    """`training`, `import`, `composed` of other adapters, or `starter`: it came with the program for all languages."""
    shared: bool
    """Whether every tenant may use it, as the starter."""
    ticket: Annotated[str | None, Field(examples=[A_TICKET_ID])]
    """Null unless the method is `ltp`."""
    start: StartPublic | None
    """What training began from; null for the pretrained values, and of imports, whose file may say it in `training`."""
    language_delta: LanguageDeltaUsed | None
    """The language's own text that training was on top of; null for none. Its values are in the adapter."""
    backbone: str
    """Fingerprint of the backbone it belongs to."""
    text_form: TextForm
    """How texts are prepared before it reads them: 1 composed, blanks as one, characters that the vocabulary lacks
    replaced by known ones; 0 as they are, as adapters do that were made before there were forms."""
    seeds: int
    label_space: LabelSpace
    """`three_way`: it answers entailment, neutral or contradiction; `two_way`: entailment or not_entailment."""
    verbalizer: dict[Label, str] | None
    """The word it predicts for each label; null for method `ft`, which has a classification head."""
    metrics: AdapterMetrics
    """Empty until published."""
    advice: list[str]
    """What to try next where it is no better than guessing on the development pairs; else empty."""
    training: dict[str, Any]
    """Hyperparameters as they were used, and, except in lists, `report`: how training went."""
    courses: list[Course] = Field(default=[])
    """Loss and development accuracy, epoch by epoch, of each seed. Empty in lists, where it was too much to keep, and
    where nothing was trained."""
    examples: ExampleCounts
    bytes: int | None
    """Size of the stored adapter."""
    reading: Reading | None = None
    """What was understood of the examples it was trained on, without their first rows. Null in lists, and where it is
    not known: of imports, and of what versions before trained."""
    held_out_readings: dict[Literal["dev", "test"], Reading] = Field(default={})
    """The same of the development and test sets that were given."""
    created_at: Moment
    published_at: Moment | None

    @classmethod
    def of(
        cls, row: models.AdapterRow, aliases: Sequence[str], *, brief: bool = False, starter: bool = False
    ) -> AdapterPublic:
        """Describe a stored adapter and the aliases that point at it; `brief` leaves details out, as lists do.

        `starter` says whether advice may send people to one.
        """
        taken = {
            "aliases",
            "ticket",
            "start",
            "metrics",
            "advice",
            "examples",
            "training",
            "verbalizer",
            "text_form",
            "courses",
            *READINGS_SHOWN,
        }
        notes = AdapterNotes(row.training or {}, row.metrics or {}, row.examples or {})
        notes = notes.brief if brief else notes
        readings = dict(notes.examples.get(READINGS) or {})
        counts = without_readings(notes).examples
        stored = {name: getattr(row, name) for name in cls.model_fields if name not in taken}
        return cls(
            **stored,
            aliases=list(aliases),
            ticket=row.ticket_id,
            start=None if row.start is None else StartPublic(**row.start),
            text_form=notes.training.get("text_form", 0),
            metrics=AdapterMetrics(**with_baseline(notes.metrics)),
            advice=advice(row, notes, starter=starter),
            examples=ExampleCounts(**counts),
            training=notes.training,
            courses=courses_of(notes.training),
            verbalizer=adapters.verbalizer_of_row(row).by_label,
            reading=readings.pop("train", None),
            held_out_readings=readings,
        )


class AdapterQuery(PageQuery):
    """Which adapters to list."""

    lang: Language | None = None
    """Only those of this language."""
    alias: AliasName | None = None
    """Only those this alias points at."""


class AdapterAccepted(Accepted):
    """The adapter is on its way."""

    adapter: AdapterPublic

    @classmethod
    def of(cls, row: models.AdapterRow, job: models.JobRow) -> AdapterAccepted:
        """Describe an adapter that was just submitted."""
        return cls(job=JobPublic.of(job), adapter=AdapterPublic.of(row, ()))


class ImportRequest(Request):
    """How to register an imported adapter."""

    lang: Language | None = None
    """Default: the language noted in the file."""
    alias: AliasName | None = None
    """Point this alias at it."""
