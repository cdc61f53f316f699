"""A deployment as processes: `ltp api` and `ltp worker`s on real Postgres and Redis, with authentication on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import func, select
from support.servers import Redis
from support.service_processes import NOUNS, Stack, wait_for
from support.service_with_keys import UNLIMITED, bearer

from app.storage.blobs import BlobStore
from app.storage.models import AdapterRow, DriftRow, JobEventRow, JobRow, TicketRow
from ltp.config import LABELS

LTP = str(Path(sys.executable).with_name("ltp"))


class Deployment(Stack):
    """One database and one broker; APIs and workers are started as they are wanted, each with settings of its own."""

    def __init__(self, directory: Path, backbone: Path, *, database_url: str, redis: Redis, **settings: Any) -> None:
        settings = {**UNLIMITED, "database_url": database_url, "redis_url": redis.url, **settings}
        super().__init__(directory, backbone, **settings)
        self.redis = redis
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.settings.port}",
            headers=bearer(str(settings["admin_key"])),
            timeout=60,
            trust_env=False,
        )

    def start_api(self, **changes: Any) -> subprocess.Popen[bytes]:
        """Start `ltp api`, and wait until it can predict."""
        process = self._with(changes, lambda: self.api(port=self.settings.port))
        wait_for(self.is_ready, message="the API was not ready")
        return process

    def worker(self, *, queues: str | None = None, **changes: Any) -> subprocess.Popen[bytes]:
        """Start `ltp worker`."""
        arguments = [LTP, "worker", *(["--queues", queues] if queues else [])]
        return self._with(changes, lambda: self._start(arguments))

    def finish(self, *jobs: JobRow, timeout_s: float = 240) -> list[JobRow]:
        return super().finish(*jobs, timeout_s=timeout_s)

    def is_ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        self.http.close()
        super().close()

    def _with(self, changes: dict[str, Any], start: Callable[[], Any]) -> Any:
        """Start something with settings that differ."""
        mine = self.settings
        if "redis_url" in changes:
            changes["redis_url"] = changes["redis_url"] and SecretStr(changes["redis_url"])
        self.settings = mine.model_copy(update=changes)
        try:
            return start()
        finally:
            self.settings = mine

    # what a client does

    def accepted(self, path: str, body: dict[str, Any]) -> JobRow:
        """Have work accepted."""
        response = self.http.post(path, json=body)
        assert response.status_code == 202, response.text
        return self.job(response.json()["job"]["id"])

    def ticket(self, **mlm: Any) -> JobRow:
        """A ticket with a drift of its own (`epochs` x 6 steps)."""
        number = next(self._numbers)
        texts = [f"The {NOUNS[(number + i) % 30]} sees a {NOUNS[i * 7 % 30]} {number} ." for i in range(60)]
        mlm = {"epochs": 3, "batch_size": 10, "learning_rate": 1e-3, "seed": number, **mlm}
        return self.accepted("/tickets", {"corpus": {"texts": texts}, "mlm": mlm, "active_ratio": 0.1})

    def adapter(self, *, lang: str, **training: Any) -> JobRow:
        """A soft prompt on 24 pairs (`epochs` x 3 steps)."""
        number = next(self._numbers)
        examples = [
            {"premise": f"The {NOUNS[(number + i) % 30]} has a {label}.", "hypothesis": "It is.", "label": label}
            for i in range(8)
            for label in LABELS
        ]
        training = {"epochs": 3, "batch_size": 8, "learning_rate": 1e-3, "seed": number, **training}
        return self.accepted("/adapters", {"lang": lang, "method": "pt", "examples": examples, "training": training})

    def predict(self, lang: str) -> httpx.Response:
        pair = {"premise": "The dog runs.", "hypothesis": "A dog is here."}
        return self.http.post("/predict", json={"lang": lang, "pairs": [pair]})

    # what must hold

    def published_once(self, job: JobRow) -> JobRow:
        """The job as it is now: succeeded, told once, and all that it made is ready and whole."""
        job = self.job(job.id)
        assert job.status == "succeeded", (job.status, job.error_code, job.error_detail)
        with self.db.read() as session:
            done = select(func.count()).where(JobEventRow.job_id == job.id, JobEventRow.kind == "done")
            assert session.scalar(done) == 1
            made = [
                row
                for table in (DriftRow, TicketRow, AdapterRow)
                for row in session.scalars(select(table).where(table.job_id == job.id))
            ]
        assert {row.status for row in made} == {"ready"}
        for row in made:
            BlobStore(self.db).verify(str(row.blob_id))
        return job
