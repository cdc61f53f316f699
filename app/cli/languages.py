"""`ltp language`: languages with their adapters, and their own texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import options
from app.cli.command import Json, Key, Session, Url, service_session
from app.cli.options import BatchSize, Epochs, LearningRate, MaxLength, More, NoWait, Seed, TrainingPrecision
from app.cli.output import age, key_values, table

if TYPE_CHECKING:
    from rich.console import Console

group = typer.Typer(help="Languages: what there is of each, and its own text.", no_args_is_help=True)


@group.command("adapt")
def adapt_language(
    *,
    lang: Annotated[str, typer.Argument(metavar="LANG", help="The language of the text.", show_default=False)],
    text: Annotated[Path, typer.Argument(**options.EXISTING, metavar="TEXT", help="Plain text, one sentence a line.")],
    ticket: Annotated[
        str | None, typer.Option(help="Whose parameters train: id, name, or `latest`.", show_default=False)
    ] = None,
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
    """Train a ticket's parameters on unlabelled text of a language, to train adapters on top of."""
    with service_session(as_json, url, api_key, patient=not no_wait) as session:
        from app.cli.references import find_ticket
        from app.cli.tickets import checked_corpus
        from ltp.config import LanguageConfig

        mlm = options.hyperparameters(
            LanguageConfig,
            more,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            max_length=max_length,
            sample=sample,
            precision=precision,
            seed=seed,
        )
        on = None if ticket is None else find_ticket(session.client, ticket)["id"]
        body = options.without_missing(ticket=on, mlm=mlm)
        files = {"corpus": checked_corpus(session, text)}
        _finish(session, session.client.post(f"/languages/{lang}/text", body, files=files), no_wait)


def _finish(session: Session, accepted: dict[str, Any], no_wait: bool) -> None:
    from app.cli.watch import accepted_lines, wait

    if no_wait:
        session.output.show(accepted, lambda console: console.print(key_values(accepted_lines(accepted["job"]))))
        return
    job = wait(session, accepted["job"])
    made = session.client.get(f"/language-deltas/{accepted['language_delta']['id']}")
    session.output.show({"job": job, "language_delta": made}, lambda console: _print(console, made))


def _print(console: Console, made: dict[str, Any]) -> None:
    console.print(key_values(_described(made)))
    if made["helps"] is False:
        console.print("[yellow]It cannot help: nothing is gained on held-out lines.[/yellow]")
    else:
        console.print(f"Train on top of it: ltp adapter train FILE --lang {made['lang']} --language-delta {made['id']}")


def _described(made: dict[str, Any]) -> list[tuple[str, str]]:
    report = made["report"]
    return [
        ("language delta", f"{made['id']}  {made['lang']}, version {made['version']}"),
        ("ticket", made["ticket"] or "-"),
        ("text", f"{sum(report['lines'].values()):,} lines, {report['lines']['validation']:,} of them held out"),
        ("steps", f"{made['steps']:,}, the best {made['best_step']:,}"),
        ("held out", made["verdict"]),
    ]


@group.command("list")
def list_languages(
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """List languages with their adapters, and the language deltas made of their own texts."""
    with service_session(as_json, url, api_key) as session:
        languages = session.client.items("/languages", limit=limit)
        deltas = session.client.items("/language-deltas", limit=limit)
        shown = {"languages": languages, "language_deltas": deltas}
        session.output.show(shown, lambda console: _print_all(console, languages, deltas))


def _print_all(console: Console, languages: list[dict[str, Any]], deltas: list[dict[str, Any]]) -> None:
    rows = [
        (
            each["lang"],
            each["name"],
            ", ".join(map(str, each["versions"])),
            ", ".join(f"{alias} -> {version}" for alias, version in each["aliases"].items()) or "-",
        )
        for each in languages
    ]
    if rows or not deltas:
        console.print(table(("language", "name", "adapters", "aliases"), rows, flexible=1))
    if deltas:
        console.print()
        columns = ("language", "text", "language delta", "status", "held-out loss", "age")
        console.print(table(columns, [_row(each) for each in deltas], flexible=2))


def _row(made: dict[str, Any]) -> tuple[str, ...]:
    version = str(made["version"] or "-")
    return made["lang"], version, made["id"], made["status"], _gain(made), age(made["created_at"])


def _gain(made: dict[str, Any]) -> str:
    held = made["held_out"]
    return "-" if held is None else f"{held['before']:.3f} -> {held['after']:.3f}"
