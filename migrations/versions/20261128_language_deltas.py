"""What languages' own texts changed, the kind of job that makes it, and which of them an adapter was trained on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID, WORD, SHA256 = sa.String(length=36), sa.String(length=32), sa.String(length=64)
TOLD = sa.JSON().with_variant(JSONB(), "postgresql")
BEFORE = "kind IN ('ticket', 'adapter', 'prediction')"
SINCE = "kind IN ('ticket', 'adapter', 'prediction', 'language_delta')"


def upgrade() -> None:
    op.create_table(
        "language_delta_versions",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("lang", sa.String(length=35), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "lang", name=op.f("pk_language_delta_versions")),
    )
    _language_deltas()
    op.add_column("adapters", sa.Column("language_delta", TOLD, nullable=True))
    op.add_column("adapters", sa.Column("language_delta_id", ID, nullable=True))
    op.create_index("ix_adapters_language_delta_id", "adapters", ["language_delta_id"])
    _check_kinds(BEFORE, SINCE)


def downgrade() -> None:
    op.execute("DELETE FROM jobs WHERE kind = 'language_delta'")
    _check_kinds(SINCE, BEFORE)
    op.drop_index("ix_adapters_language_delta_id", "adapters")
    for column in ("language_delta_id", "language_delta"):
        op.drop_column("adapters", column)
    op.drop_table("language_deltas")
    op.drop_table("language_delta_versions")


def _language_deltas() -> None:
    op.create_table(
        "language_deltas",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("lang", sa.String(length=35), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("status", WORD, nullable=False),
        sa.Column("ticket_id", ID, nullable=True),
        sa.Column("backbone", SHA256, nullable=False),
        sa.Column("config", TOLD, nullable=False),
        sa.Column("report", TOLD, nullable=False),
        sa.Column("helps", sa.Boolean(), nullable=True),
        sa.Column("dataset_id", ID, nullable=True),
        sa.Column("corpus_sha256", SHA256, nullable=True),
        sa.Column("blob_id", ID, nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("job_id", ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'ready', 'failed', 'cancelled')", name=op.f("ck_language_deltas_status")
        ),
        sa.CheckConstraint(
            "(status = 'ready') = (version IS NOT NULL)", name=op.f("ck_language_deltas_version_when_ready")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_language_deltas_ticket_id_tickets")),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_language_deltas_dataset_id_datasets"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name=op.f("fk_language_deltas_blob_id_blobs")),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_language_deltas_job_id_jobs"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_language_deltas")),
        sa.UniqueConstraint("tenant", "lang", "version", name=op.f("uq_language_deltas_tenant_lang_version")),
    )
    op.create_index("ix_language_deltas_tenant_id", "language_deltas", ["tenant", "id"])
    for column in ("ticket_id", "dataset_id", "blob_id", "job_id"):
        op.create_index(op.f(f"ix_language_deltas_{column}"), "language_deltas", [column])


def _check_kinds(before: str, since: str) -> None:
    """Let jobs be of other kinds.

    SQLite has no statement for that. Copying the table and dropping the old one would delete what refers to it: foreign
    keys cannot be switched off inside a transaction. So the constraint's text is changed where SQLite keeps it, which
    is what its manual advises for constraints that change no content (lang_altertable, "other kinds").
    """
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_jobs_kind"), "jobs", type_="check")
        op.create_check_constraint(op.f("ck_jobs_kind"), "jobs", since)
        return
    schema = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    jobs = "type = 'table' AND name = 'jobs' AND instr(sql, ?) > 0"
    changed = connection.exec_driver_sql(
        f"UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE {jobs}",  # noqa: S608  constants
        (before, since, before),
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"the table of jobs does not say {before!r}")
    connection.exec_driver_sql(f"PRAGMA schema_version = {schema + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
