"""`ltp quota` and `ltp audit`: how much a tenant has of what it may have, and what was changed, by whom."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.command import Json, Key, Url, service_session
from app.cli.output import key_values, size, table


def show_quota(*, as_json: Json = False, url: Url = None, api_key: Key = None) -> None:
    """Show what your tenant stores, runs and has given out, and how much of each it may."""
    with service_session(as_json, url, api_key) as session:
        quota = session.client.get("/quota")
        lines = [
            ("stored", f"{size(quota['stored_bytes'])} of {size(quota['most_stored_bytes'])}"),
            ("unfinished jobs", f"{quota['unfinished_jobs']} of {quota['most_unfinished_jobs']}"),
            ("keys", f"{quota['keys']} of {quota['most_keys']}"),
        ]
        session.output.show(quota, lambda console: console.print(key_values(lines)))


def show_audit(
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 20,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Show what was changed, newest first: when, by whom, and what; for keys that may administer."""
    with service_session(as_json, url, api_key) as session:
        events = session.client.items("/audit", limit=limit)
        rows = [
            (
                event["created_at"],
                event["actor"],
                event["action"],
                "-" if event["resource"] is None else f"{event['resource']['kind']} {event['resource']['id']}",
            )
            for event in events
        ]
        columns = ("when", "who", "did", "what")
        session.output.show(events, lambda console: console.print(table(columns, rows, flexible=3)))
