"""What the references of a file mean, kept with it; and one imported ticket a mask."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.String(length=36)
INDEX = "uq_tickets_imported_mask"
SAME = (
    "kept.tenant = twin.tenant AND kept.backbone = twin.backbone AND kept.mask_sha256 = twin.mask_sha256 "
    "AND kept.origin = 'import' AND twin.origin = 'import'"
)
LATER = f"FROM tickets twin JOIN tickets kept ON {SAME} AND kept.id < twin.id"


def upgrade() -> None:
    _prediction_adapters()
    _merge_tickets()
    where = sa.text("origin = 'import'")
    columns = ["tenant", "backbone", "mask_sha256"]
    op.create_index(INDEX, "tickets", columns, unique=True, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index(INDEX, table_name="tickets")
    op.drop_table("prediction_adapters")


def _prediction_adapters() -> None:
    op.create_table(
        "prediction_adapters",
        sa.Column("prediction_id", ID, nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("adapter_id", ID, nullable=False),
        sa.Column("lang", sa.String(length=35), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fallback", sa.Boolean(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["prediction_id"],
            ["predictions.id"],
            name=op.f("fk_prediction_adapters_prediction_id_predictions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("prediction_id", "reference", name=op.f("pk_prediction_adapters")),
    )
    op.create_index("ix_prediction_adapters_adapter_id", "prediction_adapters", ["adapter_id"])


def _merge_tickets() -> None:
    """Of imported tickets with the same mask keep the oldest, and on it what was made on the others: same bits."""
    op.execute(
        "UPDATE adapters SET ticket_id = "  # noqa: S608  constants
        f"(SELECT MIN(kept.id) FROM tickets kept JOIN tickets twin ON {SAME} WHERE twin.id = adapters.ticket_id) "
        f"WHERE ticket_id IN (SELECT twin.id {LATER})"
    )
    op.execute(
        "UPDATE tickets SET shared = TRUE WHERE id IN "  # noqa: S608
        f"(SELECT kept.id FROM tickets kept JOIN tickets twin ON {SAME} WHERE twin.shared)"
    )
    op.execute(f"DELETE FROM tickets WHERE id IN (SELECT twin.id {LATER})")  # noqa: S608
