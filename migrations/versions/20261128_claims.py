"""Which runners a job is for, what each runner can take, and whose turn it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("backbone", sa.String(length=64), nullable=False, server_default=sa.text("''")))
    op.add_column("jobs", sa.Column("format", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("workers", sa.Column("kinds", sa.String(length=255), nullable=True))
    op.add_column("workers", sa.Column("backbone", sa.String(length=64), nullable=True))
    op.add_column("workers", sa.Column("format", sa.Integer(), nullable=True))
    op.add_column("workers", sa.Column("code", sa.String(length=64), nullable=True))
    op.create_index("ix_jobs_queue", "jobs", ["status", "tenant", "kind", "backbone", "id"])
    op.create_table(
        "tenant_turns",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_tenant_turns")),
    )
    op.execute("INSERT INTO tenant_turns (tenant, turn) SELECT DISTINCT tenant, 0 FROM jobs")


def downgrade() -> None:
    op.drop_table("tenant_turns")
    op.drop_index("ix_jobs_queue", "jobs")
    for column in ("kinds", "backbone", "format", "code"):
        op.drop_column("workers", column)
    for column in ("backbone", "format"):
        op.drop_column("jobs", column)
