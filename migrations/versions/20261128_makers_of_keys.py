"""Which key made which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keys there are say nothing of their maker: the audit trail does, as long as it is kept."""
    op.add_column("api_keys", sa.Column("made_by", sa.String(length=36), nullable=True))
    op.create_index("ix_api_keys_made_by", "api_keys", ["made_by"])
    made = sa.text(
        "UPDATE api_keys SET made_by = (SELECT substr(min(actor), 5) FROM audit_events "
        "WHERE action = 'create_key' AND resource_id = api_keys.id AND actor LIKE 'key:%')"
    )
    op.execute(made)


def downgrade() -> None:
    op.drop_index("ix_api_keys_made_by", "api_keys")
    op.drop_column("api_keys", "made_by")
