"""Memory for request bodies: each is bounded by MAX_BODY_MB, and here all of them together, however many are sent.

What is uploaded as a file goes to the disk and does not count here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.errors import TooMuchAtOnce

LARGEST_AT_ONCE = 16
"""Bodies of the largest size that may be in memory at the same time; of the usual size, thousands."""


class BodyMemory:
    """`size` bytes, shared by the requests of one process. Used on its event loop alone."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0

    @contextmanager
    def reserve(self) -> Iterator[Callable[[int], None]]:
        """Give a request a way to take bytes, and take them back from it when it is answered.

        Taking raises TooMuchAtOnce when others have what is asked for.
        """
        held = 0

        def take(size: int) -> None:
            nonlocal held
            if self.taken + size > self.size:
                raise TooMuchAtOnce(
                    f"bodies of {self.taken:,} bytes are being read and answered already, of {self.size:,} at most; "
                    "try again in a moment"
                )
            self.taken += size
            held += size

        try:
            yield take
        finally:
            self.taken -= held
