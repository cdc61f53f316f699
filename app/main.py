"""The application: routes over services, middleware in front, one engine thread behind.

Importing this module imports no torch. The engine's thread does, once the application starts, so the port answers at
once and `/readyz` turns 200 when predictions can be served.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from app.api.adapter_resolver import AdapterResolver
from app.api.job_watchers import JobWatchers
from app.api.openapi import DESCRIPTION, TAGS, serve_docs
from app.api.routes import (
    adapters,
    answers,
    audit,
    caller,
    compositions,
    data,
    drifts,
    estimates,
    jobs,
    keys,
    language_deltas,
    languages,
    operations,
    predict,
    predictions,
    sharing,
    suggestions,
    tickets,
    transfers,
    webhooks,
)
from app.api.starter_import import StarterImport
from app.auth.key_cache import KeyCache
from app.auth.rate_limits import RateLimits
from app.auth.stream_shares import StreamShares
from app.console.pages import serve_console
from app.http import middleware
from app.http.body_memory import LARGEST_AT_ONCE, BodyMemory
from app.http.error_responses import install
from app.inference.engine_metrics import EngineMetrics
from app.inference.predictor import Predictor
from app.jobs.broker import JobNotifier
from app.settings import MIB, Settings
from app.storage.blob_health import StoreHealth
from app.storage.circuit_breaker import CircuitBreaker, Clock
from app.storage.database import Database
from app.storage.health import DatabaseHealth
from app.storage.spool import Spool, remove_stale
from app.telemetry.database_metrics import DatabaseMetrics
from app.telemetry.loop_lag import LoopLag
from app.telemetry.metrics import Metrics
from app.telemetry.tracing import from_environment
from ltp.release import release

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

log = structlog.get_logger(__name__)

RESOURCES = (
    tickets,
    sharing,
    drifts,
    compositions,
    estimates,
    adapters,
    answers,
    transfers,
    languages,
    language_deltas,
    data,
    suggestions,
    predict,
    predictions,
    jobs,
    keys,
    caller,
    webhooks,
    audit,
    operations,
)

NO_TELEMETRY_OF_ITS_OWN: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's spans and log records carry paths, and what was refused as invalid: texts. Ours carry ids and numbers."""


def create_app(
    settings: Settings, *, clock: Clock = time.monotonic, wake_runner: Callable[[], None] | None = None
) -> FastAPI:
    """Build the application over the database of `settings`; it is ready once that is migrated.

    `clock` counts the seconds for which what the database said is believed; `wake_runner` wakes this machine's runner.
    """
    metrics, tracing = Metrics(), from_environment("api")
    app = FastAPI(
        title="LTP",
        version=release(),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,
        openapi_url=None,  # `serve_docs` encodes the document once
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        middleware=middleware.layers(settings, metrics, tracing, draining=lambda: app.state.predictor.draining),
        telemetry=NO_TELEMETRY_OF_ITS_OWN,
    )
    db = Database.from_settings(settings)
    app.state.settings = settings
    app.state.metrics, app.state.tracing, app.state.db = metrics, tracing, db
    app.state.circuit_breaker = CircuitBreaker(db)
    app.state.health, app.state.store_health = DatabaseHealth(db, app.state.circuit_breaker), StoreHealth(db)
    app.state.keys = KeyCache(db, settings, circuit_breaker=app.state.circuit_breaker, clock=clock)
    _add_bounds(app, settings)
    broker = settings.redis_url.get_secret_value() if settings.redis_url else None
    app.state.notifier = JobNotifier(broker, wake_runner=wake_runner)
    app.state.predictor = Predictor(settings, db, metrics, tracing=tracing, wait_for=lambda: app.state.starter.wait())
    app.state.starter = StarterImport(db, app.state.predictor.backbone)
    app.state.adapter_resolver = AdapterResolver(
        settings, db, app.state.predictor, app.state.starter, circuit_breaker=app.state.circuit_breaker, clock=clock
    )
    metrics.register(DatabaseMetrics(db))
    metrics.register(EngineMetrics(app.state.predictor))
    for resource in RESOURCES:
        app.include_router(resource.router)
    install(app)
    serve_docs(app)
    serve_console(app)
    return app


def _add_bounds(app: FastAPI, settings: Settings) -> None:
    """Give the application what bounds how much is taken of the machine, and by whom."""
    app.state.limits = RateLimits(settings)
    app.state.spool = Spool(settings.spool, most=settings.max_spool_mb * MIB)
    app.state.stream_shares = StreamShares(settings)
    app.state.job_watchers = JobWatchers(draining=lambda: app.state.predictor.draining)
    app.state.body_memory = BodyMemory(LARGEST_AT_ONCE * settings.max_body_mb * MIB)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start the engine's thread; at the end finish what was accepted and close the database."""
    Settings.before_torch()
    settings: Settings = app.state.settings
    if settings.auth == "on" and settings.admin_key is None:
        log.warning("there is no ADMIN_KEY: only keys that were made before are accepted, and no tenant can be created")
    loop_lag = LoopLag(app.state.metrics.lag)
    loop_lag.start()
    await run_in_threadpool(remove_stale, settings.spool)
    app.state.predictor.start()
    app.state.starter.start()
    app.state.notifier.start()
    app.state.keys.start()
    app.state.health.start()
    app.state.store_health.start()
    yield
    await loop_lag.stop()
    app.state.starter.stop()
    await run_in_threadpool(app.state.notifier.stop)
    await run_in_threadpool(app.state.predictor.stop)
    await run_in_threadpool(app.state.keys.stop)
    app.state.db.close()
    await run_in_threadpool(app.state.tracing.close)
