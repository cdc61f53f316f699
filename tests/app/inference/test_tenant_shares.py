"""Predictions of one tenant beside another's that ask for more than there is: nobody is refused for it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.running_service import Service, running, settings_for
from support.service_with_keys import UNLIMITED, admin_of, holding

pytestmark = pytest.mark.process

PAIR = {"premise": "the dog runs in the field " * 12, "hypothesis": "the dog"}
EXPANDING = {"premise": "\ufdfa" * 20_000, "hypothesis": "\ufdfa" * 20_000}


@pytest.fixture(scope="module")
def small(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[tuple[Service, bytes]]:
    """A service with a short queue and small batches; and an adapter to import."""
    directory = tmp_path_factory.mktemp("small") / "data"
    settings = {**UNLIMITED, "queue_pairs": 32, "max_tokens": 512}
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir, **settings)) as service:
        service.wait_ready()
        with admin_of(service) as service.http:
            service.train("en", method="pt", alias="production")
            yield service, service.export("en")


def given_adapter(service: Service, client: httpx.Client, exported: bytes) -> None:
    files = {"file": ("exported.safetensors", exported), "request": (None, '{"lang": "en"}')}
    assert client.post("/adapters/import", files=files).status_code == 201


@pytest.mark.parametrize("flood", [[PAIR] * 4, [EXPANDING] * 4], ids=["many pairs", "pairs that grow"])
def test_a_flood_of_one_tenant_refuses_no_other(small: tuple[Service, bytes], flood: list[dict[str, str]]) -> None:
    service, exported = small
    over = threading.Event()
    flooded: Counter[int] = Counter()
    with holding(service, "predict", "train", tenant="amber") as amber, holding(
        service, "predict", "train", tenant="birch"
    ) as birch:  # fmt: skip
        given_adapter(service, amber, exported)
        given_adapter(service, birch, exported)

        def ask() -> None:
            with httpx.Client(base_url=service.url, headers=amber.headers, timeout=120, trust_env=False) as client:
                while not over.is_set():
                    flooded[client.post("/predict", json={"lang": "en", "pairs": flood}).status_code] += 1

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        body = {"lang": "en", "pairs": [PAIR] * 8}
        try:
            answers = [birch.post("/predict", json=body).status_code for _ in range(5)]
        finally:
            over.set()
            for thread in threads:
                thread.join()
    assert answers == [200] * 5, flooded
    assert flooded[429] > 0, "the queue was full"
