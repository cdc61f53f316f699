"""How the console is handed out: one page wherever it is asked for, told where it lies, and files that may be kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.path_proxy import path_proxy
from support.running_service import Service, refused, running, settings_for

from app.http.security_headers import NOTHING

pytestmark = pytest.mark.process

BASE = re.compile(r'<base href="([^"]*)"')


def page(url: str, path: str) -> httpx.Response:
    response = httpx.get(url + path, trust_env=False)
    assert response.status_code == 200, response.text
    return response


@pytest.fixture(scope="module")
def nested(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    """A service that is told the path it lies under."""
    directory = tmp_path_factory.mktemp("nested") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir, root_path="/tools/ltp")) as service:
        yield service


@pytest.mark.parametrize("path", ["/", "/ui", "/ui/", "/ui/new", "/ui/no/such/page"])
def test_the_page_is_the_same_at_every_path(shared: Service, path: str) -> None:
    response = page(shared.url, path)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.content == page(shared.url, "/ui/").content
    assert BASE.findall(response.text) == ["/ui/"]


def test_a_page_may_load_and_run_nothing_but_files_of_this_service(shared: Service) -> None:
    response = page(shared.url, "/ui/")
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|https?://", response.text)


def test_only_the_pages_have_their_policy(shared: Service) -> None:
    for path in ("/languages", "/openapi.json", "/no-such-path"):
        assert shared.http.get(path).headers["Content-Security-Policy"] == NOTHING
    assert shared.http.get("/docs").headers["Content-Security-Policy"].startswith(NOTHING)


def test_files_named_by_their_content_may_be_kept_for_good(shared: Service) -> None:
    (script,) = re.findall(r'<script [^>]*src="\./([^"]+)"', page(shared.url, "/").text)
    (style,) = re.findall(r'rel="stylesheet" [^>]*href="\./([^"]+)"', page(shared.url, "/").text)
    for name, media in ((script, "text/javascript"), (style, "text/css")):
        response = page(shared.url, f"/ui/{name}")
        assert response.headers["Content-Type"].startswith(media)
        assert "immutable" in response.headers["Cache-Control"]
    icon = page(shared.url, "/ui/icon.svg")
    assert (icon.headers["Content-Type"], icon.headers["Cache-Control"]) == ("image/svg+xml", "no-cache")


def test_a_file_that_is_not_there_is_no_page(shared: Service) -> None:
    refused(shared.http.get("/ui/assets/index-00000000.js"), 404, "route_not_found")
    refused(shared.http.get("/ui/assets/..%2f..%2fpages.py"), 404, "route_not_found")


def test_pages_can_only_be_fetched(shared: Service) -> None:
    refused(shared.http.post("/ui/new"), 405, "method_not_allowed")
    head = shared.http.head("/ui/")
    assert (head.status_code, head.content) == (200, b"")


def test_no_page_is_an_operation_of_the_api(shared: Service) -> None:
    paths = shared.http.get("/openapi.json").json()["paths"]
    assert not [path for path in paths if path == "/" or path.startswith("/ui")]


@pytest.mark.parametrize("path", ["/", "/ui/", "/ui/try"])
def test_below_a_path_of_its_own_the_page_says_so(nested: Service, path: str) -> None:
    for asked in (f"/tools/ltp{path}", path):
        assert BASE.findall(page(nested.url, asked).text) == ["/tools/ltp/ui/"]
    (script,) = re.findall(r'<script [^>]*src="\./([^"]+)"', page(nested.url, path).text)
    page(nested.url, f"/tools/ltp/ui/{script}")


def test_behind_a_trusted_proxy_that_names_its_path_the_page_says_so(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> None:
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, forwarded_allow_ips="127.0.0.1")
    with running(settings) as service, path_proxy(service.url, "/there", strips=True) as url:
        assert BASE.findall(page(url, "/ui/new").text) == ["/there/ui/"]
        assert BASE.findall(page(service.url, "/ui/new").text) == ["/ui/"]
