"""What routes depend on: the services of the application, and resources that exist and belong to the caller.

"Does it exist, is it mine?" is asked here only, so 404 is written once a resource. What asks the database runs in a
thread; the rest is `async`, since handing it to a thread would cost more than the work.
"""

from __future__ import annotations

import re
from typing import Annotated, cast

from fastapi import Depends, Path, Request
from fastapi.routing import APIRoute

from app import jobs
from app.api.adapter_resolver import AdapterResolver
from app.api.schemas.scalars import A_JOB_ID, A_TICKET_ID, AN_ADAPTER_ID, UUID
from app.api.starter_import import StarterImport
from app.auth.caller import CallerDep
from app.errors import (
    AdapterNotFound,
    DriftNotFound,
    JobNotFound,
    LanguageDeltaNotFound,
    NotFound,
    PredictionNotFound,
    TicketNotFound,
)
from app.inference.predictor import Predictor
from app.registry import adapters, drifts, language_deltas, predictions, tickets
from app.registry.language_tags import normalise
from app.settings import MIB, Settings
from app.storage import models
from app.storage.audit import AuditContext
from app.storage.blob_health import StoreHealth
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.health import DatabaseHealth
from app.storage.quotas import StorageQuota
from app.storage.spool import Spool
from app.telemetry.metrics import Metrics
from ltp.backbone.manifest import BackboneInfo
from ltp.text.vocabulary import Vocabulary

_UUID = re.compile(UUID)


async def _settings(request: Request) -> Settings:
    return cast(Settings, request.app.state.settings)


async def _database(request: Request, caller: CallerDep) -> Database:
    """Return the caller's view of the database. What it changes is in the audit trail under the operation's id."""
    db = cast(Database, request.app.state.db)
    operation = cast(APIRoute, request.scope["route"]).operation_id or ""
    return db.of(caller.tenant, act=AuditContext(caller.actor, operation, request.state.request_id))


async def _quota(request: Request) -> StorageQuota:
    return StorageQuota(cast(Settings, request.app.state.settings).max_stored_mb * MIB)


QuotaDep = Annotated[StorageQuota, Depends(_quota)]


async def _blobs(request: Request, caller: CallerDep, quota: QuotaDep) -> BlobStore:
    """Return the caller's blobs. Staging is not audited; the transaction that uses the blob is."""
    return BlobStore(cast(Database, request.app.state.db).of(caller.tenant), quota=quota)


async def _predictor(request: Request) -> Predictor:
    return cast(Predictor, request.app.state.predictor)


async def _health(request: Request) -> DatabaseHealth:
    return cast(DatabaseHealth, request.app.state.health)


async def _store_health(request: Request) -> StoreHealth:
    return cast(StoreHealth, request.app.state.store_health)


async def _resolver(request: Request) -> AdapterResolver:
    return cast(AdapterResolver, request.app.state.adapter_resolver)


async def _starter(request: Request) -> StarterImport:
    return cast(StarterImport, request.app.state.starter)


async def _spool(request: Request) -> Spool:
    return cast(Spool, request.app.state.spool)


async def _metrics(request: Request) -> Metrics:
    return cast(Metrics, request.app.state.metrics)


SettingsDep = Annotated[Settings, Depends(_settings)]
DatabaseDep = Annotated[Database, Depends(_database)]
BlobsDep = Annotated[BlobStore, Depends(_blobs)]
PredictorDep = Annotated[Predictor, Depends(_predictor)]
HealthDep = Annotated[DatabaseHealth, Depends(_health)]
StoreHealthDep = Annotated[StoreHealth, Depends(_store_health)]
ResolverDep = Annotated[AdapterResolver, Depends(_resolver)]
StarterDep = Annotated[StarterImport, Depends(_starter)]
SpoolDep = Annotated[Spool, Depends(_spool)]
MetricsDep = Annotated[Metrics, Depends(_metrics)]


async def _backbone(predictor: PredictorDep) -> BackboneInfo:
    """Return the served backbone's facts; raises NotReady while it is being prepared."""
    return predictor.backbone.info


BackboneDep = Annotated[BackboneInfo, Depends(_backbone)]


async def _vocabulary(predictor: PredictorDep) -> Vocabulary | None:
    """Return what texts are checked with; None while the backbone is being loaded: the job then checks them."""
    return predictor.backbone.vocabulary


VocabularyDep = Annotated[Vocabulary | None, Depends(_vocabulary)]


def checked_id(identifier: str, error: type[NotFound]) -> str:
    """Return `identifier` if it is a UUID; anything else is refused without asking the database."""
    if not _UUID.fullmatch(identifier):
        raise error(identifier[:100])
    return identifier


def _id(noun: str, example: str) -> object:
    return Path(description=f"Id of the {noun}.", examples=[example], json_schema_extra={"format": "uuid"})


def _language(
    lang: Annotated[
        str,
        Path(description="A BCP-47 tag, an ISO 639-3 code, or one with a script such as `yor_Latn`.", examples=["sw"]),
    ],
) -> str:
    """Normalise the language of the path; raises InvalidLanguage."""
    return normalise(lang)


def _job(job_id: Annotated[str, _id("job", A_JOB_ID)], db: DatabaseDep, caller: CallerDep) -> models.JobRow:
    with db.read() as session:
        return jobs.get(session, tenant=caller.tenant, job_id=checked_id(job_id, JobNotFound))


def _ticket(
    ticket_id: Annotated[str, _id("ticket", A_TICKET_ID)], db: DatabaseDep, caller: CallerDep
) -> models.TicketRow:
    with db.read() as session:
        return tickets.get(session, tenant=caller.tenant, ticket_id=checked_id(ticket_id, TicketNotFound))


def _drift(drift_id: Annotated[str, _id("drift", A_TICKET_ID)], db: DatabaseDep, caller: CallerDep) -> models.DriftRow:
    with db.read() as session:
        return drifts.get(session, tenant=caller.tenant, drift_id=checked_id(drift_id, DriftNotFound))


def _adapter(
    adapter_id: Annotated[str, _id("adapter", AN_ADAPTER_ID)], db: DatabaseDep, caller: CallerDep
) -> models.AdapterRow:
    with db.read() as session:
        return adapters.get(session, tenant=caller.tenant, adapter_id=checked_id(adapter_id, AdapterNotFound))


def _other_adapter(
    other_id: Annotated[str, _id("other adapter", AN_ADAPTER_ID)], db: DatabaseDep, caller: CallerDep
) -> models.AdapterRow:
    return _adapter(other_id, db, caller)


def _language_delta(
    language_delta_id: Annotated[str, _id("language delta", A_JOB_ID)], db: DatabaseDep, caller: CallerDep
) -> models.LanguageDeltaRow:
    with db.read() as session:
        identifier = checked_id(language_delta_id, LanguageDeltaNotFound)
        return language_deltas.get(session, tenant=caller.tenant, language_delta_id=identifier)


def _prediction(
    prediction_id: Annotated[str, _id("prediction", A_JOB_ID)], db: DatabaseDep, caller: CallerDep
) -> models.PredictionRow:
    with db.read() as session:
        identifier = checked_id(prediction_id, PredictionNotFound)
        return predictions.get(session, tenant=caller.tenant, prediction_id=identifier)


LanguageDep = Annotated[str, Depends(_language)]
JobDep = Annotated[models.JobRow, Depends(_job)]
TicketDep = Annotated[models.TicketRow, Depends(_ticket)]
DriftDep = Annotated[models.DriftRow, Depends(_drift)]
AdapterDep = Annotated[models.AdapterRow, Depends(_adapter)]
OtherAdapterDep = Annotated[models.AdapterRow, Depends(_other_adapter)]
"""Of an operation on two."""
LanguageDeltaDep = Annotated[models.LanguageDeltaRow, Depends(_language_delta)]
PredictionDep = Annotated[models.PredictionRow, Depends(_prediction)]
