"""Hundreds of forged exports through the real import: each refused with 422, or harmless; none is a fault of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.forgeries import Forger
from support.running_service import Service, running, settings_for

from app.main import create_app  # noqa: F401  the route under test

pytestmark = [pytest.mark.process, pytest.mark.slow]
COUNT = 400


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("forged") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir)) as started:
        started.wait_ready()
        started.make_ticket()
        started.train("en", alias="production")
        yield started


def test_hundreds_of_forgeries_are_refused_or_harmless(service: Service, record_property: Callable[..., None]) -> None:
    forger = Forger(service.export("en"))
    seen: Counter[str] = Counter()
    for number in range(COUNT):
        response = service.bring_in(forger.forge(number), lang="en")
        answer = response.json()
        seen[f"{response.status_code} {answer.get('error', '')}".strip()] += 1
        assert response.status_code in (201, 422), f"forgery {number}: {response.text[:500]}"
        assert len(answer.get("detail", "")) <= 2000
        if response.status_code == 201:
            assert service.http.get(f"/adapters/{answer['id']}").status_code == 200
            assert service.http.get(f"/adapters/{answer['id']}/export").status_code == 200
    record_property("figures", dict(seen))
    assert service.http.get("/adapters?limit=200").status_code == 200
    assert service.http.get("/readyz").status_code == 200
    assert seen.total() == COUNT
    assert sum(count for answer, count in seen.items() if answer.startswith("422")) > COUNT / 2
