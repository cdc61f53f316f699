"""`ltp backup` and `ltp restore`: the embedded service's database as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.command import Json, local_output
from app.cli.output import size
from app.cli.read_settings import settings_of
from app.cli.service import DataDir


def backup(
    *,
    file: Annotated[Path, typer.Argument(help="A new file to write.", dir_okay=False)],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Copy the whole database of `ltp serve` to one file; the service may run meanwhile."""
    with local_output(as_json) as output:
        from app.storage.backup import back_up

        settings = settings_of(data_dir=data_dir)
        count = back_up(settings, file)
        if settings.blob_url:
            output.note(f"contents that lie in {settings.blob_url} are not in it: keep the bucket as well")
        output.show(
            {"file": str(file), "bytes": count}, lambda console: console.print(f"{file}: {size(count)}, checked")
        )


def restore(
    *,
    file: Annotated[Path, typer.Argument(help="A file that `ltp backup` wrote.", dir_okay=False)],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of the database of `ltp serve`, which must be stopped; the former one is kept."""
    with local_output(as_json) as output:
        from app.storage import backup

        former = backup.restore(settings_of(data_dir=data_dir), file)
        kept = f"; the former database is {former}" if former else ""
        data = {"file": str(file), "former": str(former) if former else None}
        output.show(data, lambda console: console.print(f"restored {file}{kept}"))
