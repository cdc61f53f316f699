"""A switchover between two real Postgres servers: the one becomes the other's read-only replica while work goes on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import pytest
from sqlalchemy import text
from support.forwarder import Forwarder
from support.replicated_postgres import ReplicatedPostgres, replicated_postgres
from support.service_processes import NOUNS, Stack, wait_for

from app.storage.database import Database
from ltp.config import LABELS

pytestmark = [pytest.mark.process, pytest.mark.postgres, pytest.mark.slow]

LATE_S = 3.0
"""How long the address goes on pointing at the old server, as a name does until it is looked up again."""


@pytest.fixture(scope="module")
def servers() -> Iterator[ReplicatedPostgres]:
    with replicated_postgres() as servers:
        yield servers


@pytest.fixture
def address(servers: ReplicatedPostgres) -> Iterator[Forwarder]:
    address = Forwarder(servers.first.socket)
    yield address
    address.close()


class Client(threading.Thread):
    """Sends what writes and what reads, by turns and without end; counts the answers."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.accepted: list[str] = []
        self.without_retry_after = 0
        self.stopping = threading.Event()
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)

    def run(self) -> None:
        number = 0
        while not self.stopping.wait(0.1):
            number += 1
            self._note("read", self._http.get("/jobs", params={"limit": 1}))
            answer = self._note("write", self._http.post("/adapters", json=_training(number)))
            if answer.status_code == 202:
                self.accepted.append(answer.json()["adapter"]["id"])
        self._http.close()

    def _note(self, kind: str, answer: httpx.Response) -> httpx.Response:
        self.statuses[kind, answer.status_code] += 1
        self.without_retry_after += answer.status_code == 503 and "Retry-After" not in answer.headers
        return answer


def _training(number: int) -> dict[str, object]:
    examples = [
        {"premise": f"The {NOUNS[i]} {number} has a {label}.", "hypothesis": "It is.", "label": label}
        for i in range(4)
        for label in LABELS
    ]
    return {"lang": "sw", "method": "pt", "examples": examples}


def is_read_only(url: str) -> bool:
    db = Database(url)
    with db.read() as session:
        answer = session.scalar(text("SELECT pg_is_in_recovery()"))
    db.close()
    return bool(answer)


def test_after_a_switchover_writes_go_to_the_new_server_by_themselves(
    servers: ReplicatedPostgres,
    address: Forwarder,
    make_stack: Callable[..., Stack],
    record_property: Callable[[str, object], None],
) -> None:
    url = f"postgresql+psycopg://postgres@127.0.0.1:{address.port}/postgres"
    stack = make_stack(database_url=url, lease_s=120, heartbeat_s=1)
    port = stack.settings.port
    stack.api(port=port)
    stack.runner("--queues", "tickets")
    wait_for(lambda: _is_ready(port), message="the API was not ready")
    job = stack.reached(stack.submit_ticket(epochs=400), "training", step=20)
    client = Client(port)
    client.start()
    wait_for(lambda: len(client.accepted) > 5)

    servers.switch_over()
    assert is_read_only(url), "the address still points at the old server"
    time.sleep(LATE_S)
    address.target = servers.second_socket
    assert not is_read_only(url)
    before = len(client.accepted)
    wait_for(lambda: len(client.accepted) > before + 20, message="writes did not come back")
    client.stopping.set()
    client.join()
    record_property("figures", dict(client.statuses))

    assert {status for _, status in client.statuses} <= {200, 202, 503}, client.statuses
    assert client.without_retry_after == 0
    assert client.statuses["write", 503] > 0
    assert stack.job(job.id).attempt == 1, "the lease was kept"
    stack.reached(job, "training", step=stack.job(job.id).step + 1)
    with stack.db.read() as session:
        kept = set(session.scalars(text("SELECT id FROM adapters")))
    assert set(client.accepted) <= kept, "what was accepted is there"
    assert httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).json()["database"] is None


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def test_a_url_of_both_servers_finds_the_one_that_takes_writes(servers: ReplicatedPostgres) -> None:
    sockets = [servers.first.socket.parent, servers.second_socket.parent]
    hosts = "&".join(f"host={socket}" for socket in sockets)
    db = Database(f"postgresql+psycopg://postgres@/postgres?{hosts}&target_session_attrs=read-write")
    with db.read() as session:
        assert session.scalar(text("SELECT pg_is_in_recovery()")) is False
    db.close()
