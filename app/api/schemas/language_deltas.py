"""Languages' own texts, and what they changed at a ticket's positions."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field

from app.api.schemas.jobs import Accepted, JobPublic, ResourceStatus
from app.api.schemas.scalars import A_TICKET_ID, Answer, Identifier, Language, Moment, PageQuery, Request
from app.api.schemas.tickets import TEXTS, CorpusTexts, Loss
from app.storage import models
from ltp.config import LanguageConfig

A_LANGUAGE_DELTA_ID = "0199f3a8-5d2e-7b11-8c40-7e9a1b3c5d77"


class LanguageTextRequest(Request):
    """Train a ticket's parameters on the language's own sentences, by predicting hidden words."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"corpus": {"texts": ["Allqu punkupi puñuchkan.", "Wasiqa hatunmi."]}},
                {"ticket": A_TICKET_ID, "mlm": {"epochs": 5}},
            ]
        }
    )

    LONG_LISTS = (TEXTS,)

    ticket: Identifier | None = None
    """Whose parameters train. Adapters on top of the language delta stand on the same one. Default: the starter's, else
    the newest ready ticket of the served backbone."""
    corpus: CorpusTexts | None = None
    """The text; absent when it is uploaded as a file."""
    mlm: LanguageConfig = LanguageConfig()
    """Hyperparameters of the MLM run; what is left out follows from the number of lines and the backbone."""


class LanguageDeltaQuery(PageQuery):
    """Which language deltas to list."""

    lang: Language | None = None
    """Only those of this language."""


class HeldOutLoss(Answer):
    """Masked-token loss of lines that were held out, in nats a token."""

    before: float
    """With the pretrained values."""
    after: float
    """With the language delta."""


class LanguageDeltaPublic(Answer):
    """What a language's own text changed at a ticket's positions. An adapter trained on top of it holds the sum."""

    id: Annotated[str, Field(examples=[A_LANGUAGE_DELTA_ID])]
    lang: Annotated[str, Field(examples=["quy"])]
    version: int | None
    """Counts up in its language, apart from adapters; null until it is ready."""
    status: ResourceStatus
    ticket: Annotated[str | None, Field(examples=[A_TICKET_ID])]
    backbone: str
    """Fingerprint of the backbone it belongs to."""
    helps: bool | None
    """Whether the loss of held-out lines is lower with it; null until it is ready."""
    verdict: Annotated[
        str | None, Field(examples=["the loss of 120 held-out lines went from 5.912 to 4.203 nats a token"])
    ]
    """The same in a sentence."""
    held_out: HeldOutLoss | None
    corpus_sha256: str | None
    config: dict[str, Any]
    """Hyperparameters of the run: as they were used once it is ready, before as they were asked for."""
    steps: int | None
    """Training steps taken."""
    best_step: int | None
    """The step whose values are kept."""
    losses: list[Loss]
    """At validations; of very many some."""
    report: dict[str, Any]
    """Everything else the run noted: lines, repeated and long ones, tokens, seconds, warnings."""
    bytes: int | None
    created_at: Moment
    published_at: Moment | None

    @classmethod
    def of(cls, row: models.LanguageDeltaRow) -> Self:
        """Describe a stored language delta."""
        report = dict(row.report or {})
        told = {name: report.pop(name, None) for name in ("verdict", "held_out", "steps", "best_step")}
        stored = ("id", "lang", "version", "status", "backbone", "helps", "corpus_sha256", "bytes")
        return cls(
            **{name: getattr(row, name) for name in (*stored, "created_at", "published_at")},
            **told,
            ticket=row.ticket_id,
            config=report.pop("config", None) or row.config,
            losses=[Loss(**loss) for loss in report.pop("losses", [])],
            report={name: value for name, value in report.items() if name not in stored},
        )


class LanguageDeltaAccepted(Accepted):
    """The language delta is on its way."""

    language_delta: LanguageDeltaPublic

    @classmethod
    def of(cls, row: models.LanguageDeltaRow, job: models.JobRow) -> LanguageDeltaAccepted:
        """Describe a language delta that was just submitted."""
        return cls(job=JobPublic.of(job), language_delta=LanguageDeltaPublic.of(row))
