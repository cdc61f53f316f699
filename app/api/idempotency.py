"""`Idempotency-Key`: sending a request that starts work twice starts it once.

The key is scoped to tenant, method and path, and kept for 24 hours with the 202 it got. The same body replays that
answer, another body is refused, and of concurrent twins one makes the job: key and job are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import structlog
from fastapi import Depends, Header, Request
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse

from app.api.dependencies import DatabaseDep
from app.api.schemas.jobs import Accepted
from app.auth.caller import CallerDep
from app.errors import IdempotencyConflict
from app.jobs.broker import Doorbell
from app.storage import quotas
from app.storage.database import Database
from app.storage.models import IdempotencyKeyRow
from app.storage.table import now

log = structlog.get_logger(__name__)

KEPT = timedelta(hours=24)

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Any string of your own; repeating the request with the same key does not repeat the work.",
        examples=["b7f0c1de-train-sw"],
    ),
]


@dataclass(frozen=True)
class Starter:
    """Starts the work of one request, once a key."""

    db: Database
    doorbell: Doorbell
    tenant: str
    method: str
    path: str
    key: str | None
    most_jobs: int

    def replay(self, digest: str) -> JSONResponse | None:
        """Return the stored answer to this key, if there is one; spares the preparation of work that was started.

        Raises:
            TooManyJobs: there is none, and the tenant may not start anything now; spares the preparation as well.
        """
        with self.db.read() as session:
            stored = self._stored(session, digest)
            if stored is None:
                quotas.check_jobs(session, tenant=self.tenant, most=self.most_jobs)
        return None if stored is None else _accepted(stored)

    def start(self, digest: str, begin: Callable[[Session], Accepted]) -> JSONResponse:
        """Run `begin` in a write transaction together with the key, or replay; returns the 202.

        A worker is told once the job is committed, and never before.

        Raises:
            IdempotencyConflict: the key came before with another body.
            TooManyJobs: the tenant has as many unfinished jobs as it may.
        """
        try:
            content = self._start(digest, begin)
        except IntegrityError:
            if self.key is None:
                raise
            content = self._start(digest, begin)  # a twin committed first; its answer is there now
        log.info("job accepted", job=content["job"]["id"], kind=content["job"]["kind"])
        self.doorbell.ring(content["job"]["id"], kind=content["job"]["kind"])
        return _accepted(content)

    def _start(self, digest: str, begin: Callable[[Session], Accepted]) -> dict[str, Any]:
        with self.db.write() as session:
            quotas.lock(session, self.tenant)
            stored = self._stored(session, digest)
            if stored is not None:
                return stored
            quotas.check_jobs(session, tenant=self.tenant, most=self.most_jobs)
            if self.key is None:
                return begin(session).model_dump(mode="json")
            session.execute(delete(IdempotencyKeyRow).where(IdempotencyKeyRow.created_at < now(session) - KEPT))
            answer = begin(session)
            content = answer.model_dump(mode="json")
            session.add(
                IdempotencyKeyRow(
                    tenant=self.tenant,
                    method=self.method,
                    path=self.path,
                    key=self.key,
                    body_sha256=digest,
                    status=202,
                    response=content,
                    job_id=answer.job.id,
                    created_at=now(session),
                )
            )
        return content

    def _stored(self, session: Session, digest: str) -> dict[str, Any] | None:
        if self.key is None:
            return None
        row = session.get(IdempotencyKeyRow, (self.tenant, self.method, self.path, self.key))
        if row is None or row.created_at < now(session) - KEPT:
            return None
        if row.body_sha256 != digest:
            raise IdempotencyConflict(
                f"the Idempotency-Key {self.key!r} was used with another body; take a new key for a new request"
            )
        return row.response


def _accepted(content: dict[str, Any]) -> JSONResponse:
    return JSONResponse(content, 202, headers={"Location": f"/jobs/{content['job']['id']}"})


def starter(request: Request, db: DatabaseDep, caller: CallerDep, key: KeyHeader = None) -> Starter:
    """Collect what scopes the key of this request."""
    state, path = request.app.state, request.scope["path"]
    most_jobs = state.settings.max_queued_jobs
    return Starter(db, state.doorbell, caller.tenant, request.method, path, key, most_jobs)


StarterDep = Annotated[Starter, Depends(starter)]
