"""Writing to a client that has gone is no fault: nothing is raised, and nothing is sent."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
import uvloop

from app.http.transport import GracefulTransport

pytestmark = pytest.mark.process


class Kept(asyncio.Protocol):
    """Keeps the transport of the one connection there is."""

    def __init__(self) -> None:
        self.transport: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport.set_result(transport)


@pytest.mark.parametrize("end", ["close", "abort"])
def test_what_is_written_after_the_end_is_dropped(end: str) -> None:
    async def talk() -> bytes:
        loop = asyncio.get_running_loop()
        protocol = Kept()
        server = await loop.create_server(lambda: protocol, "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname()) as client:
            transport = GracefulTransport(await protocol.transport, sending=lambda: False)
            transport.write(b"before")
            await asyncio.sleep(0.05)
            getattr(transport, end)()
            await asyncio.sleep(0.05)  # the handle is closed now, on which writing is an error
            transport.write(b"after")
            server.close()
            client.settimeout(5)
            return client.recv(100) + client.recv(100)

    assert uvloop.run(talk()) == b"before"
