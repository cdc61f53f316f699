"""A service whose database is away when it starts: it is alive, says what is wrong, and predicts what it can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.running_service import LINES, Service, refused, running, settings_for, wait_until
from support.servers import free_port

pytestmark = pytest.mark.process


@pytest.fixture
def lonely(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    url = f"postgresql+psycopg://nobody:secret@127.0.0.1:{free_port()}/nothing"
    with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, database_url=url)) as started:
        yield started


def test_it_starts_answers_and_says_when_to_come_back(lonely: Service) -> None:
    assert lonely.http.get("/healthz").status_code == 200
    wait_until(lambda: lonely.http.get("/readyz").status_code == 200, 60)
    for refusal in (
        lonely.http.post("/tickets", json={"corpus": {"texts": LINES}}),
        lonely.http.post("/predict", json={"lang": "sw", "pairs": [{"premise": "a", "hypothesis": "b"}]}),
        lonely.http.get("/jobs"),
        lonely.http.get("/jobs/0199f3a2-7c1e-7d40-9c55-3f0f6f1f2a11/events"),
    ):
        refused(refusal, 503, "database_unavailable")
        assert int(refusal.headers["Retry-After"]) >= 1
        assert "secret" not in refusal.text
    assert lonely.http.get("/healthz").status_code == 200
