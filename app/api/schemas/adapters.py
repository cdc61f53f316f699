"""Adapters: what few-shot training publishes for one language, and the request that starts it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, FailFast, Field, WrapValidator
from pydantic.dataclasses import dataclass

from app.api.schemas.jobs import Accepted, JobPublic, ResourceStatus
from app.api.schemas.long_lists import ElementWise, LongList
from app.api.schemas.reading_options import LabelOptions
from app.api.schemas.readings import Reading
from app.api.schemas.scalars import (
    A_TICKET_ID,
    AN_ADAPTER_ID,
    AliasName,
    Answer,
    Identifier,
    Language,
    Moment,
    Name,
    PageQuery,
    Request,
    Text,
)
from app.registry import adapters
from app.registry.adapter_notes import READINGS, AdapterNotes, without_readings
from app.storage import models
from ltp.config import LABELS, AdapterConfig, Label, LabelSpace, TextForm
from ltp.model.methods import Method
from ltp.model.verbalizer import LONGEST_WORD

READINGS_SHOWN = ("reading", "held_out_readings")
MOST_EXAMPLES = 100_000
LISTS = tuple(LongList(part, MOST_EXAMPLES, values=7) for part in ("examples", "dev_examples", "test_examples"))


@dataclass(config=ConfigDict(extra="forbid", use_attribute_docstrings=True), frozen=True, slots=True, kw_only=True)
class LabelledPair:
    """A premise, a hypothesis, and what the one says about the other."""

    # a dataclass with slots: a hundred thousand of them take a tenth of what models would
    premise: Text
    hypothesis: Text
    label: Annotated[Label | Annotated[int, Field(ge=0, le=2, strict=True)], Field(examples=["entailment"])]
    """By name, or 0, 1, 2 in the order entailment, neutral, contradiction. Two-way pairs are `entailment` or
    `not_entailment`."""


Verbalizer = Annotated[
    dict[Label, Annotated[str, Field(min_length=1, max_length=LONGEST_WORD, pattern=r"\S")]],
    Field(min_length=2, max_length=3, examples=[{"entailment": "yes", "neutral": "maybe", "contradiction": "no"}]),
]
"""A word for each label."""

Examples = Annotated[
    list[LabelledPair],
    Field(min_length=1, max_length=MOST_EXAMPLES),
    WrapValidator(ElementWise(LabelledPair, LISTS[0], instead="; or upload a file")),
]


class AdapterRequest(LabelOptions):
    """Train an adapter for one language on a few labelled pairs.

    `columns`, `labels` and `lang_column` are about uploaded files, `conflicts` is about examples in the request, too.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lang": "es",
                    "alias": "production",
                    "training": {"epochs": 20},
                    "examples": [
                        {"premise": "El perro duerme.", "hypothesis": "El animal descansa.", "label": "entailment"},
                        {"premise": "La casa es azul.", "hypothesis": "La casa es cara.", "label": "neutral"},
                        {"premise": "Llueve mucho.", "hypothesis": "El cielo está seco.", "label": "contradiction"},
                    ],
                }
            ]
        }
    )

    LONG_LISTS = LISTS

    lang: Language
    """Language of the examples: a BCP-47 tag, an ISO 639-3 code, or one with its script (`yor_Latn` is `yo`)."""
    examples: Examples | None = None
    """What to train on; every label of the label space must occur. Absent when uploaded as a file."""
    dev_examples: Examples | None = None
    """What to choose the best epoch on. Without them `training.dev_share` of the premises is held out."""
    test_examples: Examples | None = None
    """Scored once, at the end."""
    ticket: Identifier | None = None
    """For method `ltp` only. Default: the newest ready ticket of the served backbone."""
    method: Method = "ltp"
    """`ltp`: soft prompt and the ticket's active parameters; `pt`: the soft prompt alone. The others train every
    parameter and need no ticket: `ft` fine-tuning with a classification head, `dp` a template of words, `sp` the soft
    prompt, `mp` words and soft prompt."""
    label_space: LabelSpace | None = None
    """`three_way`: entailment, neutral, contradiction; `two_way`: entailment, not_entailment. Default: what the
    examples' labels are. Of examples with three labels `two_way` reads neutral and contradiction as not_entailment."""
    verbalizer: Verbalizer | None = None
    """The word predicted for each label of the label space, one token of the backbone's vocabulary each. Default: the
    method's own, for `ltp` right, maybe and wrong, or right and wrong for two labels. Method `ft` has no words."""
    name: Name | None = None
    """For people."""
    alias: AliasName | None = None
    """Point this alias at the adapter when it is published."""
    seeds: Annotated[int, Field(ge=1, le=100)] = 1
    """Train so often, from `training.seed` on, and publish the best; mean and deviation are kept."""
    training: AdapterConfig = AdapterConfig()
    """Hyperparameters."""


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
    """95 % interval of the accuracy (Wilson)."""
    selected_on: bool = False
    """True for the development set: the epoch was chosen on it, so these figures flatter."""
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


class ExampleCounts(Answer):
    """What it was trained on."""

    model_config = ConfigDict(extra="allow")

    train: int | None = None
    dev: int | None = None
    test: int | None = None
    sha256: str | None = None


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
    """`training` or `import`."""
    ticket: Annotated[str | None, Field(examples=[A_TICKET_ID])]
    """Null unless the method is `ltp`."""
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
    def of(cls, row: models.AdapterRow, aliases: Sequence[str], *, brief: bool = False) -> AdapterPublic:
        """Describe a stored adapter and the aliases that point at it; `brief` leaves details out, as lists do."""
        taken = {"aliases", "ticket", "metrics", "examples", "training", "verbalizer", "text_form", *READINGS_SHOWN}
        notes = AdapterNotes(row.training or {}, row.metrics or {}, row.examples or {})
        notes = notes.brief if brief else notes
        readings = dict(notes.examples.get(READINGS) or {})
        counts = without_readings(notes).examples
        stored = {name: getattr(row, name) for name in cls.model_fields if name not in taken}
        return cls(
            **stored,
            aliases=list(aliases),
            ticket=row.ticket_id,
            text_form=notes.training.get("text_form", 0),
            metrics=AdapterMetrics(**{part: scores for part, scores in notes.metrics.items() if scores}),
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
