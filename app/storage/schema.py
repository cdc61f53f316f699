"""The schema's revisions: those this program knows, from its own files, and the one a database has.

Alembic, which does the migrating, takes as long to import as SQLAlchemy itself; to compare two words it is not needed.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib.resources import files

from sqlalchemy import String, column, inspect, select, table
from sqlalchemy.engine import Connection

VERSIONS = "alembic_version"


@cache
def revisions() -> dict[str, str | None]:
    """Return every revision with the one before it, as `migrations/versions` has them."""
    known = [_words(file.read_text("utf-8")) for file in files("migrations").joinpath("versions").iterdir()
             if file.name.endswith(".py") and not file.name.startswith("__")]  # fmt: skip
    return {str(words["revision"]): words["down_revision"] for words in known}


def newest() -> str:
    """Return the revision that nothing comes after."""
    (last,) = set(revisions()) - set(revisions().values())
    return last


def revision_of(connection: Connection) -> str | None:
    """Return the database's revision; None while it has none."""
    if not inspect(connection).has_table(VERSIONS):
        return None
    return connection.execute(select(column("version_num", String)).select_from(table(VERSIONS))).scalar()


def _words(source: str) -> dict[str, str | None]:
    """Read what a migration's file assigns to single names as constants."""
    return {
        line.targets[0].id: line.value.value
        for line in ast.parse(source).body
        if isinstance(line, ast.Assign)
        and isinstance(line.targets[0], ast.Name)
        and isinstance(line.value, ast.Constant)
        and (line.value.value is None or isinstance(line.value.value, str))
    }
