"""One address in front of servers, as a load balancer's or a DNS name's: new connections go where it points now.

Those that are open stay with the server they lead to, until one of the two ends closes them.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

from support.servers import free_port


class Forwarder:
    """Listens on a port of its own, forwards to a Unix socket or a port; `target` may be changed at any time.

    Without a target connections are closed as soon as they are open.
    """

    def __init__(self, target: Path | int | None) -> None:
        self.target = target
        self._open: set[asyncio.StreamWriter] = set()
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._listening.wait(10)

    def cut(self) -> None:
        """Have no target any more, and close what is open."""
        self.target = None
        self._loop.call_soon_threadsafe(lambda: [each.transport.abort() for each in self._open])

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_until_complete(asyncio.start_server(self._forward, "127.0.0.1", self.port))
        self._listening.set()
        self._loop.run_forever()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = self.target
        try:
            if target is None:
                raise ConnectionRefusedError
            if isinstance(target, int):
                behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", target)
            else:
                behind_reader, behind_writer = await asyncio.open_unix_connection(target)
        except OSError:
            writer.close()
            return
        self._open |= {writer, behind_writer}
        await asyncio.gather(_pump(reader, behind_writer), _pump(behind_reader, writer))
        self._open -= {writer, behind_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
