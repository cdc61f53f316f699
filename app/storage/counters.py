"""Figures that only grow, kept in the database so that any process can count and every API process shows the same.

What a transaction counts is written as its last statements, in one order for all, so that a counter's row is locked
for a moment only and two transactions never wait for each other. A transaction that is rolled back has counted nothing.
"""

from __future__ import annotations

from collections import Counter as Sums

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.storage.models import CounterRow
from app.storage.table import insert

PENDING = "counted"
"""Where a session keeps what is not written yet."""
SEPARATOR = "|"
LONGEST = 128
"""Characters of a label, as wide as its column."""
BOUNDS = (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 86_400)
"""Upper bounds, in seconds, of the buckets a job's duration is counted in."""
BUCKET, SUM = "_bucket", "_sum"


def count(session: Session, name: str, *labels: str, by: float = 1) -> None:
    """Add to a figure when the session's transaction is committed."""
    sums: Sums[tuple[str, str]] = session.info.setdefault(PENDING, Sums())
    sums[name, SEPARATOR.join(labels)[:LONGEST]] += by  # type: ignore[assignment]  # Counter adds any number


def observe(session: Session, name: str, *labels: str, seconds: float) -> None:
    """Count a duration: one more in its bucket, and its seconds in the sum."""
    bound = next((f"{bound:g}" for bound in BOUNDS if seconds <= bound), "+Inf")
    count(session, name + BUCKET, *labels, bound)
    count(session, name + SUM, *labels, by=max(seconds, 0))


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    """Write what was counted, once the outermost transaction is about to end."""
    if session.in_nested_transaction():
        return
    sums: Sums[tuple[str, str]] = session.info.pop(PENDING, Sums())
    for (name, label), value in sorted(sums.items()):
        row = insert(session, CounterRow).values(name=name, label=label, value=value)
        session.execute(
            row.on_conflict_do_update(
                index_elements=["name", "label"], set_={"value": CounterRow.value + row.excluded.value}
            )
        )
