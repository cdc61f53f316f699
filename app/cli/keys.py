"""`ltp key`: who may use a service, and for what."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.command import Json, Key, Url, service_session
from app.cli.failure import Failure
from app.cli.options import without_missing
from app.cli.output import age, key_values, table

if TYPE_CHECKING:
    from app.cli.client import Client

group = typer.Typer(help="Keys: who may use the service, and for what.", no_args_is_help=True)

SCOPES = ("read", "predict", "train", "admin")
_DAYS = re.compile(r"(\d{1,5})d")


@group.command("create")
def create_key(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, or what it is for.", show_default=False)],
    scope: Annotated[
        list[str], typer.Option(metavar="SCOPE", help="read, predict, train or admin; repeatable.", show_default=False)
    ],
    tenant: Annotated[
        str | None,
        typer.Option(help="Another than your own, made if new; needs the service's ADMIN_KEY."),
    ] = None,
    expires: Annotated[str | None, typer.Option(metavar="WHEN", help="90d, 2027-03-01, or an RFC 3339 time.")] = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Make a key; its secret is shown once."""
    with service_session(as_json, url, api_key) as session:
        for each in scope:
            if each not in SCOPES:
                raise typer.BadParameter(f"scope is {each!r}; it must be one of {', '.join(SCOPES)}")
        body = without_missing(
            name=name, scopes=scope, tenant=tenant, expires_at=None if expires is None else _moment(expires)
        )
        made = session.client.post("/keys", body, repeatable=False)
        secret = made["secret"]

        def render(console: Any) -> None:
            console.print(key_values([*_described(made), ("secret", secret)]))
            session.output.note("Keep the secret now: it is not shown again.")

        session.output.show(made, render)


@group.command("list")
def list_keys(
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 50,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """List keys that are not revoked, newest first; with ADMIN_KEY those of every tenant."""
    with service_session(as_json, url, api_key) as session:
        keys = session.client.items("/keys", limit=limit)
        rows = [
            (
                key["id"],
                key["tenant"],
                key["name"],
                " ".join(key["scopes"]),
                key["expires_at"] or "never",
                _used(key),
                key.get("made_by") or "ADMIN_KEY",
            )
            for key in keys
        ]
        columns = ("key", "tenant", "name", "scopes", "expires", "last used", "made by")
        session.output.show(keys, lambda console: console.print(table(columns, rows, flexible=2)))


@group.command("revoke")
def revoke_key(
    *,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Id or name.", show_default=False)],
    with_made: Annotated[
        bool, typer.Option("--with-made", help="Revoke also the keys that it made, and that they made.")
    ] = False,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Make a key invalid for good, everywhere within 30 seconds; for making and revoking keys at once."""
    with service_session(as_json, url, api_key) as session:
        key_id = _find(session.client, key)
        session.client.delete(f"/keys/{key_id}", with_made=with_made or None)
        session.output.show({"id": key_id, "revoked": True}, lambda console: console.print(f"Revoked key {key_id}."))


def _find(client: Client, reference: str) -> str:
    """The id of a key: itself, or that of the only key with this name."""
    try:
        return str(uuid.UUID(reference))
    except ValueError:
        named = [key["id"] for key in client.items("/keys") if key["name"] == reference]
    if len(named) == 1:
        return str(named[0])
    what = f"there are {len(named)} keys" if named else "there is no key"
    raise Failure("key_not_found", f"{what} named {reference!r}", hint="See them, with their ids: ltp key list")


def _moment(text: str) -> str:
    """The time that was typed, as the API wants it. Raises typer.BadParameter."""
    try:
        if days := _DAYS.fullmatch(text):
            return (datetime.now(UTC) + timedelta(days=int(days[1]))).isoformat()
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"expires is {text!r}; write 90d, 2027-03-01 or 2027-03-01T12:00:00Z") from error
    return (moment if moment.tzinfo else moment.astimezone()).isoformat()


def _used(key: dict[str, Any]) -> str:
    return age(key["last_used_at"]) if key["last_used_at"] else "not yet"


def _described(key: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("key", f"{key['id']}  {key['name']}"),
        ("tenant", key["tenant"]),
        ("scopes", " ".join(key["scopes"])),
        ("expires", key["expires_at"] or "never"),
    ]
