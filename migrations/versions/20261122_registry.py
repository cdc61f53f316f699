"""The registry: datasets, drifts, tickets, adapters with versions and aliases, predictions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.String(length=36)
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TABLES = ("datasets", "drifts", "tickets", "language_versions", "adapters", "aliases", "predictions")
"""In order of creation: a table stands after those it refers to."""


def upgrade() -> None:
    _datasets()
    _drifts()
    _tickets()
    _language_versions()
    _adapters()
    _aliases()
    _predictions()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _datasets() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("blob_id", ID, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("kind IN ('corpus', 'examples', 'pairs')", name=op.f("ck_datasets_kind")),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name=op.f("fk_datasets_blob_id_blobs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
    )
    op.create_index("ix_datasets_blob_id", "datasets", ["blob_id"])
    op.create_index("ix_datasets_tenant_id", "datasets", ["tenant", "id"])


def _drifts() -> None:
    op.create_table(
        "drifts",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("backbone", sa.String(length=64), nullable=False),
        sa.Column("backbone_name", sa.String(length=255), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("strategy", sa.String(length=32), nullable=False),
        sa.Column("config", JSON, nullable=False),
        sa.Column("corpus", sa.String(length=64), nullable=True),
        sa.Column("dataset_id", ID, nullable=True),
        sa.Column("corpus_sha256", sa.String(length=64), nullable=True),
        sa.Column("report", JSON, nullable=False),
        sa.Column("moved", sa.BigInteger(), nullable=True),
        sa.Column("selectable", sa.BigInteger(), nullable=True),
        sa.Column("blob_id", ID, nullable=True),
        sa.Column("job_id", ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.CheckConstraint("status IN ('pending', 'ready', 'failed', 'cancelled')", name=op.f("ck_drifts_status")),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name=op.f("fk_drifts_blob_id_blobs")),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_drifts_dataset_id_datasets"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_drifts_job_id_jobs"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drifts")),
    )
    op.create_index("ix_drifts_blob_id", "drifts", ["blob_id"])
    op.create_index("ix_drifts_dataset_id", "drifts", ["dataset_id"])
    op.create_index("ix_drifts_job_id", "drifts", ["job_id"])
    op.create_index("ix_drifts_tenant_id", "drifts", ["tenant", "id"])


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("origin", sa.String(length=32), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("drift_id", ID, nullable=True),
        sa.Column("backbone", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("active_ratio", sa.Double(), nullable=False),
        sa.Column("active", sa.BigInteger(), nullable=True),
        sa.Column("selectable", sa.BigInteger(), nullable=True),
        sa.Column("moved", sa.BigInteger(), nullable=True),
        sa.Column("zero_drift", sa.BigInteger(), nullable=True),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("layers", JSON, nullable=False),
        sa.Column("strategy", sa.String(length=32), nullable=False),
        sa.Column("distribution", JSON, nullable=False),
        sa.Column("mask_sha256", sa.String(length=64), nullable=True),
        sa.Column("mask_bytes", sa.BigInteger(), nullable=True),
        sa.Column("blob_id", ID, nullable=True),
        sa.Column("job_id", ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.CheckConstraint("origin IN ('drift', 'import')", name=op.f("ck_tickets_origin")),
        sa.CheckConstraint("status IN ('pending', 'ready', 'failed', 'cancelled')", name=op.f("ck_tickets_status")),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name=op.f("fk_tickets_blob_id_blobs")),
        sa.ForeignKeyConstraint(
            ["drift_id"], ["drifts.id"], name=op.f("fk_tickets_drift_id_drifts"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_tickets_job_id_jobs"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
    )
    op.create_index("ix_tickets_blob_id", "tickets", ["blob_id"])
    op.create_index("ix_tickets_drift_id", "tickets", ["drift_id"])
    op.create_index("ix_tickets_job_id", "tickets", ["job_id"])
    op.create_index("ix_tickets_mask_sha256", "tickets", ["tenant", "mask_sha256"])
    op.create_index("ix_tickets_tenant_id", "tickets", ["tenant", "id"])


def _language_versions() -> None:
    op.create_table(
        "language_versions",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("lang", sa.String(length=35), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "lang", name=op.f("pk_language_versions")),
    )


def _adapters() -> None:
    op.create_table(
        "adapters",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("lang", sa.String(length=35), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=128), nullable=True),
        sa.Column("requested_alias", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("origin", sa.String(length=32), nullable=False),
        sa.Column("ticket_id", ID, nullable=True),
        sa.Column("backbone", sa.String(length=64), nullable=False),
        sa.Column("seeds", sa.Integer(), nullable=False),
        sa.Column("training", JSON, nullable=False),
        sa.Column("metrics", JSON, nullable=False),
        sa.Column("examples", JSON, nullable=False),
        sa.Column("dataset_id", ID, nullable=True),
        sa.Column("blob_id", ID, nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("job_id", ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.CheckConstraint("(status = 'ready') = (version IS NOT NULL)", name=op.f("ck_adapters_version_when_ready")),
        sa.CheckConstraint("status IN ('pending', 'ready', 'failed', 'cancelled')", name=op.f("ck_adapters_status")),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name=op.f("fk_adapters_blob_id_blobs")),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_adapters_dataset_id_datasets"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_adapters_job_id_jobs"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_adapters_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adapters")),
        sa.UniqueConstraint("tenant", "lang", "version", name=op.f("uq_adapters_tenant_lang_version")),
    )
    op.create_index("ix_adapters_blob_id", "adapters", ["blob_id"])
    op.create_index("ix_adapters_dataset_id", "adapters", ["dataset_id"])
    op.create_index("ix_adapters_job_id", "adapters", ["job_id"])
    op.create_index("ix_adapters_tenant_id", "adapters", ["tenant", "id"])
    op.create_index("ix_adapters_ticket_id", "adapters", ["ticket_id"])


def _aliases() -> None:
    op.create_table(
        "aliases",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("lang", sa.String(length=35), nullable=False),
        sa.Column("alias", sa.String(length=64), nullable=False),
        sa.Column("adapter_id", ID, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["adapter_id"], ["adapters.id"], name=op.f("fk_aliases_adapter_id_adapters")),
        sa.PrimaryKeyConstraint("tenant", "lang", "alias", name=op.f("pk_aliases")),
    )
    op.create_index("ix_aliases_adapter_id", "aliases", ["adapter_id"])


def _predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("request", JSON, nullable=False),
        sa.Column("dataset_id", ID, nullable=True),
        sa.Column("adapter_id", ID, nullable=True),
        sa.Column("fallback", sa.Boolean(), nullable=False),
        sa.Column("pairs", sa.BigInteger(), nullable=False),
        sa.Column("summary", JSON, nullable=False),
        sa.Column("result_blob_id", ID, nullable=True),
        sa.Column("job_id", ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.CheckConstraint("status IN ('pending', 'ready', 'failed', 'cancelled')", name=op.f("ck_predictions_status")),
        sa.ForeignKeyConstraint(
            ["adapter_id"], ["adapters.id"], name=op.f("fk_predictions_adapter_id_adapters"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_predictions_dataset_id_datasets"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_predictions_job_id_jobs"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["result_blob_id"], ["blobs.id"], name=op.f("fk_predictions_result_blob_id_blobs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
    )
    op.create_index("ix_predictions_adapter_id", "predictions", ["adapter_id"])
    op.create_index("ix_predictions_dataset_id", "predictions", ["dataset_id"])
    op.create_index("ix_predictions_job_id", "predictions", ["job_id"])
    op.create_index("ix_predictions_result_blob_id", "predictions", ["result_blob_id"])
    op.create_index("ix_predictions_tenant_id", "predictions", ["tenant", "id"])
