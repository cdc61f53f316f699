"""`ltp drift`: the MLM runs that tickets are selected from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli.command import Json, Key, Url, service_session
from app.cli.output import age, table

group = typer.Typer(
    help="Drifts: how far parameters moved in an MLM run; tickets are made of them.", no_args_is_help=True
)


@group.command("list")
def list_drifts(
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 20,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """List drifts, newest first, with how many tickets were made of each."""
    with service_session(as_json, url, api_key) as session:
        drifts = session.client.items("/drifts", limit=limit)
        columns = ("drift", "status", "language", "strategy", "tickets", "age")
        session.output.show(drifts, lambda console: console.print(table(columns, map(_row, drifts), flexible=0)))


@group.command("delete")
def delete_drift(
    *,
    drift: Annotated[
        str, typer.Argument(metavar="DRIFT", help="Id, or the name of a ticket of it.", show_default=False)
    ],
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Delete a drift and the text uploaded for it; its tickets stay."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_drift

        drift_id = find_drift(session.client, drift)
        session.client.delete(f"/drifts/{drift_id}")
        told = {"id": drift_id, "deleted": True}
        session.output.show(told, lambda console: console.print(f"Deleted drift {drift_id}."))


def _row(drift: dict[str, Any]) -> tuple[str, ...]:
    made = str(len(drift["tickets"]))
    return drift["id"], drift["status"], drift["language"], drift["strategy"], made, age(drift["created_at"])
