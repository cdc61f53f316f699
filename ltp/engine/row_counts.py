"""How many rows a product is asked for at once, so that a row's bits do not depend on its company.

A library chooses a product's loop by the number of rows, and two loops may add in another order. So products are asked
for a number of rows only when a row is known to come out the same with it (`ltp.engine.same_bits`), the last rows being
padding. Multiples of `STEP` also spare the time that a processor's loop for each new number takes to compile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

STEP, MOST = 8, 512
"""Every number is a multiple of the one, and none is larger than the other: more rows are no faster each."""


class RowCounts:
    """The numbers of rows in use: those of `always`, ascending, and whatever else `agrees` with them."""

    def __init__(self, always: Sequence[int], agrees: Callable[[int], bool]) -> None:
        self._always, self._agrees = always, agrees

    def calls(self, rows: int) -> tuple[int, ...]:
        """Tell with which numbers `rows` rows are computed; together they are at least as many."""
        count = -(-rows // STEP) * STEP
        if count <= MOST and (count in self._always or self._agrees(count)):
            return (count,)
        enough = [number for number in self._always if number >= rows]
        most = self._always[-1]
        return (enough[0],) if enough else (most, *self.calls(rows - most))

    def total(self, rows: int) -> int:
        """Count the rows that are computed for `rows` rows."""
        return sum(self.calls(rows))


class AnyCount(RowCounts):
    """Where any number will do, and nothing is promised."""

    def __init__(self) -> None:
        super().__init__((), lambda _: True)

    def calls(self, rows: int) -> tuple[int, ...]:
        """All at once."""
        return (rows,)


ANY = AnyCount()
