"""Training as it is submitted: one adapter for one language, or one for each language that a file holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from app.cli.command import Session
from app.cli.failure import FAILED, Failure
from app.cli.output import accuracy, table

if TYPE_CHECKING:
    from rich.console import Console

    from app.cli.training_sets import TrainingSets


@dataclass
class Submitted:
    """What became of one language."""

    lang: str
    accepted: dict[str, Any] | None = None
    job: dict[str, Any] | None = None
    adapter: dict[str, Any] | None = None
    failure: Failure | None = None

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        shown = {"job": self.job, "adapter": self.adapter} if self.adapter else self.accepted or {}
        return {"lang": self.lang, **shown, **(self.failure.as_dict() if self.failure else {})}


def submit(session: Session, sets: TrainingSets, body: dict[str, Any]) -> tuple[dict[str, Any], Sequence[str]]:
    """Say what was understood of the files, and start the training; returns what was accepted, and what was said."""
    from app.cli.training_sets import said_before

    read = sets.read(body["lang"])
    for line in said_before(read):
        session.output.note(line)
    found = read.sentences()
    for sentence in found:
        session.output.note(sentence)
    return session.client.post("/adapters", body, files=sets.files()), found


def train_each(session: Session, sets: TrainingSets, body: dict[str, Any], *, no_wait: bool) -> None:
    """Train an adapter for each language of the training file; one that cannot be trained does not stop the others."""
    submitted = [_submit(session, sets, body, lang) for lang in sets.languages()]
    if not no_wait:
        for each in submitted:
            _wait(session, each)
    session.output.show({"adapters": [each.as_dict() for each in submitted]}, lambda to: _print(to, submitted))
    if any(each.failure for each in submitted):
        raise typer.Exit(FAILED)


def _submit(session: Session, sets: TrainingSets, body: dict[str, Any], lang: str) -> Submitted:
    session.output.note(f"{lang}:")
    try:
        accepted, _ = submit(session, sets.of(lang), body | {"lang": lang})
    except Failure as failure:
        return Submitted(lang, failure=failure)
    return Submitted(lang, accepted)


def _wait(session: Session, each: Submitted) -> None:
    from app.cli.watch import wait

    if each.accepted is None:
        return
    try:
        each.job = wait(session, each.accepted["job"])
        each.adapter = session.client.get(f"/adapters/{each.accepted['adapter']['id']}")
    except Failure as failure:
        if failure.code == "interrupted":
            raise
        each.failure = failure


def _print(console: Console, submitted: Sequence[Submitted]) -> None:
    rows = []
    for each in submitted:
        adapter = each.adapter or (each.accepted or {}).get("adapter") or {}
        version = adapter.get("version")
        counts = adapter.get("examples") or {}
        rows.append(
            (
                each.lang,
                f"{adapter['lang']}@{version}" if version else "-",
                "refused or failed" if each.failure else str(adapter.get("status")),
                str(counts.get("train") or "-"),
                accuracy((adapter.get("metrics") or {}).get("dev")),
                each.failure.detail if each.failure else "",
            )
        )
    columns = ("language", "adapter", "status", "training pairs", "dev accuracy", "why not")
    console.print(table(columns, rows, flexible=len(columns) - 1))
