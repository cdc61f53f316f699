"""A client that sends on a socket exactly the bytes that a test gives it, at the pace it gives."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from http.client import HTTPResponse
from types import TracebackType
from typing import Self

import httpx

TIMEOUT_S = 20.0
"""How long a test waits for what must come."""


class RawConnection:
    """One connection to a service on this machine."""

    def __init__(self, port: int, *, receive_buffer: int | None = None, address: str | None = None) -> None:
        self.socket = socket.socket()
        if address is not None:
            self.socket.bind((address, 0))  # of the loopback's 127.0.0.0/8: for the service another client
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(TIMEOUT_S)
        self.socket.connect(("127.0.0.1", port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.socket.close()

    def send(self, *parts: str | bytes) -> Self:
        """Send all of it now."""
        self.socket.sendall(b"".join(part.encode() if isinstance(part, str) else part for part in parts))
        return self

    def head(self, method: str, path: str, **headers: str) -> Self:
        """Send a request's head; `content_length="5"` is a header."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return self.send("\r\n".join(lines), "\r\n\r\n")

    def send_slowly(self, data: bytes, *, every_s: float = 0.1, size: int = 1) -> int:
        """Send a little at a time until it is all sent or the service answers or closes; return how much was sent."""
        for start in range(0, len(data), size):
            if self.has_answered():
                return start
            with suppress(OSError):
                self.socket.sendall(data[start : start + size])
            time.sleep(every_s)
        return len(data)

    def send_until_closed(self, data: bytes, *, most: int) -> int:
        """Send `data` again and again, until the service closes or `most` bytes are sent; return how many were."""
        sent = 0
        while sent < most and not self._is_shut():
            try:
                self.socket.sendall(data)
            except OSError:
                break
            sent += len(data)
        return sent

    def has_answered(self) -> bool:
        """Whether the service has said something or closed the connection."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        else:
            return True
        finally:
            self.socket.settimeout(TIMEOUT_S)

    def _is_shut(self) -> bool:
        """Whether the service has closed its side, without taking what it said before."""
        self.socket.setblocking(False)
        try:
            return self.socket.recv(65536, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.socket.settimeout(TIMEOUT_S)

    def answer(self, method: str = "GET") -> httpx.Response:
        """Read one answer whole."""
        response = HTTPResponse(self.socket, method=method)
        response.begin()
        body = response.read()
        return httpx.Response(response.status, headers=response.getheaders(), content=body)

    def is_closed(self) -> bool:
        """Wait until the service closes, without a word more."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
