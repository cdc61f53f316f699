"""Contents may be objects of a store; those that are there lie in the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("blobs", sa.Column("digests", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    if op.get_bind().execute(sa.text("SELECT 1 FROM blobs WHERE digests IS NOT NULL LIMIT 1")).first():
        raise ValueError("contents lie in a blob store; bring them back first: ltp blobs move --to database")
    op.drop_column("blobs", "digests")
