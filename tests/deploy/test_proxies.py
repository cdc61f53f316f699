"""The proxies of deploy/proxy: requests for one adapter go to one replica, and elsewhere only when it is down."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import yaml
from support.haproxy import Replica, command, running_haproxy
from support.needs import PROCESS, needs
from support.service_processes import wait_for

from app.api.routing import HEADER, routing
from app.api.schemas.predictions import PredictRequest
from ltp_client import routing as client

PROXIES = Path(__file__).parents[2] / "deploy" / "proxy"
LANGUAGES = [f"l{number:02}" for number in range(60)]


@pytest.fixture(scope="module")
@needs(PROCESS)
def replicas() -> Iterator[list[Replica]]:
    started = [Replica(number) for number in range(3)]
    yield started
    for each in started:
        with suppress(OSError):
            each.stop()


@pytest.fixture(scope="module")
@needs(PROCESS)
def proxy(replicas: list[Replica]) -> Iterator[httpx.Client]:
    with running_haproxy([each.server_port for each in replicas]) as http:
        yield http


def places(http: httpx.Client) -> dict[str, str]:
    """Which replica answers for each language."""
    return {lang: http.post("/predict", content=b"{}", headers={HEADER: lang}).text for lang in LANGUAGES}


def test_haproxy_takes_the_configuration_without_a_warning(replicas: list[Replica]) -> None:
    arguments, environment = command([each.server_port for each in replicas], port=1, check=True)
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "WARNING" in done.stderr) == (0, False), done.stderr


def test_an_adapter_has_one_replica_all_replicas_have_some_and_a_lost_one_only_its_own_move(
    proxy: httpx.Client, replicas: list[Replica]
) -> None:
    before = places(proxy)
    assert places(proxy) == before
    assert min(Counter(before.values()).values()) >= 10
    assert set(before.values()) == {"0", "1", "2"}
    assert len({proxy.get("/jobs").text for _ in range(12)}) == 3, "what names no adapter goes to all"

    lost = replicas[1]
    lost.stop()
    wait_for(lambda: "1" not in (after := places(proxy)).values() and set(after.values()) == {"0", "2"})
    after = places(proxy)
    assert {lang for lang in LANGUAGES if after[lang] != before[lang]} == {
        lang for lang in LANGUAGES if before[lang] == "1"
    }
    replicas[1] = Replica(1, lost.server_port)
    wait_for(lambda: places(proxy) == before, message="its adapters did not come back")


def test_all_three_proxies_route_by_the_same_header() -> None:
    haproxy, nginx = ((PROXIES / name).read_text("utf-8") for name in ("haproxy.cfg", "nginx.conf"))
    envoy = yaml.safe_load((PROXIES / "envoy.yaml").read_text("utf-8"))
    assert f"balance hdr({HEADER})" in haproxy
    assert f"$http_{HEADER.lower().replace('-', '_')}" in nginx
    assert HEADER.lower() in str(envoy["static_resources"]["listeners"])
    assert envoy["static_resources"]["clusters"][0]["lb_policy"] == "MAGLEV"


PAIR = {"premise": "a", "hypothesis": "b"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"lang": "sw", "pairs": [PAIR]}, "sw"),
        ({"adapter": "sw@2", "pairs": [PAIR, PAIR]}, "sw@2"),
        ({"lang": "sw", "pairs": [PAIR, PAIR | {"lang": "es"}, PAIR | {"lang": "es"}]}, "es"),
        ({"lang": "sw", "pairs": [PAIR | {"adapter": "yo@production"}, PAIR]}, "yo@production"),
    ],
)
def test_client_and_service_name_the_same_adapter(body: dict[str, object], expected: str) -> None:
    """Of several the one that most pairs name, else the first."""
    assert routing(PredictRequest.model_validate(body)) == client.routing(body) == {client.HEADER: expected}


@pytest.mark.parametrize("lang", ["", "日本語", "a\r\nX-Evil: 1", " sw", 7])
def test_what_is_no_name_is_not_sent(lang: object) -> None:
    assert client.routing({"lang": lang, "pairs": [PAIR]}) == {}
