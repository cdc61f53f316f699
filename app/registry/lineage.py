"""What an adapter goes back to: those that its training began from or that it is composed of, and theirs."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.registry.starters import LANG, STARTER
from app.storage.models import AdapterRow


def goes_back_to_starter(session: Session, adapter: AdapterRow) -> bool | None:
    """Tell whether any is a starter; None where that is not known, since one was imported or is deleted."""
    seen, waiting, known = {adapter.id}, [adapter], True
    while waiting:
        row = waiting.pop()
        if row.origin == STARTER:
            return True
        known = known and row.origin != "import"
        for facts in _before(row):
            earlier = session.get(AdapterRow, str(facts.get("id")))
            if earlier is None and facts.get("lang") == LANG:  # starters have it
                return True
            known = known and earlier is not None
            if earlier is not None and earlier.id not in seen:
                seen.add(earlier.id)
                waiting.append(earlier)
    return False if known else None


def _before(row: AdapterRow) -> list[dict[str, Any]]:
    """What it began from or is composed of, by its row; of an imported one by its file, which may hold anything."""
    training = row.training or {}
    terms = training.get("terms")
    named = [row.start or training.get("start"), *(terms if isinstance(terms, list) else [])]
    return [facts for facts in named if isinstance(facts, dict) and facts.get("kind") != "language_delta"]
