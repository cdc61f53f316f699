"""Keys over HTTP: who may do what, what a refusal tells, and which keys can make which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import inspect, select, update
from support.running_service import Service, refused, running, settings_for, wait_until
from support.service_with_keys import ADMIN_KEY, UNLIMITED, bearer, holding, make_key

from app.storage.models import ApiKeyRow

pytestmark = pytest.mark.process

ABSENT = "0199f3a2-7c1e-7d40-9c55-3f0f6f1f2a11"
PUBLIC = {"healthz", "readyz", "version"}
SCOPES = {"read", "predict", "train", "admin"}


@pytest.fixture(scope="module")
def keyed(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    """A service with authentication on."""
    directory = tmp_path_factory.mktemp("keyed") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir, **UNLIMITED)) as started:
        wait_until(lambda: started.http.get("/backbone", headers=bearer(ADMIN_KEY)).status_code == 200, 60)
        yield started


def operations(service: Service) -> list[tuple[str, str, dict[str, Any]]]:
    """Every documented operation: method, path with its parameters filled in, and what is said of it."""
    found = []
    for path, methods in service.http.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            filled = re.sub(r"\{lang\}", "sw", path)
            filled = re.sub(r"\{alias\}", "production", filled)
            found.append((method.upper(), re.sub(r"\{[a-z_]+\}", ABSENT, filled), operation))
    return found


def test_every_operation_but_the_public_ones_wants_a_key(keyed: Service) -> None:
    asked = operations(keyed)
    assert len(asked) > 30
    public = {operation["operationId"] for method, path, operation in asked if "security" not in operation}
    assert public == PUBLIC
    for method, path, operation in asked:
        response = keyed.http.request(method, path)
        if operation["operationId"] in PUBLIC:
            assert response.status_code in (200, 503), path
        else:
            refused(response, 401, "unauthorized")
            assert response.headers["WWW-Authenticate"] == "Bearer"


def test_every_operation_refuses_a_key_that_lacks_its_scope_and_names_the_scope(keyed: Service) -> None:
    secrets = {scope: make_key(keyed, scope)["secret"] for scope in SCOPES}
    checked = 0
    for method, path, operation in operations(keyed):
        if operation["operationId"] in PUBLIC:
            continue
        needed = set(re.findall(r"`(\w+)`", operation["description"].split("Needs a key with scope")[1]))
        assert needed, path
        assert needed <= SCOPES, path
        for scope in SCOPES - needed:
            body = refused(keyed.http.request(method, path, headers=bearer(secrets[scope])), 403, "forbidden")
            assert " or ".join(needed) in body["detail"] or len(needed) > 1
            checked += 1
        if operation["operationId"] not in ("metrics", "revoke_key"):
            for scope in needed:
                response = keyed.http.request(method, path, headers=bearer(secrets[scope]))
                assert response.status_code not in (401, 403), f"{method} {path} with {scope}"
    assert checked > 80


def test_what_is_not_documented_needs_no_key_and_tells_nothing(keyed: Service) -> None:
    for path in ("/docs", "/openapi.json", "/docs/assets/swagger-ui.css"):
        assert keyed.http.get(path).status_code == 200
    refused(keyed.http.get("/nowhere"), 404, "route_not_found")


def wrong_keys(service: Service) -> list[dict[str, str]]:
    """Every way in which a request can be without a valid key."""
    revoked, expired = (make_key(service, "read") for _ in range(2))
    service.http.delete(f"/keys/{revoked['id']}", headers=bearer(ADMIN_KEY))
    with service.app.state.db.write() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(ApiKeyRow).where(ApiKeyRow.id == expired["id"]).values(expires_at=past))
    whole = revoked["secret"]
    secrets = [whole, expired["secret"], "ltp_" + "A" * 43, whole[:-1], whole + "A", "x", "é", ADMIN_KEY[:-1]]
    headers = [bearer(secret) for secret in secrets]
    return [{}, *headers, {"Authorization": f"Basic {whole}"}, {"Authorization": whole}, {"Authorization": "Bearer"}]


def test_every_refused_key_is_refused_alike(keyed: Service) -> None:
    seen = set()
    for headers in wrong_keys(keyed):
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        response = keyed.http.get("/jobs", headers=raw)
        body = refused(response, 401, "unauthorized")
        del body["request_id"]
        kept = {name: value for name, value in response.headers.items() if name not in ("x-request-id", "date")}
        seen.add((str(body), str(kept)))
    assert len(seen) == 1


def test_two_keys_in_one_request_are_none(keyed: Service) -> None:
    good = make_key(keyed, "read")["secret"]
    headers = [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")]
    refused(keyed.http.get("/jobs", headers=headers), 401, "unauthorized")
    assert keyed.http.get("/jobs", headers={"authorization": f"bearer  {good}"}).status_code == 200


def test_a_key_shows_its_secret_once_and_only_its_hash_is_kept(keyed: Service) -> None:
    made = make_key(keyed, "read", "predict", name="laptop of A.")
    assert re.fullmatch(r"ltp_[A-Za-z0-9_-]{43}", made["secret"])
    assert (made["tenant"], made["name"], made["scopes"]) == ("default", "laptop of A.", ["predict", "read"])
    listed = keyed.http.get("/keys", headers=bearer(ADMIN_KEY))
    assert made["secret"] not in listed.text
    shown = next(key for key in listed.json()["items"] if key["id"] == made["id"])
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    with keyed.app.state.db.read() as session:
        row = session.scalar(select(ApiKeyRow).where(ApiKeyRow.id == made["id"]))
    assert made["secret"] not in str({column: getattr(row, column.key) for column in inspect(ApiKeyRow).columns})


def test_a_key_of_a_new_tenant_sees_that_tenant_only(keyed: Service) -> None:
    with holding(keyed, "read", "admin", tenant="field-team") as field, holding(keyed, "read", tenant="other") as other:
        assert field.get("/tickets").json()["items"] == []
        assert {key["tenant"] for key in field.get("/keys").json()["items"]} == {"field-team"}
        refused(other.get("/keys"), 403, "forbidden")
    everyone = keyed.http.get("/keys?limit=200", headers=bearer(ADMIN_KEY)).json()["items"]
    assert {"default", "field-team", "other"} <= {key["tenant"] for key in everyone}


def test_an_admin_scope_makes_keys_of_its_own_tenant_with_what_it_has(keyed: Service) -> None:
    with holding(keyed, "admin", "read", tenant="team-b") as admin:
        body = {"name": "more", "scopes": ["read"]}
        made = admin.post("/keys", json=body)
        assert (made.status_code, made.json()["tenant"]) == (201, "team-b")
        assert admin.post("/keys", json={**body, "tenant": "team-b"}).status_code == 201
        for tenant in ("default", "field-team", "brand-new"):
            assert (
                "ADMIN_KEY" in refused(admin.post("/keys", json={**body, "tenant": tenant}), 403, "forbidden")["detail"]
            )
        refusal = refused(admin.post("/keys", json={**body, "scopes": ["read", "train", "predict"]}), 403, "forbidden")
        assert "predict and train" in refusal["detail"]


def test_a_key_cannot_outlive_the_one_that_made_it(keyed: Service) -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    with holding(keyed, "admin", expires_at=end.isoformat()) as admin:
        body = {"name": "longer", "scopes": ["admin"]}
        refused(admin.post("/keys", json=body), 403, "forbidden")
        refused(admin.post("/keys", json={**body, "expires_at": "2100-01-01T00:00:00Z"}), 403, "forbidden")
        sooner = (end - timedelta(minutes=1)).isoformat()
        assert admin.post("/keys", json={**body, "expires_at": sooner}).status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read", "write"]}, "scopes.1"),
        ({"scopes": ["read", "read"]}, "scopes"),
        ({"scopes": "read"}, "scopes"),
        ({"tenant": "Field"}, "tenant"),
        ({"tenant": "1st"}, "tenant"),
        ({"tenant": ""}, "tenant"),
        ({"tenant": "a" * 65}, "tenant"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2100-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:59"}, "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+23:59"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"expires_at": 4102444800}, "expires_at"),
        ({"id": ABSENT}, "id"),
    ],
)
def test_what_no_key_can_be_is_refused_by_field(keyed: Service, change: dict[str, Any], field: str) -> None:
    body = {"name": "fine", "scopes": ["read"], **change}
    response = keyed.http.post("/keys", json=body, headers=bearer(ADMIN_KEY))
    assert [fault["path"] for fault in refused(response, 422, "invalid_request")["fields"]] == [field]


def test_a_key_is_revoked_for_good_and_at_once_here(keyed: Service) -> None:
    made = make_key(keyed, "read", tenant="team-c")
    with holding(keyed, "admin", tenant="team-d") as other_tenant:
        assert keyed.http.get("/jobs", headers=bearer(made["secret"])).status_code == 200
        foreign = refused(other_tenant.delete(f"/keys/{made['id']}"), 404, "key_not_found")
        absent = refused(other_tenant.delete(f"/keys/{ABSENT}"), 404, "key_not_found")
        assert foreign["detail"].replace(made["id"], ABSENT) == absent["detail"]
    assert keyed.http.delete(f"/keys/{made['id']}", headers=bearer(ADMIN_KEY)).status_code == 204
    refused(keyed.http.get("/jobs", headers=bearer(made["secret"])), 401, "unauthorized")
    refused(keyed.http.delete(f"/keys/{made['id']}", headers=bearer(ADMIN_KEY)), 404, "key_not_found")
    listed = keyed.http.get("/keys?limit=200", headers=bearer(ADMIN_KEY)).json()["items"]
    assert made["id"] not in [key["id"] for key in listed]


def test_a_stream_ends_with_the_key_it_began_with(keyed: Service) -> None:
    made = make_key(keyed, "read", "train")
    carried = bearer(made["secret"])
    job = keyed.http.post("/tickets", json={"corpus": {"builtin": "demo"}}, headers=carried).headers["Location"]
    with keyed.http.stream("GET", f"{job}/events", headers=carried) as events:
        assert events.status_code == 200
        assert keyed.http.delete(f"/keys/{made['id']}", headers=bearer(ADMIN_KEY)).status_code == 204
        assert "event: done" not in "".join(events.iter_text()), "it ended although the job did not"
    assert keyed.http.get(job, headers=bearer(ADMIN_KEY)).json()["status"] == "queued"


def test_the_last_use_is_noted_beside_the_requests(keyed: Service) -> None:
    made = make_key(keyed, "read")
    assert made["last_used_at"] is None
    before = datetime.now(UTC)
    assert keyed.http.get("/jobs", headers=bearer(made["secret"])).status_code == 200
    assert last_use(keyed, made["id"]) is None, "no request waits for it to be written"
    wait_until(lambda: last_use(keyed, made["id"]) is not None, 60)
    first = last_use(keyed, made["id"])
    assert first is not None
    assert abs((first - before).total_seconds()) < 30
    assert keyed.http.get("/jobs", headers=bearer(made["secret"])).status_code == 200
    keyed.app.state.keys.write_uses()
    assert last_use(keyed, made["id"]) == first, "at most once a minute"


def last_use(service: Service, key_id: str) -> datetime | None:
    with service.app.state.db.read() as session:
        return session.get_one(ApiKeyRow, key_id).last_used_at


def test_without_authentication_keys_are_not_asked_for(shared: Service) -> None:
    assert shared.http.get("/jobs").status_code == 200
    assert shared.http.get("/jobs", headers=bearer("nonsense")).status_code == 200
    made: httpx.Response = shared.http.post("/keys", json={"name": "for later", "scopes": ["read"]})
    assert (made.status_code, made.json()["tenant"]) == (201, "default")
