"""`ltp ticket`: which parameters of the backbone may move for a language."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli import options
from app.cli.command import Json, Key, Session, Url, service_session
from app.cli.options import BatchSize, Epochs, LearningRate, MaxLength, More, NoWait, Seed, TrainingPrecision
from app.cli.output import age, key_values, table
from ltp.backbone.strategy import Strategy

if TYPE_CHECKING:
    from rich.console import Console

group = typer.Typer(help="Tickets: which parameters may move for a language.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(metavar="TICKET", help="Id, name, or `latest`.", show_default=False)]
TABLES = {".csv", ".tsv", ".jsonl", ".json"}
"""Endings of files that are seldom one sentence a line."""


@group.command("create")
def create_ticket(
    *,
    corpus: Annotated[Path | None, typer.Option(**options.EXISTING, help="Plain text, one sentence a line.")] = None,
    builtin: Annotated[Literal["demo"] | None, typer.Option(help="English text that comes with LTP.")] = None,
    drift: Annotated[str | None, typer.Option(help="Select from this drift, or a named ticket's.")] = None,
    language: Annotated[str | None, typer.Option(help="The corpus's language.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the ticket.")] = None,
    ratio: Annotated[float | None, typer.Option(help="Active share of the selectable parameters.")] = None,
    rule: Annotated[Literal["global", "per_layer"] | None, typer.Option(help="One threshold, or one a layer.")] = None,
    layers: Annotated[str | None, typer.Option(help="all, lower, middle, upper, or numbers: 1,2,3.")] = None,
    strategy: Annotated[Strategy | None, typer.Option(help="What the MLM run trains.")] = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    max_length: MaxLength = None,
    sample: Annotated[
        int | None, typer.Option(help="A seeded sample of so many lines.", rich_help_panel=options.PANEL)
    ] = None,
    precision: TrainingPrecision = None,
    seed: Seed = None,
    more: More = None,
    no_wait: NoWait = False,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Measure a drift by an MLM run over unlabelled text, and select a ticket from it."""
    with service_session(as_json, url, api_key, patient=not no_wait) as session:
        from app.cli.references import find_drift
        from ltp.config import MLMConfig, TicketConfig

        if sum(source is not None for source in (corpus, builtin, drift)) != 1:
            raise typer.BadParameter("give one source: --corpus FILE, --builtin demo or --drift ID")
        scope = None if layers is None else options.layers(layers)
        selection = options.hyperparameters(TicketConfig, None, active_ratio=ratio, rule=rule, layers=scope)
        mlm = options.hyperparameters(
            MLMConfig,
            more,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            max_length=max_length,
            sample=sample,
            precision=precision,
            seed=seed,
        )
        stored = None if drift is None else find_drift(session.client, drift)
        body = options.without_missing(
            name=name,
            language=language,
            drift=stored,
            strategy=strategy,
            mlm=mlm,
            corpus=builtin and {"builtin": builtin},
        )
        files = None if corpus is None else {"corpus": checked_corpus(session, corpus)}
        accepted = session.client.post("/tickets", body | selection, files=files)
        _finish(session, accepted, no_wait)


def checked_corpus(session: Session, corpus: Path) -> Path:
    """Read the corpus once before it travels: a fault is named here, by line and column."""
    from ltp.text.corpus import Corpus

    if corpus.suffix.lower() in TABLES:
        session.output.note(f"warning: each line of {corpus} is taken for a sentence, header and separators included")
    with options.reading(corpus):
        for _ in Corpus.from_file(corpus):
            pass
    return corpus


def _finish(session: Session, accepted: dict[str, Any], no_wait: bool) -> None:
    from app.cli.watch import accepted_lines, wait

    if no_wait:
        session.output.show(accepted, lambda console: console.print(key_values(accepted_lines(accepted["job"]))))
        return
    job = wait(session, accepted["job"])
    ticket = session.client.get(f"/tickets/{accepted['ticket']['id']}")
    session.output.show({"job": job, "ticket": ticket}, lambda console: _print(console, ticket))


@group.command("list")
def list_tickets(
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 20,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """List tickets, newest first."""
    with service_session(as_json, url, api_key) as session:
        tickets = session.client.items("/tickets", limit=limit)
        rows = [
            (
                ticket["id"],
                ticket["name"] or "-",
                ticket["status"],
                _ratio(ticket),
                _millions(ticket["active"]),
                age(ticket["created_at"]),
            )
            for ticket in tickets
        ]
        columns = ("ticket", "name", "status", "ratio", "active", "age")
        session.output.show(tickets, lambda console: console.print(table(columns, rows, flexible=1)))


@group.command("show")
def show_ticket(
    *,
    ticket: Reference,
    png: Annotated[Path | None, typer.Option(help="Draw the distribution over the layers into this file.")] = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Show a ticket: what it selects, and how that spreads over the layers."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_ticket

        ticket_data = find_ticket(session.client, ticket)
        if png is not None:
            from app.cli.layer_chart import draw

            draw(ticket_data, png)
            session.output.note(f"Wrote {png}")
        session.output.show(ticket_data, lambda console: _print(console, ticket_data))


@group.command("share")
def share_ticket(
    *,
    ticket: Reference,
    shared: Annotated[bool, typer.Option("--all/--own", help="With every tenant, or its own alone again.")] = True,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Let all tenants train on a ticket, or end that; needs the service's ADMIN_KEY."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_ticket

        found = find_ticket(session.client, ticket)
        answer = session.client.put(f"/tickets/{found['id']}/shared", {"shared": shared})
        whose = "every tenant may use" if shared else "its own tenant alone may use"
        session.output.show(answer, lambda console: console.print(f"{whose} ticket {found['id']}"))


@group.command("delete")
def delete_ticket(
    *,
    ticket: Reference,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Delete a ticket that no adapter stands on; its drift stays."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_ticket

        found = find_ticket(session.client, ticket)
        session.client.delete(f"/tickets/{found['id']}")
        told = {"id": found["id"], "deleted": True}
        session.output.show(told, lambda console: console.print(f"Deleted ticket {found['id']}."))


def _print(console: Console, ticket: dict[str, Any]) -> None:
    from app.cli.layer_strip import strip

    console.print(key_values(_described(ticket)))
    if ticket["zero_drift"]:
        console.print(
            f"[yellow]{ticket['zero_drift']:,} of its active parameters never moved in the MLM run; they were "
            "filled up in a fixed order. A smaller ratio or more text makes the ticket tell more.[/yellow]"
        )
    if ticket["distribution"]:
        console.print()
        for line in strip(ticket["distribution"], width=console.width):
            console.print(line)


def _described(ticket: dict[str, Any]) -> list[tuple[str, str]]:
    drift = f"from drift {ticket['drift']}" if ticket["drift"] else f"no drift here (origin: {ticket['origin']})"
    return [
        ("ticket", f"{ticket['id']}  {ticket['name'] or ''}"),
        ("status", ticket["status"]),
        ("source", f"{ticket['language']}, {ticket['strategy']}, {drift}"),
        ("selected", f"{_ratio(ticket)}, rule {ticket['rule']}, layers {ticket['layers']}"),
        (
            "active",
            f"{_count(ticket['active'])} of {_count(ticket['selectable'])} selectable; {_count(ticket['moved'])} moved",
        ),
    ]


def _ratio(ticket: dict[str, Any]) -> str:
    return "-" if ticket["active_ratio"] is None else f"{100 * ticket['active_ratio']:g} %"


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _millions(number: int | None) -> str:
    return "-" if number is None else f"{number / 1e6:.1f} M"
