"""`ltp adapter`: what a few labelled examples of one language were turned into."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli import options
from app.cli.adapter_display import begun, label_of, print_adapter
from app.cli.answers import show_answers
from app.cli.command import Json, Key, Url, service_session
from app.cli.compare import compare_adapters
from app.cli.compose import compose_adapter
from app.cli.exports import export_adapter, push_adapter
from app.cli.label_spaces import short
from app.cli.output import accuracy, age, size, table
from app.cli.report import report_adapter
from app.cli.train import train_adapter
from app.registry.alias_names import PRODUCTION

group = typer.Typer(help="Adapters: one language's classifier on the shared backbone.", no_args_is_help=True)
group.command("train")(train_adapter)
group.command("compose")(compose_adapter)

COLUMNS = ("adapter", "name", "aliases", "status", "from", "labels", "dev accuracy", "guessing", "start", "size", "age")
Reference = Annotated[
    str, typer.Argument(metavar="ADAPTER", help="sw, sw@3, sw@production, or an id.", show_default=False)
]


group.command("compare")(compare_adapters)
group.command("answers")(show_answers)
group.command("export")(export_adapter)
group.command("push")(push_adapter)
group.command("report")(report_adapter)


@group.command("list")
def list_adapters(
    *,
    lang: Annotated[str | None, typer.Option(help="Only of this language.")] = None,
    alias: Annotated[str | None, typer.Option(help="Only those this alias points at.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 20,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """List adapters, newest first; beside each accuracy what guessing and the start give on the same pairs.

    > says that the adapter is better, < that it is worse, = that there is no real difference.
    """
    with service_session(as_json, url, api_key) as session:
        from app.cli import beside

        adapters = session.client.items("/adapters", lang=lang, alias=alias, limit=limit)
        rows = [
            (
                label_of(adapter),
                adapter["name"] or "-",
                ", ".join(adapter["aliases"]) or "-",
                adapter["status"],
                begun(adapter),
                short(adapter["label_space"]),
                accuracy((adapter["metrics"] or {}).get("dev")),
                beside.against_guessing((adapter["metrics"] or {}).get("dev")),
                beside.against_start(adapter["metrics"]),
                "-" if adapter["bytes"] is None else size(adapter["bytes"]),
                age(adapter["created_at"]),
            )
            for adapter in adapters
        ]
        session.output.show(adapters, lambda console: console.print(table(COLUMNS, rows, flexible=1)))


@group.command("show")
def show_adapter(
    *,
    adapter: Reference,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Show an adapter: what it was trained on, and how it did."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_adapter, ticket_name

        found = find_adapter(session.client, adapter)  # as lists show it, without its details
        adapter_data = session.client.get(f"/adapters/{found['id']}")
        ticket = ticket_name(session.client, adapter_data["ticket"])
        session.output.show(adapter_data, lambda console: print_adapter(console, adapter_data, ticket=ticket))


@group.command("promote")
def promote_adapter(
    *,
    adapter: Reference,
    alias: Annotated[str, typer.Option(help="The alias to move.")] = PRODUCTION,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Point an alias at an adapter; `ltp predict --adapter sw` then answers from it at once."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_adapter

        adapter_data = find_adapter(session.client, adapter)
        lang, version = adapter_data["lang"], adapter_data["version"]
        before = session.client.items("/adapters", lang=lang, alias=alias, limit=1)
        was = before[0]["version"] if before else None
        answer = session.client.put(f"/languages/{lang}/aliases/{alias}", {"version": version}) | {"was": was}
        session.output.show(answer, lambda console: console.print(_promoted(lang, alias, version, was)))


def _promoted(lang: str, alias: str, version: int, was: int | None) -> str:
    """What an alias points at now and pointed at before, and the way back."""
    option = "" if alias == PRODUCTION else f" --alias {alias}"
    if was is None:
        return f"{lang}@{alias} is now version {version}; it was not there before: ltp adapter demote {lang}{option}"
    if was == version:
        return f"{lang}@{alias} is version {version}, as it was"
    return f"{lang}@{alias} was version {was}, is now version {version}; back: ltp adapter promote {lang}@{was}{option}"


@group.command("demote")
def demote_adapter(
    *,
    lang: Annotated[str, typer.Argument(metavar="LANG", help="The language.", show_default=False)],
    alias: Annotated[str, typer.Option(help="The alias to take away.")] = PRODUCTION,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Take an alias away; the adapter stays. Without `production` a language's newest version answers."""
    with service_session(as_json, url, api_key) as session:
        session.client.delete(f"/languages/{lang}/aliases/{alias}")
        told = {"lang": lang, "alias": alias, "deleted": True}
        session.output.show(told, lambda console: console.print(f"{lang}@{alias} is gone; the adapter stays."))


@group.command("delete")
def delete_adapter(
    *,
    adapter: Annotated[
        str, typer.Argument(metavar="ADAPTER", help="sw@3, sw@candidate, or an id.", show_default=False)
    ],
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Delete an adapter with its examples and answers, for good; its version's number is not given again."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_adapter
        from ltp_client.sync.references import is_id

        if "@" not in adapter and not is_id(adapter):
            raise typer.BadParameter(f"{adapter!r} means whatever answers; name a version, as {adapter}@3, or an id")
        found = find_adapter(session.client, adapter)
        session.client.delete(f"/adapters/{found['id']}")
        told = {"id": found["id"], "adapter": label_of(found), "deleted": True}
        session.output.show(told, lambda console: console.print(f"Deleted adapter {label_of(found)} ({found['id']})."))


@group.command("import")
def import_adapter(
    *,
    file: Annotated[Path, typer.Argument(**options.EXISTING, help="What `ltp adapter export` wrote.")],
    lang: Annotated[str | None, typer.Option(help="Default: the language it was trained for.")] = None,
    alias: Annotated[str | None, typer.Option(help="An alias to point at it.")] = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Upload an exported adapter; it becomes the next version of its language."""
    with service_session(as_json, url, api_key) as session:
        body = options.without_missing(lang=lang, alias=alias)
        answer = session.client.post("/adapters/import", body, files={"file": file}, repeatable=False)
        adapter = answer.get("adapter", answer)
        session.output.show(adapter, lambda console: print_adapter(console, adapter))
