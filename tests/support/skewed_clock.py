"""A Postgres database whose clock can be set: its `clock_timestamp()` is found before the server's own.

The service asks for the time by that name, so it runs as it is; only processes connected after `install` notice.
"""

from __future__ import annotations

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

INSTALL = (
    "CREATE SCHEMA skewed",
    "CREATE TABLE skewed.clock (ahead interval NOT NULL)",
    "INSERT INTO skewed.clock VALUES ('0')",
    """CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT pg_catalog.clock_timestamp() + (SELECT ahead FROM skewed.clock)'""",
)


class SkewedClock:
    """The clock of one database."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT")
        self._execute(*INSTALL)
        name = make_url(url).database
        self._execute(f'ALTER DATABASE "{name}" SET search_path = skewed, pg_catalog, public')

    def set_ahead(self, hours: int) -> None:
        """Be so many hours ahead of the real time, or behind if negative."""
        with self._engine.connect() as connection:
            connection.execute(text("UPDATE skewed.clock SET ahead = make_interval(hours => :hours)"), {"hours": hours})

    def close(self) -> None:
        self._engine.dispose()

    def _execute(self, *statements: str) -> None:
        with self._engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
