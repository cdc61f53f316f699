"""`ltp adapter compose`: an adapter as a weighted sum of others on one ticket."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from app.cli import options
from app.cli.adapter_display import print_adapter
from app.cli.command import Json, Key, Url, service_session

TERM = re.compile(r"(?P<named>[^:]+)(:(?P<weight>-?[0-9]+(\.[0-9]+)?))?")
WEIGHTED = "REF[:WEIGHT]"


def compose_adapter(
    *,
    terms: Annotated[
        list[str],
        typer.Argument(metavar=f"{WEIGHTED}...", help="starter:0.5 sw@1:0.5; a weight below 0 subtracts; default 1."),
    ],
    lang: Annotated[str, typer.Option(help="The language that the result is for.", show_default=False)],
    language_delta: Annotated[
        list[str] | None,
        typer.Option("--language-delta", metavar="ID[:WEIGHT]", help="Of a language's own text, added; repeatable."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    alias: Annotated[str | None, typer.Option(help="An alias to point at it.")] = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Add up adapters on one ticket, each times its weight; how good that is says `ltp evaluate`."""
    added = terms_of("adapter", terms) + terms_of("language_delta", language_delta or ())
    with service_session(as_json, url, api_key) as session:
        body = options.without_missing(lang=lang, terms=added, name=name, alias=alias)
        adapter = session.client.post("/adapters/compose", body, repeatable=False)
        session.output.show(adapter, lambda console: print_adapter(console, adapter))


def terms_of(kind: str, typed: Sequence[str]) -> list[dict[str, Any]]:
    """What was typed, as a request says it. Raises typer.BadParameter."""
    found = []
    for text in typed:
        said = TERM.fullmatch(text)
        if said is None:
            raise typer.BadParameter(f"{text!r} is not {WEIGHTED}, as sw@1:0.5")
        found.append({kind: said["named"], "weight": float(said["weight"] or 1)})
    return found
