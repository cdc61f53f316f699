"""Which adapter one began from, and adapters that every tenant may use; older ones began from pretrained values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    told = sa.JSON().with_variant(JSONB(), "postgresql")
    op.add_column("adapters", sa.Column("start", told, nullable=True))
    op.add_column("adapters", sa.Column("start_id", sa.String(length=36), nullable=True))
    op.add_column("adapters", sa.Column("shared", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_adapters_start_id", "adapters", ["start_id"])
    op.create_index("ix_adapters_shared", "adapters", ["shared", "id"])


def downgrade() -> None:
    op.drop_index("ix_adapters_shared", "adapters")
    op.drop_index("ix_adapters_start_id", "adapters")
    for column in ("shared", "start_id", "start"):
        op.drop_column("adapters", column)
