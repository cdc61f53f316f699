"""A load balancer as small as one can be: asks each API whether it is ready, and sends each request to one that is.

It keeps connections open between requests, as real ones do, and never sends a request twice.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx

POLL_S = 0.2


class LoadBalancer:
    """In front of the APIs on `ports`. Counts what came of the requests."""

    def __init__(self, *ports: int) -> None:
        self._clients = {
            port: httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) for port in ports
        }
        self._ready: list[int] = []
        self._turn = itertools.count()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        self.statuses: Counter[int] = Counter()
        self.broken: list[str] = []
        """Requests that got no answer, in the client's words."""
        self.longest_s = 0.0

    def ready(self, port: int) -> bool:
        return port in self._ready

    def send(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        """Send one request, once; None when the connection broke. 503 of its own when no API is ready."""
        began = time.monotonic()
        ready = self._ready
        if not ready:
            response = httpx.Response(503, headers={"Retry-After": "1"})
        else:
            try:
                response = self._clients[ready[next(self._turn) % len(ready)]].request(method, path, **request)
            except httpx.HTTPError as error:
                with self._lock:
                    self.broken.append(f"{method} {path}: {error!r}")
                return None
        with self._lock:
            self.statuses[response.status_code] += 1
            self.longest_s = max(self.longest_s, time.monotonic() - began)
        return response

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        for client in self._clients.values():
            client.close()

    def _watch(self) -> None:
        probes = {port: httpx.Client(base_url=client.base_url, timeout=2) for port, client in self._clients.items()}
        while not self._stopping.wait(POLL_S):
            ready = []
            for port, probe in probes.items():
                with suppress(httpx.HTTPError):
                    if probe.get("/readyz").status_code == 200:
                        ready.append(port)
            self._ready = ready
        for probe in probes.values():
            probe.close()
