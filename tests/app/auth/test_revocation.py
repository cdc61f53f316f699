"""A revoked key ends at once for what it could make keys with, on every replica; and what it made ends with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.cli_process import run, serving
from support.running_service import refused
from support.service_with_keys import ADMIN_KEY, bearer

pytestmark = pytest.mark.process

Replicas = tuple[str, str]


@pytest.fixture(scope="module")
def replicas(tiny_backbone_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    """Two API processes on one database."""
    folder = tmp_path_factory.mktemp("replicas")
    data, url = folder / "one", f"sqlite:///{folder / 'shared.sqlite3'}"
    settings = {"auth": "on", "admin_key": ADMIN_KEY, "database_url": url, "rate_limit": "off"}
    assert run("migrate", data_dir=str(data), database_url=url).code == 0
    with (
        serving("api", backbone=tiny_backbone_dir, data=data, **settings) as first,
        serving("api", backbone=tiny_backbone_dir, data=folder / "two", **settings) as second,
    ):
        yield first, second


def ask(method: str, url: str, path: str, secret: str, **wanted: Any) -> httpx.Response:
    return httpx.request(method, url + path, headers=bearer(secret), trust_env=False, timeout=60, **wanted)


def make(url: str, secret: str, *scopes: str) -> dict[str, Any]:
    response = ask("POST", url, "/keys", secret, json={"name": "one more", "scopes": list(scopes)})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


def test_a_key_revoked_at_one_replica_makes_none_at_another(replicas: Replicas) -> None:
    first, second = replicas
    key = make(first, ADMIN_KEY, "admin", "read")
    for url in replicas:
        assert ask("GET", url, "/keys", key["secret"]).status_code == 200
        assert ask("GET", url, "/jobs", key["secret"]).status_code == 200
    assert ask("DELETE", first, f"/keys/{key['id']}", ADMIN_KEY).status_code == 204
    body = {"name": "for good", "scopes": ["admin", "read"]}
    refused(ask("POST", second, "/keys", key["secret"], json=body), 401, "unauthorized")
    for path in ("/keys", "/audit"):
        refused(ask("GET", second, path, key["secret"]), 401, "unauthorized")
    refused(ask("DELETE", second, f"/keys/{key['id']}", key["secret"]), 401, "unauthorized")
    assert "for good" not in ask("GET", first, "/keys?limit=200", ADMIN_KEY).text
    refused(ask("GET", second, "/jobs", key["secret"]), 401, "unauthorized")


def test_a_key_says_who_made_it_and_can_take_along_what_it_made(replicas: Replicas) -> None:
    first, second = replicas
    root = make(first, ADMIN_KEY, "admin", "read")
    between = make(second, root["secret"], "admin", "read")
    leaf, kept = make(first, between["secret"], "read"), make(first, ADMIN_KEY, "read")
    listed = {key["id"]: key["made_by"] for key in ask("GET", first, "/keys?limit=200", ADMIN_KEY).json()["items"]}
    made_by = [listed[key["id"]] for key in (root, between, leaf, kept)]
    assert made_by == [None, root["id"], between["id"], None]
    assert ask("DELETE", first, f"/keys/{between['id']}", ADMIN_KEY).status_code == 204
    assert ask("GET", first, "/jobs", leaf["secret"]).status_code == 200, "a key alone takes none along"

    refused(ask("DELETE", first, f"/keys/{root['id']}?with_made=null", ADMIN_KEY), 422, "invalid_request")
    operation = ask("GET", first, "/openapi.json", ADMIN_KEY).json()["paths"]["/keys/{key_id}"]["delete"]
    assert "422" in operation["responses"], "the description tells of the refusal"
    assert ask("DELETE", first, f"/keys/{root['id']}?with_made=true", ADMIN_KEY).status_code == 204
    for key in (root, between, leaf):
        refused(ask("GET", first, "/jobs", key["secret"]), 401, "unauthorized")
    assert ask("GET", first, "/jobs", kept["secret"]).status_code == 200
    told = [event["resource"]["id"] for event in ask("GET", first, "/audit?limit=3", ADMIN_KEY).json()["items"]
            if event["action"] == "revoke_key"]  # fmt: skip
    assert sorted(told) == sorted([root["id"], leaf["id"], between["id"]])


def test_the_command_line_takes_along_what_a_key_made(replicas: Replicas) -> None:
    first, _ = replicas
    root = make(first, ADMIN_KEY, "admin", "read")
    leaf = make(first, root["secret"], "read")
    assert root["id"] in run("key", "list", "--json", url=first, api_key=ADMIN_KEY).out
    done = run("key", "revoke", root["id"], "--with-made", url=first, api_key=ADMIN_KEY)
    assert done.code == 0, done.err
    refused(ask("GET", first, "/jobs", leaf["secret"]), 401, "unauthorized")
