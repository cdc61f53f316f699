"""How long a training will take: from how long the tenant's recent ones took, or, before any, a rough constant.

What a training computes is told in tokens that pass through the model (`ltp.adapter.effort`); how fast a service does
that it shows. Those of the same estimate count where there are any: folds train side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import jobs
from app.registry import starts, tickets
from app.registry.starts import Fit, Hyperparameters, WantedStart
from app.storage.models import AdapterRow
from ltp.adapter.crossfit.estimate import FEW
from ltp.adapter.effort import passes
from ltp.backbone.manifest import BackboneInfo
from ltp.config import LabelSpace
from ltp.model.methods import METHODS, Method

RECENT = 20
"""Trainings that are looked at, the newest."""
COMPUTING = ("training", "validating", "checkpoints")
"""Of a training's timings what grows with the passes; the rest is overhead."""
OPERATIONS_A_SECOND = {"cpu": 1e11, "cuda": 1e13}
"""Rough constants, by the device of the workers: two cores of a server do 115 in fp32 (`bench/report.md`, 3)."""
OPERATIONS = 6
"""For each parameter and token, forward and backward."""
PARAMETERS = 12
"""Of a layer, in squares of the hidden size."""
OVERHEAD_S = 6.0
"""Outside training (`bench/report.md`, 4)."""
SPREAD = 3.0
"""By which factor the constant may be wrong, either way."""
TRUSTED = 3
"""Trainings from which on their own spread is told; fewer count as wrong by `FEW_SPREAD`."""
FEW_SPREAD = 1.5


@dataclass(frozen=True)
class Expected:
    """Seconds from a worker's taking the job, and within which bounds; how many trainings that was told from."""

    seconds: float
    least: float
    most: float
    trainings: int
    device: str

    @property
    def said(self) -> str:
        """How it was got."""
        if self.trainings:
            return f"from {self.trainings} recent training(s) of yours on this service"
        return f"a rough constant for {self.device}, since nothing of yours was trained here lately"


@dataclass(frozen=True)
class Planned:
    """A training as it would be asked for, with counts in the place of the pairs."""

    pairs: int
    dev: int
    sources: int
    tokens: float
    """Mean tokens of a pair, with its template."""
    method: Method
    ticket: str | None
    start: WantedStart
    label_space: LabelSpace
    hyperparameters: Hyperparameters
    seeds: int


@dataclass(frozen=True)
class Foreseen:
    """What a planned training comes to."""

    expected: Expected
    estimate: Literal["cross_fit", "holdout"]
    start: dict[str, Any] | None
    """The adapter that it would begin from."""


@dataclass(frozen=True)
class _Seen:
    """What one training took."""

    estimate: str
    a_token: float
    overhead: float


def effort(tokens: float, estimate: Literal["cross_fit", "holdout"]) -> dict[str, Any]:
    """What a training's report keeps of its effort, for those that follow."""
    return {"tokens": round(tokens), "estimate": estimate}


def foresee(
    session: Session, planned: Planned, *, tenant: str, backbone: BackboneInfo, starter_of: str | None, heard_s: float
) -> Foreseen:
    """Tell what a training comes to: from what it begins, how its scores are made, and how long it takes.

    Raises what submitting it would where ticket or start cannot be used.
    """
    needs = METHODS[planned.method].needs_ticket and planned.ticket is not None
    ticket = tickets.get_ready(session, tenant=tenant, ticket_id=str(planned.ticket)) if needs else None
    start = starts.choose(
        session,
        planned.start,
        Fit(planned.method, planned.label_space, None, planned.hyperparameters),
        tenant=tenant,
        backbone=backbone.fingerprint,
        starter_of=starter_of,
        ticket=ticket,
    )
    config = planned.hyperparameters.settled(start)
    few = config.estimate == "auto" and not planned.dev and planned.pairs < FEW
    estimate: Literal["cross_fit", "holdout"] = "cross_fit" if few or config.estimate == "cross_fit" else "holdout"
    took = passes(
        config,
        estimate=estimate,
        pairs=planned.pairs,
        dev=planned.dev,
        sources=planned.sources,
        seeds=planned.seeds,
        started=start is not None,
    )
    told = expected(
        session,
        tenant=tenant,
        backbone=backbone,
        tokens=took * planned.tokens,
        estimate=estimate,
        heard_s=heard_s,
    )
    return Foreseen(told, estimate, starts.facts_of(start))


def expected(
    session: Session,
    *,
    tenant: str,
    backbone: BackboneInfo,
    tokens: float,
    estimate: Literal["cross_fit", "holdout"],
    heard_s: float,
) -> Expected:
    """Tell how long training with so many tokens takes. Workers count that were heard within `heard_s`."""
    seen = _recent(session, tenant=tenant, backbone=backbone)
    alike = [each for each in seen if each.estimate == estimate] or seen
    device = _device(session, backbone, heard_s)
    if not alike:
        taken = tokens * OPERATIONS * PARAMETERS * backbone.layers * backbone.hidden**2 / OPERATIONS_A_SECOND[device]
        return Expected(taken + OVERHEAD_S, taken / SPREAD + OVERHEAD_S, taken * SPREAD + OVERHEAD_S, 0, device)
    overhead = median(each.overhead for each in alike)
    paces = [each.a_token for each in alike]
    usual, wrong = median(paces), FEW_SPREAD if len(paces) < TRUSTED else 1.0
    low, high = min(paces) / wrong, max(paces) * wrong
    seconds, least, most = (pace * tokens + overhead for pace in (usual, low, high))
    return Expected(seconds, least, most, len(alike), device)


def _recent(session: Session, *, tenant: str, backbone: BackboneInfo) -> Sequence[_Seen]:
    """What the tenant's newest trainings took whose reports say so; of their notes nothing else is read."""
    report = AdapterRow.training["report"]
    newest = (
        select(report["effort"].label("effort"), report["timings"].label("timings"))
        .where(AdapterRow.tenant == tenant, AdapterRow.backbone == backbone.fingerprint)
        .where(AdapterRow.status == "ready", AdapterRow.origin == "training")
    )
    rows = session.execute(newest.order_by(AdapterRow.id.desc()).limit(RECENT))
    return [_seen(row.effort, row.timings) for row in rows if row.effort and row.timings]


def _seen(effort: dict[str, Any], timings: dict[str, float]) -> _Seen:
    computing = sum(timings.get(name, 0.0) for name in COMPUTING)
    overhead = sum(seconds for name, seconds in timings.items() if name not in COMPUTING)
    return _Seen(effort["estimate"], computing / max(1, effort["tokens"]), overhead)


def _device(session: Session, backbone: BackboneInfo, heard_s: float) -> str:
    """Where trainings are done, as far as workers say."""
    heard = jobs.heard_lately(session, within_s=heard_s)
    fit = [worker for worker in heard if worker.backbone in (None, backbone.fingerprint)]
    return "cuda" if fit and all(worker.device.startswith("cuda") for worker in fit) else "cpu"
