"""`ltp webhook`: who is told when a job has ended."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli.command import Json, Key, Url, service_session
from app.cli.options import without_missing
from app.cli.output import key_values, table

group = typer.Typer(help="Webhooks: who is told when a job has ended.", no_args_is_help=True)


@group.command("create")
def create_webhook(
    *,
    address: Annotated[str, typer.Argument(metavar="URL", help="Where to post to.", show_default=False)],
    event: Annotated[
        list[str] | None,
        typer.Option(metavar="EVENT", help="job.succeeded, job.failed or job.cancelled; repeatable. Default: all."),
    ] = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Have the ends of jobs posted somewhere; the secret that signs them is shown once."""
    with service_session(as_json, url, api_key) as session:
        made = session.client.post("/webhooks", without_missing(url=address, events=event or None), repeatable=False)

        def render(console: Any) -> None:
            rows = [("webhook", made["id"]), ("url", made["url"]), ("events", " ".join(made["events"]))]
            console.print(key_values([*rows, ("secret", made["secret"])]))
            session.output.note("Keep the secret now: it is not shown again.")

        session.output.show(made, render)


@group.command("list")
def list_webhooks(
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 50,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """List webhooks, newest first."""
    with service_session(as_json, url, api_key) as session:
        found = session.client.items("/webhooks", limit=limit)
        rows = [(each["id"], each["url"], " ".join(each["events"])) for each in found]
        session.output.show(found, lambda console: console.print(table(("webhook", "url", "events"), rows, flexible=1)))


@group.command("deliveries")
def list_deliveries(
    *,
    webhook: Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id.", show_default=False)],
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 20,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """List what was sent to a webhook, and whether it has arrived."""
    with service_session(as_json, url, api_key) as session:
        found = session.client.items(f"/webhooks/{webhook}/deliveries", limit=limit)
        rows = [
            (each["job"], each["event"], each["status"], str(each["attempts"]), each["error"] or "") for each in found
        ]
        columns = ("job", "event", "status", "attempts", "error")
        session.output.show(found, lambda console: console.print(table(columns, rows, flexible=4)))


@group.command("delete")
def delete_webhook(
    *,
    webhook: Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id.", show_default=False)],
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Delete a webhook; nothing is sent to it any more."""
    with service_session(as_json, url, api_key) as session:
        session.client.delete(f"/webhooks/{webhook}")
        session.output.show(
            {"id": webhook, "deleted": True}, lambda console: console.print(f"Deleted webhook {webhook}.")
        )
