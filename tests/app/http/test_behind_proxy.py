"""Behind a proxy: under a path of its own, and with the word of those proxies alone that the settings name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from pydantic import ValidationError
from support.needs import PROCESS, needs
from support.path_proxy import path_proxy
from support.registry_rows import make_ticket
from support.running_service import Service, refused, running, settings_for, wait_until
from support.service_with_keys import ADMIN_KEY, bearer

from app.cli.client import Client
from app.cli.events import follow
from app.http.trusted_proxies import TrustedProxies
from app.settings import Settings

HERE = "127.0.0.1"
PREFIX = "/models/ltp"
TICKET = {"corpus": {"builtin": "demo"}}


@pytest.fixture(scope="module", params=["set, stripped", "set, passed on", "said, stripped", "said, passed on"])
@needs(PROCESS)
def seen(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    migrated_sqlite: Path,
    tiny_backbone_dir: Path,
) -> Iterator[tuple[str, Service]]:
    """The address of a service behind a proxy: the path is set, or the proxy says it; it takes it off, or does not."""
    told_by, _, passes = request.param.partition(", ")
    changes = {"root_path": PREFIX} if told_by == "set" else {"forwarded_allow_ips": HERE}
    directory = tmp_path_factory.mktemp("proxied") / "data"
    settings = settings_for(directory, migrated_sqlite, tiny_backbone_dir, **changes)
    how = {"strips": passes == "stripped", "tells": told_by == "said"}
    with running(settings) as service, path_proxy(service.url, PREFIX, **how) as url:
        wait_until(lambda: service.http.get("/backbone").status_code == 200, 60)
        yield url, service


@pytest.mark.process
def test_documentation_and_locations_are_right_behind_a_path(seen: tuple[str, Service]) -> None:
    url, _ = seen
    with httpx.Client(trust_env=False, timeout=60) as http:
        page = http.get(f"{url}/docs")
        sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(sources) == 3
        assert [http.get(urljoin(f"{url}/docs", source)).status_code for source in sources] == [200] * 3
        (document,) = re.findall(r"url: '([^']+)'", page.text)
        described = http.get(urljoin(f"{url}/docs", document)).json()
        assert described["servers"] == [{"url": PREFIX}], "what is tried out on the page goes through the proxy"
        accepted = http.post(f"{url}/tickets", json=TICKET, headers={"Idempotency-Key": "once"})
        assert accepted.status_code == 202, accepted.text
        job = http.get(urljoin(url, accepted.headers["Location"]))
        assert job.json()["id"] == accepted.json()["job"]["id"]
        body = refused(http.get(f"{url}/nowhere"), 404, "route_not_found")
        assert "'/nowhere'" in body["detail"]
        assert http.head(f"{url}/healthz").status_code == 200


@pytest.mark.process
def test_the_client_commands_work_behind_a_path(seen: tuple[str, Service]) -> None:
    url, service = seen
    with Client(url) as client:
        job = client.post("/tickets", TICKET)["job"]
        client.post(f"/jobs/{job['id']}/cancel")
        assert [event.kind for event in follow(client, job["id"])] == ["done"]
    assert service.http.get("/jobs").json()["items"][0]["status"] == "cancelled"


@pytest.mark.process
def test_a_request_is_the_same_one_with_the_path_and_without(seen: tuple[str, Service]) -> None:
    url, service = seen
    once = {"Idempotency-Key": "the same"}
    through = httpx.post(f"{url}/tickets", json=TICKET, headers=once, trust_env=False, timeout=60)
    direct = service.http.post("/tickets", json=TICKET, headers=once)
    assert through.json() == direct.json()


@pytest.fixture
def unnamed(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    """A service that has been told of no proxy."""
    settings = settings_for(
        tmp_path / "data",
        migrated_sqlite,
        tiny_backbone_dir,
        auth="on",
        admin_key=ADMIN_KEY,
        auth_failures="3/minute",
        max_address_streams=1,
    )
    with running(settings) as started:
        yield started


@pytest.mark.process
def test_nobody_says_where_it_is_unless_a_setting_names_it(unnamed: Service) -> None:
    def wrong(number: int) -> int:
        forged = {"X-Forwarded-For": f"198.51.100.{number}", **bearer(f"ltp_{number:043d}")}
        return unnamed.http.get("/jobs", headers=forged).status_code

    assert [wrong(number) for number in range(6)] == [401] * 3 + [429] * 3
    page = unnamed.http.get("/docs", headers={"X-Forwarded-Prefix": "/elsewhere"})
    assert "/elsewhere" not in page.text
    assert "/elsewhere" not in unnamed.http.get("/openapi.json", headers={"X-Forwarded-Prefix": "/elsewhere"}).text


@pytest.mark.process
def test_clients_of_a_named_proxy_are_told_apart(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> None:
    settings = settings_for(
        tmp_path / "data",
        migrated_sqlite,
        tiny_backbone_dir,
        forwarded_allow_ips=f"10.0.0.0/8, {HERE}",
        max_address_streams=1,
    )
    with running(settings) as service:
        _, _, job = make_ticket(service.app.state.db)

        def watch(client: str) -> httpx.Response:
            asked = service.http.build_request("GET", f"/jobs/{job.id}/events", headers={"X-Forwarded-For": client})
            return service.http.send(asked, stream=True)

        first, second, other = (watch(client) for client in ("198.51.100.1", "9.9.9.9, 198.51.100.1", "198.51.100.2"))
        assert [answer.status_code for answer in (first, second, other)] == [200, 429, 200]
        for answer in (first, second, other):
            answer.close()


@pytest.mark.process
def test_a_path_that_is_none_is_not_taken_over(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> None:
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, forwarded_allow_ips=HERE)
    with running(settings) as service:
        plain = service.http.get("/docs").text
        for prefix in ("//evil.example", '/a"onload="x', "/a/../b", "/a b", "a", "/" + "a" * 300, "/ä", "/"):
            assert service.http.get("/docs", headers=[(b"X-Forwarded-Prefix", prefix.encode())]).text == plain, prefix
        assert (
            service.http.get("/docs", headers=[("X-Forwarded-Prefix", "/a"), ("X-Forwarded-Prefix", "/b")]).text
            == plain
        )
        assert '"/a/docs/assets' in service.http.get("/docs", headers={"X-Forwarded-Prefix": "/a"}).text


@pytest.mark.parametrize("value", ["*", "nginx", "10.0.0.0/8, proxy", "10.0.0.1/8"])
def test_only_addresses_and_networks_are_believed(value: str) -> None:
    with pytest.raises(ValidationError, match="no address or network"):
        Settings(forwarded_allow_ips=value)


@pytest.mark.parametrize("value", ["ltp", "/a b", "//x", "/a//b", "/a?b", "/a#b", "/ä", "/..", "/a/./b"])
def test_a_root_path_is_a_plain_path(value: str) -> None:
    with pytest.raises(ValidationError, match="no path"):
        Settings(root_path=value)


def test_a_slash_at_its_end_is_taken_away() -> None:
    assert (Settings(root_path="/ltp/").root_path, Settings(root_path="/").root_path) == ("/ltp", "")


def test_proxies_are_known_by_address_and_network() -> None:
    proxies = TrustedProxies("10.0.0.7, 192.168.0.0/24, fd00::/8")
    assert all(each in proxies for each in ("10.0.0.7", "::ffff:10.0.0.7", "192.168.0.200", "fd00::1"))
    assert not any(each in proxies for each in ("10.0.0.8", "", None, "nginx", "10.0.0.7.evil.example"))
    assert HERE not in TrustedProxies("")
