"""What an adapter answered to the pairs that it is scored on; of older ones nobody kept it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMN, INDEX = "answers_blob_id", "ix_adapters_answers_blob_id"


def upgrade() -> None:
    op.add_column("adapters", sa.Column(COLUMN, sa.String(length=36), nullable=True))
    op.create_index(INDEX, "adapters", [COLUMN])


def downgrade() -> None:
    op.drop_index(INDEX, "adapters")
    op.drop_column("adapters", COLUMN)
