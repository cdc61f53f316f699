"""What an adapter's scores are worth: what guessing gives beside them, and advice where that is as good."""

from __future__ import annotations

from typing import Any

from app.registry.adapter_notes import AdapterNotes
from app.storage.models import AdapterRow
from ltp.advice import Situation, next_steps
from ltp.comparison import beats_guessing, guessing


def with_baseline(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return an adapter's scores with what guessing gives, which those made before it was noted lack."""
    told = {part: scores for part, scores in metrics.items() if scores}
    if "dev" in told and "baseline" not in told:
        told["baseline"] = {"guessing": guessing(told["dev"])}
    return told


def advice(row: AdapterRow, notes: AdapterNotes, *, starter: bool) -> list[str]:
    """What to try next with an adapter that is no better than guessing; nothing where it is, or nobody knows.

    `starter` says whether there is one to begin from.
    """
    scores = notes.metrics.get("dev")
    if not scores or beats_guessing(scores):
        return []
    situation = Situation(
        lang=row.lang,
        pairs=notes.examples.get("train"),
        started=bool(row.start or notes.training.get("start")) or row.origin in {"starter", "composed"},
        starter=starter,
        has_text=bool(notes.training.get("language_delta")),
    )
    return next_steps(situation)
