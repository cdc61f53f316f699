"""No client can take the connections of all: an address has its share, and who says nothing makes room first."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from support.raw_connection import RawConnection
from support.running_service import Service, refused, running, settings_for, wait_until

from app.http.connection_shares import ConnectionShares
from app.settings import Settings

SHARE = 6
LIMIT = 8
HALF_A_HEAD = b"GET / HT"
ELSEWHERE = "127.0.0.2"
BODY = {"content_type": "application/json", "content_length": "9"}


@pytest.fixture
def small(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    """A service with room for eight connections, six of them of one address."""
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, max_connections=LIMIT)
    assert settings.address_connections == SHARE
    with running(settings) as started:
        started.http.close()  # a connection of its own would count
        yield started


@contextmanager
def descriptors(number: int) -> Iterator[None]:
    """Let this process, which is client and service, have so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, number), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def status(service: Service, address: str, path: str = "/version") -> int:
    """Ask as a client of that address, on a connection of its own."""
    with RawConnection(service.port, address=address) as wire:
        return wire.head("GET", path, connection="close").answer().status_code


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize(("number", "said"), [(520, b""), (1100, HALF_A_HEAD)])
def test_silent_sockets_keep_nobody_out(
    tmp_path: Path,
    migrated_sqlite: Path,
    tiny_backbone_dir: Path,
    number: int,
    said: bytes,
    record_property: Callable[[str, object], None],
) -> None:
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir)
    with descriptors(4 * number), running(settings) as service, ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(RawConnection(service.port)).send(said)
        began = time.monotonic()
        others = [status(service, ELSEWHERE) for _ in range(5)]
        same = [status(service, "127.0.0.1") for _ in range(5)]
        record_property("figures", f"{number} silent: {others}, of the same address {same}")
        assert others == same == [200] * 5
        assert time.monotonic() - began < settings.header_timeout_s, "they were not merely outwaited"
        assert len(service.server.server_state.connections) <= settings.address_connections + 1


@pytest.mark.process
def test_an_address_has_its_share_and_is_told_so(small: Service) -> None:
    with ExitStack() as stack:
        for _ in range(SHARE):
            stack.enter_context(RawConnection(small.port)).head("POST", "/predict", **BODY)
        wait_until(lambda: busy(small) == SHARE, 10)
        with RawConnection(small.port) as wire:
            body = refused(wire.head("GET", "/version").answer(), 503, "too_many_connections")
        assert "MAX_ADDRESS_CONNECTIONS" in body["detail"]
        assert status(small, "127.0.0.1", "/healthz") == 200, "probes are answered all the same"
        assert status(small, ELSEWHERE) == 200


@pytest.mark.process
def test_what_an_address_has_beyond_its_share_leaves_room_for_the_answers_of_others(small: Service) -> None:
    with ExitStack() as stack:
        for _ in range(SHARE):
            stack.enter_context(RawConnection(small.port)).head("POST", "/predict", **BODY)
        wait_until(lambda: busy(small) == SHARE, 10)
        for _ in range(4 * LIMIT):
            stack.enter_context(RawConnection(small.port))
        assert status(small, ELSEWHERE) == 200


@pytest.mark.process
def test_the_one_with_the_most_makes_room_and_the_others_stay(small: Service) -> None:
    with ExitStack() as stack:
        kept = [stack.enter_context(RawConnection(small.port, address=f"127.0.0.{last}")) for last in (3, 4, 5)]
        greedy = [stack.enter_context(RawConnection(small.port)) for _ in range(LIMIT - len(kept))]
        wait_until(lambda: len(small.server.server_state.connections) == LIMIT, 10)
        assert status(small, ELSEWHERE) == 200
        assert [wire.head("GET", "/version").answer().status_code for wire in kept] == [200] * len(kept)
        assert greedy[0].is_closed(), "the one of them that has been silent longest"
        assert greedy[-1].head("GET", "/version").answer().status_code == 200


@pytest.mark.process
def test_a_trusted_proxy_has_no_share_for_it_speaks_for_many(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> None:
    settings = settings_for(
        tmp_path / "data", migrated_sqlite, tiny_backbone_dir, max_connections=LIMIT, forwarded_allow_ips="127.0.0.0/31"
    )
    with running(settings) as service, ExitStack() as stack:
        service.http.close()
        for _ in range(LIMIT - 1):
            stack.enter_context(RawConnection(service.port)).head("POST", "/predict", **BODY)
        wait_until(lambda: busy(service) == LIMIT - 1, 10)
        assert status(service, "127.0.0.1") == 200


class Unheard:
    """A connection on which nothing was said."""

    def give_way(self) -> bool:
        return True


def refusals(shares: ConnectionShares, *addresses: str) -> list[bool]:
    """Open a connection from each address, send a request on it, and tell which could not be used."""
    refused = []
    for address in addresses:
        client = Unheard()
        refused.append(shares.admit(client, address) is not None)
        shares.works(client)
    return refused


def test_an_ipv6_host_is_one_client_whatever_address_it_takes() -> None:
    shares = ConnectionShares(Settings(max_connections=LIMIT, max_address_connections=2))
    assert refusals(shares, "2001:db8::1", "2001:db8::2", "2001:db8::3") == [False, False, True]
    assert refusals(shares, "2001:db8:0:1::1") == [False]
    assert refusals(shares, "::ffff:10.0.0.1", "::ffff:10.0.0.2", "::ffff:10.0.0.3") == [False] * 3


def test_what_has_left_is_forgotten() -> None:
    shares = ConnectionShares(Settings(max_connections=1_000_000))
    for number in range(20_000):
        client = Unheard()
        assert shares.admit(client, f"10.{number % 200}.{number // 200}.1") is None
        shares.works(client)
        shares.waits(client)
        shares.leave(client)
    assert not any((shares._counts, shares._inside, shares._outside, shares._waiting))


def busy(service: Service) -> int:
    """Connections on which an answer is owed."""
    return sum(1 for connection in service.server._connections if not connection._idle)
