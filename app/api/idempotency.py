"""`Idempotency-Key`: sending a request that starts work twice starts it once.

The key is scoped to tenant, method and path, and kept for 24 hours with the 202 it got. The same body replays that
answer, another body is refused, and of concurrent twins one makes the job: key and job are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVarTuple

import structlog
from fastapi import Depends, Header, Request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse

from app.api.dependencies import DatabaseDep, QuotaDep
from app.api.schemas.jobs import Accepted
from app.auth.caller import CallerDep
from app.http.route_templates import path_of
from app.jobs.broker import JobNotifier
from app.jobs.idempotency import ScopedKey, forget_expired, store_answer, stored_answer
from app.storage import quotas
from app.storage.database import Database
from app.storage.locks import is_overtaken, lock_tenant
from app.storage.quotas import StorageQuota

Rows = TypeVarTuple("Rows")

log = structlog.get_logger(__name__)

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
class IdempotentSubmitter:
    """Starts the work of one request, once a key; every time where there is none."""

    db: Database
    notifier: JobNotifier
    tenant: str
    key: ScopedKey | None
    most_jobs: int
    quota: StorageQuota
    root: str
    """The path under which the service lies for this client."""

    def replay(self, digest: str) -> JSONResponse | None:
        """Return the stored answer to this key, if there is one; spares the preparation of work that was started.

        Raises:
            IdempotencyConflict: the key came before with another body.
            TooManyJobs: there is none, and the tenant may not start anything now; spares the preparation as well.
        """
        with self.db.read() as session:
            stored = self._stored(session, digest)
            if stored is None:
                quotas.check_jobs(session, tenant=self.tenant, most=self.most_jobs)
        return None if stored is None else self._accepted(stored)

    def start(
        self, digest: str, submit: Callable[[Session], tuple[*Rows]], answer: Callable[[*Rows], Accepted]
    ) -> JSONResponse:
        """Call `submit` in a write transaction together with the key, or replay; returns the 202.

        `submit` is one of `app.registry.submissions` with its arguments; `answer` describes the rows that it added.
        A worker is told once the job is committed, and never before.

        Raises:
            IdempotencyConflict: the key came before with another body.
            TooManyJobs: the tenant has as many unfinished jobs as it may.
            QuotaExceeded: it keeps as much as it may.
        """
        try:
            content = self._start(digest, submit, answer)
        except IntegrityError as error:
            if not is_overtaken(error):
                raise
            content = self._start(digest, submit, answer)  # by a twin, whose answer is there now, say
        log.info("job accepted", job=content["job"]["id"], kind=content["job"]["kind"])
        self.notifier.notify(content["job"]["id"], kind=content["job"]["kind"])
        return self._accepted(content)

    def _start(
        self, digest: str, submit: Callable[[Session], tuple[*Rows]], answer: Callable[[*Rows], Accepted]
    ) -> dict[str, Any]:
        with self.db.write() as session:
            lock_tenant(session, self.tenant)
            stored = self._stored(session, digest)
            if stored is not None:
                return stored
            quotas.check_jobs(session, tenant=self.tenant, most=self.most_jobs)
            content = answer(*submit(session)).model_dump(mode="json")
            self.quota.check(session, self.tenant)
            if self.key is not None:
                forget_expired(session)
                store_answer(session, self.key, content, digest=digest, job_id=content["job"]["id"])
        return content

    def _stored(self, session: Session, digest: str) -> dict[str, Any] | None:
        return None if self.key is None else stored_answer(session, self.key, digest=digest)

    def _accepted(self, content: dict[str, Any]) -> JSONResponse:
        return JSONResponse(content, 202, headers={"Location": f"{self.root}/jobs/{content['job']['id']}"})


def submitter(
    request: Request, db: DatabaseDep, caller: CallerDep, quota: QuotaDep, key: KeyHeader = None
) -> IdempotentSubmitter:
    """Collect what scopes the key of this request."""
    state = request.app.state
    scoped = None if key is None else ScopedKey(caller.tenant, request.method, path_of(request.scope), key)
    root, most = request.scope.get("root_path", ""), state.settings.max_queued_jobs
    return IdempotentSubmitter(db, state.notifier, caller.tenant, scoped, most, quota, root)


SubmitterDep = Annotated[IdempotentSubmitter, Depends(submitter)]
