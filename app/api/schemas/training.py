"""The request that trains an adapter: examples, what training begins from, and hyperparameters."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, WrapValidator, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import CoreSchema, core_schema

from app.api.schemas.long_lists import ElementWise, LongList
from app.api.schemas.reading_options import LabelOptions
from app.api.schemas.scalars import (
    AliasName,
    Identifier,
    Language,
    LanguageDeltaReference,
    Name,
    Reference,
    Request,
    Text,
    without_default,
)
from app.registry.starts import Hyperparameters, WantedStart
from ltp.config import AdapterConfig, Average, Estimate, Label, LabelSpace
from ltp.model.methods import Method
from ltp.model.verbalizer import LONGEST_WORD

MOST_EXAMPLES = 100_000
LISTS = tuple(LongList(part, MOST_EXAMPLES, values=7) for part in ("examples", "dev_examples", "test_examples"))
OTHER_PART = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
MOST_SOURCES = 32
PAPER = AdapterConfig()


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


@dataclasses.dataclass(frozen=True)
class GivenConfig:
    """An `AdapterConfig`, and which of its fields the request has: those that it has not may depend on the start."""

    config: AdapterConfig = PAPER
    given: frozenset[str] = frozenset()

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read, and describe, the dataclass itself."""
        return core_schema.no_info_wrap_validator_function(cls._read, handler(AdapterConfig))

    @classmethod
    def _read(cls, value: Any, read: core_schema.ValidatorFunctionWrapHandler) -> GivenConfig:
        return cls(read(value), frozenset(value) if isinstance(value, dict) else frozenset())


class SourceFile(Request):
    """A file of one language among several."""

    part: Annotated[str, Field(pattern=OTHER_PART, examples=["source_sw"])]
    """The part of the multipart body that holds it."""
    lang: Language
    """Its language."""
    weight: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """How often its examples are drawn, beside those of the others; `training.source_temperature` evens out sizes."""


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
    sources: Annotated[list[SourceFile], Field(min_length=1, max_length=MOST_SOURCES)] | None = None
    """Uploaded files of other languages that are trained on together, in one adapter: `lang` is `mul`, say. With
    `examples` as well, these are trained on jointly, and scores are of `examples` alone."""
    ticket: Identifier | None = None
    """For method `ltp` only. Default: the ticket of the adapter that training begins from, else the starter's; where
    there is none, the newest ready ticket of the served backbone."""
    start: Annotated[Reference | None, Field(json_schema_extra=without_default, examples=["starter"])] = None
    """The adapter that training begins from, by its reference; `starter` is the one that comes with the program. It has
    the same method, labels, words and length of prompt; values carry over where both tickets are active. `null` begins
    from the pretrained values, the paper's way. Default: the starter, where there is one that fits, and `ticket` is
    absent, its own, or of the same drift."""
    language_delta: LanguageDeltaReference | None = None
    """A language delta (`POST /languages/{lang}/text`), by `lang@version`, its id, or `lang` for the newest. Its values
    are added to those that training begins from, and are part of what is published. `ticket` is then its own by
    default, and may be no other."""
    average: Average | None = None
    """What is averaged into one adapter: `none`, `epochs` (the late ones), `seeds`, or `both`. Default:
    `training.average`."""
    estimate: Estimate | None = None
    """Where the scores come from: `holdout`, pairs that are held out or given; `cross_fit`, answers to each pair by
    models that never saw its premise, so that all pairs train; `auto`, the latter for few pairs. Default: `auto` from a
    start, else `training.estimate`."""
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
    training: Annotated[GivenConfig, Field(json_schema_extra={"default": {}})] = Field(default_factory=GivenConfig)
    """Hyperparameters. From a start, where they are not given, `precision` is `auto`, `order` is `by_length`,
    `attention_dropout` is off, and `prompt_length` is the start's."""

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        parts = [source.part for source in self.sources or ()]
        if twice := sorted({part for part in parts if parts.count(part) > 1}):
            raise ValueError(f"two sources name the part {twice[0]!r}; a file is one source")
        langs = [source.lang for source in self.sources or ()]
        if twice := sorted({lang for lang in langs if langs.count(lang) > 1}):
            raise ValueError(f"two sources are of language {twice[0]!r}; put their pairs into one file")
        for name in ("average", "estimate"):
            asked, hyperparameter = getattr(self, name), getattr(self.training.config, name)
            if asked is not None and name in self.training.given and asked != hyperparameter:
                raise ValueError(f"{name} is {asked!r}, and training.{name} is {hyperparameter!r}; give it once")
        return self

    @property
    def hyperparameters(self) -> Hyperparameters:
        """What is trained with, as far as it was given."""
        return Hyperparameters(self.training.config, self.training.given, self.estimate, self.average)

    @property
    def wanted_start(self) -> WantedStart:
        """What training is to begin from."""
        return WantedStart(self.start, said="start" in self.model_fields_set)
