"""Contents in a store, with the service's real processes: trained, published and judged through it, and nothing is lost
while it is away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from sqlalchemy import func, select
from support.needs import PROCESS, needs
from support.object_server import BUCKET, ObjectServer, running_object_server
from support.service_processes import Stack, wait_for

from app.storage.models import BlobChunkRow, BlobRow, JobRow

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]
PAIR = {"premise": "The dog runs.", "hypothesis": "A dog is here."}


@pytest.fixture
@needs(PROCESS)
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    with running_object_server() as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def kept(stack: Stack) -> tuple[int, set[str]]:
    """Chunks in the database, and the ids of what is published."""
    with stack.db.read() as session:
        chunks = session.scalar(select(func.count()).select_from(BlobChunkRow)) or 0
        return chunks, set(session.scalars(select(BlobRow.id).where(BlobRow.status == "ready")))


def test_what_is_trained_is_published_and_judges_through_the_store_also_when_that_was_away(
    server: ObjectServer, make_stack: Callable[..., Stack]
) -> None:
    stack = make_stack(blob_url=f"s3://{BUCKET}/ltp", lease_s=4)
    stack.serve()
    with httpx.Client(base_url=f"http://127.0.0.1:{stack.settings.port}", timeout=60, trust_env=False) as http:

        def ready() -> dict[str, str | None] | None:
            try:
                answer = http.get("/readyz")
            except httpx.HTTPError:
                return None
            return answer.json() if answer.status_code == 200 else None

        def judged(lang: str) -> httpx.Response:
            return http.post("/predict", json={"lang": lang, "pairs": [PAIR]})

        wait_for(ready, timeout_s=240, message="the service was not ready")
        assert is_sound(ready())
        first = stack.submit_adapter(lang="sw")
        assert stack.finish(first, timeout_s=240)[0].status == "succeeded"
        assert judged("sw").status_code == 200

        training = stack.submit_ticket(epochs=40)
        stack.reached(training, "training", timeout_s=240)
        with server.away():
            wait_for(lambda: stack.job(training.id).phase != "training", timeout_s=120)
            waiting = wait_for(lambda: _handed_back(stack, training), timeout_s=60)
            refused = http.post("/tickets", json={"corpus": {"texts": ["One line.", "Another."]}, "mlm": {"epochs": 1}})
            assert (refused.status_code, refused.json()["error"]) == (503, "blob_store_unavailable")
            assert refused.headers["Retry-After"] == "5"
            assert judged("sw").status_code == 200, "what is in memory goes on"
            assert "does not answer" in str(wait_for(lambda: (ready() or {}).get("blob_store")))
        assert waiting.attempt == 0, "an attempt that the store has cost does not count"
        (ended,) = stack.finish(training, timeout_s=240)
        assert (ended.status, ended.attempt) == ("succeeded", 1)
        wait_for(lambda: is_sound(ready()))

        second = stack.submit_adapter(lang="yo", ticket_id=stack.made(ended).id)
        assert stack.finish(second, timeout_s=240)[0].status == "succeeded"
        assert judged("yo").status_code == 200
        chunks, published = kept(stack)
        assert chunks == 0
        assert wait_for(lambda: server.keys("ltp") == kept(stack)[1]), published

        assert http.delete(f"/adapters/{stack.made(first).id}").status_code == 204
        wait_for(lambda: len(server.keys("ltp")) < len(published), message="the deleted adapter is still in the store")
        wait_for(lambda: server.keys("ltp") == kept(stack)[1])


def is_sound(readiness: dict[str, str | None] | None) -> bool:
    return readiness is not None and readiness["database"] is None and readiness["blob_store"] is None


def _handed_back(stack: Stack, job: JobRow) -> JobRow | None:
    found = stack.job(job.id)
    return found if found.status == "queued" else None
