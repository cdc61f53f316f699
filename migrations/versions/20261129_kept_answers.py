"""What an adapter answered to the pairs that it is scored on; of older ones nobody kept it."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMN, INDEX = "answers_blob_id", "ix_adapters_answers_blob_id"


def upgrade() -> None:
    # in words that both databases know: through Alembic's column, SQLite gets no foreign key
    reference = f"CONSTRAINT fk_adapters_{COLUMN}_blobs REFERENCES blobs (id) ON DELETE SET NULL"
    op.execute(f"ALTER TABLE adapters ADD COLUMN {COLUMN} VARCHAR(36) {reference}")
    op.create_index(INDEX, "adapters", [COLUMN])


def downgrade() -> None:
    op.drop_index(INDEX, "adapters")
    op.drop_column("adapters", COLUMN)
