"""What rows take that may be large: an adapter's notes, a job's events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NOTES = ("training", "metrics", "examples")
LENGTH = {"postgresql": "octet_length({}::text)", "sqlite": "length(CAST({} AS BLOB))"}


def upgrade() -> None:
    for table, column in (("adapters", "notes_bytes"), ("jobs", "event_bytes")):
        op.add_column(table, sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))
    length = LENGTH[op.get_bind().dialect.name]
    notes = " + ".join(length.format(name) for name in NOTES)
    op.execute(sa.text(f"UPDATE adapters SET notes_bytes = {notes}"))  # noqa: S608  names of columns
    events = f"SELECT coalesce(sum({length.format('data')}), 0) FROM job_events WHERE job_id = jobs.id"  # noqa: S608
    op.execute(sa.text(f"UPDATE jobs SET event_bytes = ({events})"))  # noqa: S608


def downgrade() -> None:
    for table, column in (("jobs", "event_bytes"), ("adapters", "notes_bytes")):
        op.drop_column(table, column)
