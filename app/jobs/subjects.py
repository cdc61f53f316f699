"""What jobs are about, for people: the language and the name of what each makes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import SQLColumnExpression, null, select
from sqlalchemy.orm import Session

from app.storage.models import AdapterRow, JobRow, LanguageDeltaRow, PredictionRow, TicketRow
from app.storage.table import Base


class Subject(NamedTuple):
    """Of a prediction, the name is its file's."""

    lang: str | None = None
    name: str | None = None


COLUMNS: dict[str, tuple[type[Base], SQLColumnExpression[Any], SQLColumnExpression[Any]]] = {
    "adapter": (AdapterRow, AdapterRow.lang, AdapterRow.name),
    "ticket": (TicketRow, TicketRow.language, TicketRow.name),
    "language_delta": (LanguageDeltaRow, LanguageDeltaRow.lang, null()),
    "prediction": (PredictionRow, PredictionRow.request["lang"], PredictionRow.request["filename"]),
}
"""By the kind of what is made: its table, and where that has language and name."""


def subjects(session: Session, jobs: Iterable[JobRow]) -> dict[str, Subject]:
    """Return by the id of what is made what there is to say; nothing of what is gone."""
    made: dict[str, list[str]] = {}
    for job in jobs:
        made.setdefault(job.resource_kind, []).append(job.resource_id)
    found: dict[str, Subject] = {}
    for kind, ids in made.items():
        if kind in COLUMNS:
            table, lang, name = COLUMNS[kind]
            rows = session.execute(select(table.id, lang, name).where(table.id.in_(ids)))  # type: ignore[attr-defined]
            found |= {row[0]: Subject(row[1], row[2]) for row in rows}
    return found
