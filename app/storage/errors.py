"""What the commands on a data directory raise on purpose, beside what a request may meet (`app.errors`)."""

from __future__ import annotations

from app.errors import AppError


class BackupRefused(AppError):
    """A backup cannot be written there, or a file cannot be restored."""


class DataDirInUse(AppError):
    """Another `ltp serve` runs on the same data directory, or on the same SQLite file."""

    def __init__(self, place: object) -> None:
        super().__init__(f"another `ltp serve` is running on {place}; stop it, or choose another --data-dir")
