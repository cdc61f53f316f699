"""Finished cells, one JSON file each, and the identity that all of them share.

A file appears whole or not at all, so a run that is killed loses at most the cell it was at. One process at a time
has the ledger; its lock ends with the process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from ltp import atomic_file
from ltp.errors import LedgerMismatch
from ltp.reproduce.plan.cell import NamedCell, Outcome
from ltp.reproduce.run.identity import Identity

IDENTITY, CELLS, LOCK = "identity.json", "cells", ".lock"


@dataclass(frozen=True)
class CellRecord:
    """A finished cell: what it says, and what it took."""

    id: str
    kind: str
    label: str
    outcome: Outcome
    seconds: float
    peak_rss_mb: float
    """The largest the process that did it had been by then."""
    finished_at: str


class Ledger:
    """The results in one folder."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        """Open the folder, or make it.

        Raises:
            LedgerMismatch: another process has it, or what is in it was made otherwise; naming every difference.
        """
        self.folder = folder
        (folder / CELLS).mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise LedgerMismatch(
                f"another process is working in {folder}; wait for it, or name another folder"
            ) from error
        try:
            self.identity = _merged(folder / IDENTITY, identity)
        except LedgerMismatch:
            self._lock.release()
            raise
        for half in (folder / CELLS).glob(f"*{atomic_file.PART}"):  # what was being written when a process was killed
            half.unlink(missing_ok=True)
        self._records = dict(self._read())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another process have the folder."""
        self._lock.release()

    def _read(self) -> Iterator[tuple[str, CellRecord]]:
        for path in sorted((self.folder / CELLS).glob("*.json")):
            try:
                record = CellRecord(**json.loads(path.read_text(encoding="utf-8")))
            except (ValueError, TypeError):  # damaged, or not written by this program: the cell is done again
                continue
            if record.id == path.stem:
                yield record.id, record

    @property
    def records(self) -> Mapping[str, CellRecord]:
        """Every finished cell, by id."""
        return self._records

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """What every finished cell says, by id."""
        return {record_id: record.outcome for record_id, record in self._records.items()}

    def save(self, cell: NamedCell, outcome: Outcome, *, seconds: float, peak_rss_mb: float) -> CellRecord:
        """Write a finished cell down; it is there once this returns."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        record = CellRecord(cell.id, cell.kind, cell.label, outcome, round(seconds, 3), round(peak_rss_mb, 1), now)
        atomic_file.write_text(
            self.folder / CELLS / f"{cell.id}.json", json.dumps(asdict(record), ensure_ascii=False, allow_nan=False)
        )
        self._records[cell.id] = record
        return record


def _merged(path: Path, identity: Identity) -> Identity:
    """Compare the folder's identity with this run's, and add the data files it did not know. Raises LedgerMismatch."""
    own = identity.facts()
    if path.exists():
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
            differences = [line for name in own for line in _differences(name, there[name], own[name])]
            own["data"] = {**there["data"], **own["data"]}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LedgerMismatch(f"{path} cannot be read ({error!r}); name another folder") from error
        if differences:
            raise LedgerMismatch(
                f"the results in {path.parent} cannot be mixed with these: {'; '.join(differences)}."
                " Name another folder, or run as before"
            )
    atomic_file.write_text(path, json.dumps(own, indent=1, ensure_ascii=False, allow_nan=False))
    return Identity(**own)


def _differences(name: str, there: Any, here: Any) -> Iterator[str]:
    if isinstance(here, dict):
        for key in sorted(set(here) & set(there)):
            if here[key] != there[key]:
                yield f"{name} {key} was {_shown(there[key])} and is {_shown(here[key])}"
    elif here != there:
        yield f"{name} was {_shown(there)} and is {_shown(here)}"


def _shown(value: object) -> str:
    text = str(value)
    return f"{text[:12]}..." if len(text) > 40 else text
