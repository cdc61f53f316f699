"""Predicting while the database is down: a real PostgreSQL is stopped and started; a clock of ours counts minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from support.running_service import EXAMPLES, Service, refused, running, wait_until
from support.servers import Postgres
from support.service_with_keys import UNLIMITED, admin_of, bearer, make_key

from app.inference.adapter_source import AdapterKey
from app.settings import Settings

pytestmark = pytest.mark.process

OFFLINE_S = 300
PAIR = {"premise": "the dog runs in the field", "hypothesis": "the dog is sleeping"}


class Hours:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def deployed(postgres: Postgres, hours: Hours, tiny_backbone_dir: Path, tmp_path: Path) -> Iterator[Service]:
    """A service with keys on PostgreSQL, with two adapters of method `pt`: `en` and `sw`."""
    with postgres.database() as url:
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            database_url=url,
            data_dir=tmp_path / "data",
            backbone=str(tiny_backbone_dir),
            key_cache_s=20,
            offline_s=OFFLINE_S,
            **UNLIMITED,
        )
        with running(settings, clock=hours) as service:
            service.wait_ready()
            with admin_of(service) as service.http:
                for lang in ("en", "sw"):
                    service.train(lang, method="pt")
                yield service


@pytest.fixture
def keys(deployed: Service) -> dict[str, str]:
    """Secrets of keys with all scopes but `admin`, which have not been used yet."""
    return {name: make_key(deployed, "read", "predict", "train")["secret"] for name in ("seen", "unseen")}


def ask(service: Service, secret: str, *references: str) -> httpx.Response:
    pairs = [{**PAIR, "adapter": reference} for reference in references]
    return service.http.post("/predict", json={"pairs": pairs}, headers=bearer(secret))


def answered(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["predictions"]
    for prediction in found:  # what else is in a batch moves the last digits
        prediction["probabilities"] = {label: round(p, 5) for label, p in prediction["probabilities"].items()}
    return found


def away(response: httpx.Response) -> None:
    refused(response, 503, "database_unavailable")
    assert int(response.headers["Retry-After"]) >= 1


def test_known_keys_predict_with_resident_adapters_for_five_minutes(
    deployed: Service, keys: dict[str, str], hours: Hours, postgres: Postgres
) -> None:
    before = answered(ask(deployed, keys["seen"], "en", "sw"))
    sw = before[1]["adapter"]["id"]
    postgres.stop()
    try:
        assert answered(ask(deployed, keys["seen"], "sw", "en")) == before[::-1]
        hours.pass_by(60)
        assert answered(ask(deployed, keys["seen"], "en")) == before[:1], "the cache is over, the memory is not"
        away(ask(deployed, keys["unseen"], "en"))
        away(ask(deployed, "ltp_" + "A" * 43, "en"))
        away(ask(deployed, keys["seen"], "en@1"))
        deployed.app.state.predictor.drop(AdapterKey("default", sw))
        away(ask(deployed, keys["seen"], "en", "sw"))

        carried = bearer(keys["seen"])
        away(deployed.http.get("/adapters", headers=carried))
        away(deployed.http.delete(f"/adapters/{sw}", headers=carried))
        adapter = {"lang": "fr", "method": "pt", "examples": EXAMPLES}
        away(deployed.http.post("/adapters", json=adapter, headers=carried))
        away(deployed.http.post("/keys", json={"name": "one more", "scopes": ["read"]}))
        assert [deployed.http.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]

        hours.pass_by(OFFLINE_S - 61)
        assert answered(ask(deployed, keys["seen"], "en")) == before[:1]
        assert answered(ask_as_admin(deployed)) == before[:1]
        hours.pass_by(2)
        away(ask(deployed, keys["seen"], "en"))
        away(ask_as_admin(deployed))
    finally:
        postgres.start()
    wait_until(lambda: ask(deployed, keys["unseen"], "en").is_success, 60)
    assert answered(ask(deployed, keys["seen"], "en", "sw")) == before


@pytest.fixture
def frozen(postgres: Postgres) -> Iterator[Callable[[], None]]:
    """Stops the server's processes where they are, connections and all, until the end of the test."""
    processes: list[psutil.Process] = []

    def freeze() -> None:
        master = psutil.Process(postgres.pid)
        processes.extend([master, *master.children(recursive=True)])
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # the server's own helpers come and go
                process.suspend()

    yield freeze
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def test_a_database_that_hangs_is_a_database_that_is_down(
    deployed: Service, keys: dict[str, str], hours: Hours, frozen: Callable[[], None]
) -> None:
    before = answered(ask(deployed, keys["seen"], "en"))
    frozen()
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask, deployed, keys["seen"], "en") for _ in range(40)]
        assert [answered(answer.result()) for answer in answers] == [before] * 40
    away(ask(deployed, keys["unseen"], "en"))
    hours.pass_by(60)
    assert answered(ask(deployed, keys["seen"], "en")) == before


def ask_as_admin(service: Service) -> httpx.Response:
    return service.http.post("/predict", json={"lang": "en", "pairs": [PAIR]})


def test_a_key_that_ends_or_is_revoked_is_not_believed_any_longer(
    deployed: Service, keys: dict[str, str], hours: Hours, postgres: Postgres
) -> None:
    in_two_minutes = datetime.now(UTC) + timedelta(seconds=120)
    ending = make_key(deployed, "predict", expires_at=in_two_minutes.isoformat())
    revoked = make_key(deployed, "predict")
    for secret in (ending["secret"], revoked["secret"]):
        answered(ask(deployed, secret, "en"))
    deployed.http.delete(f"/keys/{revoked['id']}")
    postgres.stop()
    try:
        away(ask(deployed, revoked["secret"], "en"))
        hours.pass_by(60)
        answered(ask(deployed, ending["secret"], "en"))
        hours.pass_by(60)
        refused(ask(deployed, ending["secret"], "en"), 401, "unauthorized")
    finally:
        postgres.start()
    wait_until(lambda: ask(deployed, keys["unseen"], "en").is_success, 60)
    refused(ask(deployed, revoked["secret"], "en"), 401, "unauthorized")


def test_a_revoked_key_is_refused_by_another_process_once_its_cache_is_over(
    postgres: Postgres, tiny_backbone_dir: Path, tmp_path: Path
) -> None:
    hours = Hours()
    with postgres.database() as url:
        shared = {"database_url": url, "backbone": str(tiny_backbone_dir), "key_cache_s": 20, **UNLIMITED}
        first, second = (
            Settings(_env_file=None, data_dir=tmp_path / name, **shared)  # type: ignore[call-arg, arg-type]
            for name in ("first", "second")
        )
        with running(first) as here, running(second, clock=hours) as there, admin_of(here) as admin:
            key = make_key(here, "read")
            carried = bearer(key["secret"])
            assert [service.http.get("/jobs", headers=carried).status_code for service in (here, there)] == [200, 200]
            assert admin.delete(f"/keys/{key['id']}").status_code == 204
            assert here.http.get("/jobs", headers=carried).status_code == 401
            hours.pass_by(19)
            assert there.http.get("/jobs", headers=carried).status_code == 200, "that is what the cache is for"
            hours.pass_by(1)
            assert there.http.get("/jobs", headers=carried).status_code == 401
