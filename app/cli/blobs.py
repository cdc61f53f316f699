"""`ltp blobs`: where contents lie, and moving them between the database and a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.command import Json, local_output
from app.cli.failure import Failure
from app.cli.output import key_values, size
from app.cli.read_settings import settings_of

if TYPE_CHECKING:
    from app.storage.blob_moves import BlobMoves

group = typer.Typer(help="Contents: whether they lie in the database or in a store.", no_args_is_help=True)


class Target(StrEnum):
    """Where to."""

    DATABASE = "database"
    STORE = "store"


@contextmanager
def _moves() -> Iterator[BlobMoves]:
    """Raises Failure where the store is away or none is named; `BlobStoreUnavailable` while it is at work."""
    from app.storage.blob_health import examine_store
    from app.storage.blob_moves import BlobMoves
    from app.storage.database import Database

    settings = settings_of()
    if not settings.blob_url:
        raise Failure("invalid_settings", "LTP_BLOB_URL names no store", hint="Write it as s3://BUCKET/PREFIX.")
    db = Database.from_settings(settings)
    try:
        if wrong := examine_store(db):
            raise Failure("blob_store_unavailable", wrong)
        yield BlobMoves(db)
    finally:
        db.close()


@group.command("show")
def show(*, as_json: Json = False) -> None:
    """Count the contents in the database and in the store."""
    with local_output(as_json) as output, _moves() as moves:
        held = moves.held()
        data = {place: figures._asdict() for place, figures in held.items()}
        lines = [(place, f"{figures.blobs:,} contents, {size(figures.bytes)}") for place, figures in held.items()]
        output.show(data, lambda console: console.print(key_values(lines)))


@group.command("move")
def move(*, to: Annotated[Target, typer.Option("--to", help="Where they shall lie.")], as_json: Json = False) -> None:
    """Move all contents, each compared with its SHA-256; the service may run, and a run that breaks off be repeated."""
    with local_output(as_json) as output, _moves() as moves:
        from app.cli.progress import progress_display

        with progress_display("moved") as shown:
            moved = moves.move(to.value, report=lambda done, of: shown.update("bytes", done, of))
        refused = [{"blob": blob, "why": why} for blob, why in moved.refused]
        said = f"{moved.blobs:,} contents, {size(moved.bytes)}, lie in the {to.value} now"
        output.show(
            {"blobs": moved.blobs, "bytes": moved.bytes, "refused": refused}, lambda console: console.print(said)
        )
        if refused:
            raise Failure("corrupt_blob", f"{len(refused)} could not be moved: {moved.refused[0][1]}")


@group.command("orphans")
def orphans(
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Delete them.")] = False,
    as_json: Json = False,
) -> None:
    """List the objects of the store that no row refers to and that are older than a day."""
    with local_output(as_json) as output, _moves() as moves:
        found = list(moves.orphans())
        for orphan in found if remove else ():
            moves.remove(orphan)
        said = f"{len(found):,} objects that no row refers to{', removed' if remove else ''}"
        lines = [said, *(f"{orphan.key}  {size(orphan.size)}" for orphan in found)]
        data = {"objects": [{"object": each.key, "bytes": each.size} for each in found], "removed": remove}
        output.show(data, lambda console: console.print("\n".join(lines)))
