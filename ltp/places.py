"""Where tickets put values: the positions of their active parameters, unpacked once a ticket for all its adapters."""

from __future__ import annotations

import threading
from collections import OrderedDict

import torch
from torch import Tensor

from ltp.ticket import Ticket

PLACES_BYTES = 1 << 28
"""Four bytes an active parameter: a ticket of XLM-R base at 20 % takes about 200 MB when its layers hold most of it."""


class Places:
    """Flat positions by ticket and tensor, `capacity` bytes of them kept; the least recently used leave first.

    Tickets are known by their mask hash, so those drawn twice share. What was handed out stays good after it left.
    Safe for several threads.
    """

    def __init__(self, capacity: int = PLACES_BYTES) -> None:
        self.capacity = capacity
        self._kept: OrderedDict[tuple[str, str, str], Tensor] = OrderedDict()
        self._lock = threading.Lock()
        self.nbytes = self.hits = self.misses = self.evictions = 0

    def of(self, ticket: Ticket, name: str, device: str | torch.device = "cpu") -> Tensor:
        """Positions of one tensor in C order, ascending, int32 (K,)."""
        key = (ticket.sha256, name, str(device))
        with self._lock:
            if key in self._kept:
                self.hits += 1
                self._kept.move_to_end(key)
                return self._kept[key]
            self.misses += 1
        found = ticket.positions(name, dtype=torch.int32).to(device)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = found
                self.nbytes += found.nbytes
                while self.nbytes > self.capacity:
                    self.nbytes -= self._kept.popitem(last=False)[1].nbytes
                    self.evictions += 1
        return found
