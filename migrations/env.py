"""Runs the migrations, on the engine that `Database.alembic()` hands over or on the database of `Settings`."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

import app.storage.models  # noqa: F401  (fills Table.metadata)
from app.settings import Settings
from app.storage.database import Database
from app.storage.postgres import LOCK_S
from app.storage.table import Base

LOCK = 7_105_736
"""Advisory lock of Postgres, so that two migrating processes take turns. SQLite's write transactions do so anyway."""


def _engine() -> object:
    return context.config.attributes.get("engine") or Database(Settings().database).alembic().attributes["engine"]


def run() -> None:
    """Upgrade, downgrade or compare inside one transaction."""
    with _engine().connect() as connection:  # type: ignore[attr-defined]
        postgres = connection.dialect.name == "postgresql"
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=not postgres,
            compare_type=True,
            compare_server_default=True,
            transactional_ddl=True,  # also of SQLite, where Alembic would else commit after every revision
        )
        with context.begin_transaction():
            if postgres:
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SET LOCAL lock_timeout = 0"))  # of another one that migrates
                connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
                connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_S}s'"))  # of a table in use
            context.run_migrations()


run()
