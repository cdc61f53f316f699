"""Which labels an adapter knows, and which words of its own it predicts for them; older ones have three labels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "adapters", sa.Column("label_space", sa.String(length=32), nullable=False, server_default="three_way")
    )
    words = sa.JSON().with_variant(JSONB(), "postgresql")
    op.add_column("adapters", sa.Column("verbalizer", words, nullable=True))


def downgrade() -> None:
    for column in ("verbalizer", "label_space"):
        op.drop_column("adapters", column)
