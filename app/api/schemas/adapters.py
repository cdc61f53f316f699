"""Adapters: what few-shot training publishes for one language, and how one is imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, FailFast, Field

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
from app.registry import adapters
from app.registry.adapter_notes import READINGS, AdapterNotes, without_readings
from app.registry.adapter_scores import advice, with_baseline
from app.storage import models
from ltp.config import LABELS, Label, LabelSpace, TextForm
from ltp.model.methods import Method

READINGS_SHOWN = ("reading", "held_out_readings")


class LabelScore(Answer):
    """One label against the others."""

    precision: float
    recall: float
    f1: float
    support: int


class Score(Answer):
    """How good the published adapter is on one set."""

    model_config = ConfigDict(extra="allow")

    accuracy: float
    interval: Annotated[list[float], Field(min_length=2, max_length=2, examples=[[0.61, 0.83]])]
    """95 % interval of the accuracy: Wilson's, or where it is `estimated` one that knows of premises and of choices."""
    selected_on: bool = False
    """True for the development set: the epoch was chosen on it, so these figures flatter."""
    estimated: Literal["cross_fitted"] | None = None
    """Where all pairs trained: each was answered by an adapter that never saw its premise. Null for a set apart."""
    label_space: LabelSpace = "three_way"
    """The labels among which was chosen; figures of one space say nothing beside those of the other."""
    macro_f1: float
    """Mean F1 over the labels of `macro_f1_over`."""
    macro_f1_over: Annotated[list[Label], FailFast()] = Field(default=list(LABELS))
    """The labels that occur in the set. Adapters made before they were noted have the mean over all three."""
    ece: float
    """Expected calibration error over 15 equal-width bins."""
    per_label: dict[str, LabelScore]
    confusion: Annotated[list[Annotated[list[int], FailFast()]], FailFast()]
    """`confusion[gold][predicted]` in the order entailment, neutral, contradiction, or entailment, not_entailment."""


class Beside(Answer):
    """The start on the same pairs."""

    accuracy: float
    p: float
    """How often chance alone would make such a difference to it: a paired test by premises."""


class Baseline(Answer):
    """What stands beside the accuracy on the development pairs."""

    guessing: float
    """What always giving the commonest label is right in."""
    start: Beside | None = None
    """What training began from; null where it began from the pretrained values, or was not compared."""


class CurvePoint(Answer):
    """With answers below `threshold` left out, `answered` is the share that remains, and `accuracy` theirs."""

    threshold: float
    answered: float
    accuracy: float


class CalibrationPublic(Answer):
    """How far the probabilities mean what they say, on pairs that no training saw."""

    temperature: float
    """The logits are divided by it before they are probabilities; 1 where nothing is applied."""
    bias: Annotated[list[float], FailFast()]
    """Added to each label's logit."""
    ece_before: float
    """Expected calibration error without them."""
    ece_after: float
    curve: Annotated[list[CurvePoint], FailFast()]
    """From everything answered to the surest answers alone; `target_accuracy` is resolved on it."""


class AdapterMetrics(Answer):
    """Scores of the decoded, published artefact."""

    model_config = ConfigDict(extra="allow")

    dev: Score | None = None
    test: Score | None = None
    """Only when test examples were given."""
    per_seed: Annotated[list[dict[str, Any]], FailFast()] = Field(default=[])
    """Seed, best epoch and scores of each run. Empty in lists, and where it was too much to keep."""
    mean: dict[str, dict[str, float | None]] | None = None
    """Over the seeds: part, then figure."""
    std: dict[str, dict[str, float | None]] | None = None
    """Sample standard deviation over the seeds; null for a single one."""
    baseline: Baseline | None = None
    """What guessing and the start give on the development pairs."""
    calibration: CalibrationPublic | None = None
    """Where pairs were held out nothing is applied, and the curve is of these; null where nobody measured one."""


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
