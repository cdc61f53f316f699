"""How the open connections are shared out: so many altogether, so many to one address, and who makes room for whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Protocol

from app.auth.addresses import place_of
from app.http.trusted_proxies import TrustedProxies
from app.settings import Settings

SURPLUS = 2
"""Connections over a limit are refused with an answer; at so many times the limit they are closed without one."""


class Client(Protocol):
    """What is asked of a connection."""

    def give_way(self) -> bool:
        """Close it, unless bytes of its client have just arrived; tell whether it was closed."""


class ConnectionShares:
    """The connections of one process, on its event loop alone.

    A trusted proxy speaks for many clients: its connections count for the whole, and for no address.
    """

    def __init__(self, settings: Settings) -> None:
        self._most, self._most_of_one = settings.max_connections, settings.address_connections
        self._proxies = TrustedProxies(settings.forwarded_allow_ips)
        self._inside: dict[Client, str] = {}
        self._outside: dict[Client, str] = {}
        self._counts: Counter[str] = Counter()
        self._waiting: defaultdict[str, dict[Client, None]] = defaultdict(dict)
        """By place, those whose client has sent nothing or not a whole head; who has waited longest is first."""

    def admit(self, client: Client, address: str | None) -> str | None:
        """Take a connection in, if need be in the place of one that waits; return why it cannot be used, if so."""
        place = "" if address in self._proxies else place_of(address)
        if place and self._counts[place] >= self._most_of_one and not self._make_room(place):
            self._outside[client] = place
            return (
                f"{self._counts[place]} connections of your address are open, as many as one may have "
                "(MAX_ADDRESS_CONNECTIONS); close some, or try again in a moment"
            )
        if len(self._inside) >= self._most and not self._make_room():
            self._outside[client] = place
            return f"more than {self._most} connections are open; close some, or try again in a moment"
        self._inside[client] = place
        self._waiting[place][client] = None
        if place:
            self._counts[place] += 1
        return None

    def works(self, client: Client) -> None:
        """Note that a request has come."""
        place = self._inside.get(client)
        if place is not None and client in self._waiting[place]:
            del self._waiting[place][client]

    def waits(self, client: Client) -> None:
        """Note that everything is answered."""
        place = self._inside.get(client)
        if place is not None:
            self._waiting[place][client] = None

    def overrun(self, client: Client) -> bool:
        """Tell whether so many are outside, of its address or altogether, that nothing can be said to this one."""
        place = self._outside.get(client)
        if place is None:
            return False
        of_place = sum(other == place for other in self._outside.values()) if place else 0
        least = SURPLUS - 1
        return len(self._outside) > least * self._most or of_place > least * self._most_of_one

    def leave(self, client: Client) -> None:
        """Forget a connection that has ended, or is about to."""
        self._outside.pop(client, None)
        place = self._inside.pop(client, None)
        if place is None:
            return
        self._waiting[place].pop(client, None)
        if not self._waiting[place]:
            del self._waiting[place]
        if place:
            self._counts[place] -= 1
            if not self._counts[place]:
                del self._counts[place]

    def _make_room(self, place: str | None = None) -> bool:
        """Close one that waits, of `place` or else of the address that has the most: the one waiting longest."""
        places = [place] if place is not None else sorted(self._waiting, key=lambda of: -self._counts[of])
        for of in places:
            for client in list(self._waiting.get(of, ())):
                if client.give_way():
                    self.leave(client)
                    return True
        return False
