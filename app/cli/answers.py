"""`ltp adapter answers`: where an adapter errs, pair by pair, on those that it is scored on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli.command import Json, Key, Url, service_session
from app.cli.options import without_missing
from app.cli.output import percent, size, table
from app.cli.target import Force, check_target

if TYPE_CHECKING:
    from rich.console import Console

Label = Literal["entailment", "neutral", "contradiction", "not_entailment"]
SHOWN_CHARACTERS = 60


def show_answers(
    *,
    adapter: Annotated[
        str, typer.Argument(metavar="ADAPTER", help="sw, sw@3, sw@production, or an id.", show_default=False)
    ],
    wrong: Annotated[
        bool | None, typer.Option("--wrong/--right", help="Only those that it got wrong, or right.")
    ] = None,
    label: Annotated[Label | None, typer.Option(help="Only pairs with this label.", show_default=False)] = None,
    predicted: Annotated[
        Label | None, typer.Option(help="Only pairs that it took for this.", show_default=False)
    ] = None,
    sort: Annotated[
        Literal["file", "certainty", "uncertainty"],
        typer.Option(help="As in the file; or the surest answers first; or those it was least sure of."),
    ] = "file",
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Show at most so many.")] = 20,
    to: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write all of them as CSV.", show_default=False)
    ] = None,
    force: Force = False,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Show what an adapter answered to the pairs that it is scored on: where it errs, and how sure it was.

    Where all pairs trained, each was answered by a model that never saw its premise.
    """
    with service_session(as_json, url, api_key) as session:
        check_target(to, force=force)
        from app.cli.references import find_adapter

        found = find_adapter(session.client, adapter)
        path = f"/adapters/{found['id']}/answers"
        asked = without_missing(wrong=wrong, label=label, predicted=predicted, sort=sort)
        if to is not None:
            written = session.client.save(path, to, **asked, format="csv")
            document = {"adapter": found["id"], "file": str(to), "bytes": written}
            session.output.show(document, lambda console: console.print(f"Wrote {to} ({size(written)})"))
            return
        items = session.client.items(path, limit=count, **asked)
        session.output.show(items, lambda console: _print(console, items))


def _print(console: Console, items: list[dict[str, Any]]) -> None:
    rows = [
        (
            str(item["line"]),
            item["premise"][:SHOWN_CHARACTERS],
            item["hypothesis"][:SHOWN_CHARACTERS],
            item["label"],
            item["predicted"],
            percent(max(item["probabilities"].values())),
        )
        for item in items
    ]
    console.print(table(("line", "premise", "hypothesis", "label", "it said", "as sure as"), rows, flexible=2))
