"""How many event streams one key and one address may have open: a stream holds a connection for as long as it likes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.auth.addresses import place_of
from app.errors import TooManyStreams
from app.settings import Settings


class StreamShares:
    """The open streams of one process, on its event loop alone."""

    def __init__(self, settings: Settings) -> None:
        self._most_of_key, self._most_of_address = settings.max_key_streams, settings.max_address_streams
        self._open: Counter[str] = Counter()

    @contextmanager
    def hold(self, *, key: str | None, address: str | None) -> Iterator[None]:
        """Count a stream while it is open. Raises TooManyStreams."""
        shares = [(f"address {place_of(address)}", "your address", self._most_of_address, "MAX_ADDRESS_STREAMS")]
        if key is not None:
            shares.append((f"key {key}", "this key", self._most_of_key, "MAX_KEY_STREAMS"))
        for share, whose, most, setting in shares:
            if self._open[share] >= most:
                raise TooManyStreams(
                    f"{most} event streams of {whose} are open, as many as there may be ({setting}); close one, or "
                    "look at GET /jobs/{id} now and then"
                )
        self._open.update(share for share, *_ in shares)
        try:
            yield
        finally:
            for share, *_ in shares:
                self._open[share] -= 1
                if not self._open[share]:
                    del self._open[share]
