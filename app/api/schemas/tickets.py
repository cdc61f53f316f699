"""Tickets and the drifts they are selected from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, WrapValidator, model_validator

from app.api.schemas.jobs import Accepted, JobPublic, ResourceStatus
from app.api.schemas.long_lists import ElementWise, LongList
from app.api.schemas.scalars import (
    A_TICKET_ID,
    Answer,
    Identifier,
    Language,
    Moment,
    Name,
    Request,
    Text,
    hyperparameter,
)
from app.http.validation_errors import InvalidFieldError
from app.registry.drifts import MAGNITUDES
from app.storage import models
from ltp.backbone.strategy import Strategy
from ltp.config import LayerScope, MLMConfig, Rule, TextForm, TicketConfig

A_DRIFT_ID = "0199f3a1-02b4-7f6a-93de-6b0a4c8d1b44"
TEXTS = LongList("corpus.texts", 100_000, values=1)
MLM_ONLY = ("corpus", "strategy", "mlm")


class CorpusTexts(Request):
    """Unlabelled text sent along."""

    texts: Annotated[
        list[Text],
        Field(min_length=2, max_length=TEXTS.most),
        WrapValidator(ElementWise(Text, TEXTS, least=2, instead="; or upload a file")),
    ]
    """One sentence or paragraph each. Larger corpora are uploaded as a file."""


class CorpusBuiltin(Request):
    """Text that ships with the service."""

    builtin: Literal["demo"]
    """`demo`: English prose about Python, for trying things out."""


class TicketRequest(Request):
    """Measure a drift on unlabelled text and select a ticket from it; with `drift`, select from a stored one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"language": "en", "corpus": {"builtin": "demo"}, "active_ratio": 0.1, "mlm": {"epochs": 1}},
                {"name": "smaller", "drift": A_DRIFT_ID, "active_ratio": 0.05, "rule": "per_layer"},
            ]
        }
    )

    LONG_LISTS = (TEXTS,)

    name: Name | None = None
    """For people."""
    language: Language = "en"
    """Language of the corpus."""
    corpus: CorpusTexts | CorpusBuiltin | None = None
    """The text; absent when it is uploaded as a file, or when `drift` is given."""
    drift: Identifier | None = None
    """Select from this drift instead of measuring one: seconds instead of an MLM run. `corpus`, `strategy` and `mlm`
    belong to the drift and may not be given with it."""
    active_ratio: float = hyperparameter(TicketConfig, "active_ratio")
    rule: Rule = hyperparameter(TicketConfig, "rule")
    layers: LayerScope | Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, max_length=512)] = (
        hyperparameter(TicketConfig, "layers")
    )
    strategy: Strategy = "decoupled"
    """Which embeddings train and can be selected: `decoupled`, `tied` (the vanilla setting) or `frozen_embeddings`."""
    mlm: MLMConfig = MLMConfig()
    """Hyperparameters of the MLM run."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.drift is not None:
            for field in MLM_ONLY:
                if field in self.model_fields_set and getattr(self, field) is not None:
                    raise InvalidFieldError(field, "belongs to the drift and must be absent when `drift` is given")
        self.selection()  # its own checks: distinct layer numbers
        return self

    def selection(self) -> TicketConfig:
        """Return the hyperparameters of the selection."""
        return TicketConfig(active_ratio=self.active_ratio, rule=self.rule, layers=self.layers)


class LayerShare(Answer):
    """Where a ticket's active parameters are."""

    layer: Annotated[Literal["embeddings"] | int, Field(examples=["embeddings", 1])]
    active: int
    """Active parameters in this layer."""
    share: float
    """Of all active parameters."""
    density: float
    """Of the layer's selectable parameters."""


class TicketPublic(Answer):
    """A binary mask over the backbone's parameters: the active ones train, the others stay as they are."""

    id: Annotated[str, Field(examples=[A_TICKET_ID])]
    name: str | None
    status: ResourceStatus
    drift: Annotated[str | None, Field(examples=[A_DRIFT_ID])]
    """The drift it was selected from. Null when that was deleted or belongs to another tenant, or the ticket came with
    an imported adapter."""
    origin: Literal["drift", "import"]
    shared: bool
    """Readable and usable by every tenant; changed and deleted by its own only."""
    backbone: str
    """Fingerprint of the backbone it belongs to."""
    language: str | None
    active_ratio: float
    active: int | None
    """Active parameters; exactly round(active_ratio x selectable)."""
    selectable: int | None
    """Parameters that could have been chosen."""
    moved: int | None
    """Selectable parameters whose drift is not zero."""
    zero_drift: int | None
    """Active parameters that never moved: the corpus was too small for the ratio."""
    rule: Rule
    layers: LayerScope | list[int]
    strategy: Strategy
    distribution: list[LayerShare]
    """Per layer; empty until the ticket is ready."""
    mask_bytes: int | None
    """Size of the stored mask."""
    created_at: Moment

    @classmethod
    def of(cls, row: models.TicketRow, *, tenant: str) -> TicketPublic:
        """Describe a stored ticket to a tenant, which may not be the one it belongs to."""
        stored: dict[str, Any] = {name: getattr(row, name) for name in cls.model_fields if name != "drift"}
        drift = row.drift_id if row.tenant == tenant else None
        return cls(**{**stored, "drift": drift, "distribution": row.distribution or []})


class Sharing(Request):
    """Whether all tenants may use a ticket."""

    shared: bool
    """True: all may read it and train on it. False: its own tenant only."""


class TicketAccepted(Accepted):
    """The ticket is on its way."""

    ticket: TicketPublic

    @classmethod
    def of(cls, row: models.TicketRow, job: models.JobRow) -> TicketAccepted:
        """Describe a ticket that was just submitted, to its own tenant."""
        return cls(job=JobPublic.of(job), ticket=TicketPublic.of(row, tenant=row.tenant))


class Loss(Answer):
    """Masked-token loss in nats at one validation."""

    step: int
    train: float | None = None
    validation: float | None = None


class DriftPublic(Answer):
    """One MLM run: how far each parameter moved. Every ticket of these texts is selected from it."""

    id: Annotated[str, Field(examples=[A_DRIFT_ID])]
    status: ResourceStatus
    backbone: str
    """Fingerprint."""
    backbone_name: str
    language: str
    strategy: Strategy
    corpus: str | None
    """Name of the built-in corpus; null for one that was uploaded."""
    corpus_sha256: str | None
    config: dict[str, Any]
    """Hyperparameters of the run."""
    text_form: TextForm
    """How the corpus was prepared: 1 composed, blanks as one, characters that the vocabulary lacks replaced by known
    ones; 0 as it is, as before there were forms."""
    steps: int | None
    """Training steps taken."""
    best_step: int | None
    """The step whose parameters are kept."""
    losses: list[Loss]
    moved: int | None
    """Selectable parameters whose drift is not zero."""
    selectable: int | None
    report: dict[str, Any]
    """Everything else the run noted: lines, how long ones were read, tokens, seconds, tokens a second."""
    tickets: list[str]
    """Tickets selected from it, oldest first; of many the newest thousand."""
    created_at: Moment
    published_at: Moment | None

    @classmethod
    def of(cls, row: models.DriftRow, tickets: Sequence[str]) -> DriftPublic:
        """Describe a stored drift and the tickets made from it."""
        report = {name: value for name, value in (row.report or {}).items() if name != MAGNITUDES}
        taken = {"steps", "best_step", "losses", "text_form"}
        stored = {name: getattr(row, name) for name in cls.model_fields if name not in {*taken, "tickets", "report"}}
        return cls(
            **stored,
            text_form=row.config.get("text_form", 0),
            steps=report.pop("steps", None),
            best_step=report.pop("best_step", None),
            losses=[Loss(**loss) for loss in report.pop("losses", [])],
            report=report,
            tickets=list(tickets),
        )
