"""The way out of a connection: a transport that is closed without losing the answer still on its way.

A kernel throws away what was sent and not yet read when a connection is closed over bytes that were not taken from it.
So while the client is still sending, only our side is closed: what it sends is dropped for a moment.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

LINGER_S = 3.0
"""How long a client that is refused may go on sending until it notices."""
UNSENT = 128 * 1024
"""Bytes of an answer the kernel holds ready to send. It sees a client that stopped reading no sooner than we do."""


class GracefulTransport(asyncio.Transport):
    """Wraps the transport of one connection. `sending` tells whether the client is in the middle of a request."""

    def __init__(self, transport: asyncio.Transport, *, sending: Callable[[], bool]) -> None:
        super().__init__()
        self._transport, self._client_sending = transport, sending
        self.shut = False
        """Whether our side is closed; what the client still sends is dropped."""
        raw = transport.get_extra_info("socket")
        if raw is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            with suppress(OSError):  # a socket of another family
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)

    def close(self) -> None:
        """Close once everything written is sent; linger while the client talks."""
        if self.shut or self._transport.is_closing():
            return
        if not self._client_sending():
            self._transport.close()
            return
        self.shut = True
        self._transport.resume_reading()
        self._transport.write_eof()
        asyncio.get_running_loop().call_later(LINGER_S, self._transport.abort)

    def has_unread(self) -> bool:
        """Tell whether bytes have arrived that the event loop has not seen yet."""
        raw = self._transport.get_extra_info("socket")
        if raw is None or self._transport.is_closing():
            return False
        poll = select.poll()
        poll.register(raw.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def is_closing(self) -> bool:
        """Tell whether writing is pointless."""
        return self.shut or self._transport.is_closing()

    def write(self, data: Any) -> None:
        """Write, unless the connection is closed on either side: who has gone reads nothing, which is no fault."""
        if not self.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        """Close now; what is not sent is lost."""
        self._transport.abort()

    def pause_reading(self) -> None:
        """Leave what comes to the kernel; not while lingering."""
        if not self.shut:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read from the client again."""
        if not self.shut:
            self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Bytes written that the kernel has not taken."""
        return self._transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Facts about the socket."""
        return self._transport.get_extra_info(name, default)
