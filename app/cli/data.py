"""`ltp data`: what is understood of files before anything is done with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli import options, reading_options
from app.cli.command import Json, Key, Url, service_session
from app.cli.failure import FAILED
from app.cli.reading_options import Columns, ConflictsRule, Labels, LangColumn
from app.cli.target import Force, check_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from app.cli.readings import Checked

WARNED = 3
"""Exit code of files that were read, of which there is something to know; 1 is refused, 2 wrong usage."""
BUSY_WAIT_S = 10.0
JUDGING_WAIT_S = 600.0

group = typer.Typer(help="Files: what is understood of them, before anything is trained on them.", no_args_is_help=True)


@group.command("check")
def check_files(
    *,
    files: Annotated[
        list[Path],
        typer.Argument(**options.PAIRS, metavar="FILE...", help="Of several, the first is the training set."),
    ],
    task: Annotated[
        Literal["train", "evaluate", "predict", "corpus"], typer.Option(help="What they are meant for.")
    ] = "train",
    lang: Annotated[str | None, typer.Option(help="The language asked for.")] = None,
    columns: Columns = None,
    labels: Labels = None,
    lang_column: LangColumn = None,
    conflicts: ConflictsRule = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Show what is understood of files: format, columns, labels, what is left out and why. Nothing is kept.

    What is cut to fit the model, and what its vocabulary does not have, is counted where a service answers. Ends with
    0 where all is well, 3 where there are warnings, 1 where a file cannot be used.
    """
    typed = reading_options.typed(columns, labels, lang_column, conflicts)
    with service_session(as_json, url, api_key) as session:
        from app.cli.readings import Checker, between

        session.client.busy_wait_s = BUSY_WAIT_S
        checker = Checker(session, task=task, lang=lang, typed=typed)
        checked = [checker(path) for path in files]
        if len(checked) == 1 and checked[0].failure:
            raise checked[0].failure
        compared = between(checked)
        session.output.show(_document(checked, compared), lambda console: _print(console, checked, compared))
    if any(each.failure for each in checked):
        raise typer.Exit(FAILED)
    if compared or any(each.reading and each.reading["warnings"] for each in checked):
        raise typer.Exit(WARNED)


@group.command("next")
def next_pairs(
    *,
    pool: Annotated[
        Path, typer.Argument(**options.PAIRS, metavar="POOL", help=f"Unlabelled pairs: {options.OR_FOLDERS}.")
    ],
    adapter: Annotated[str, typer.Option(help="Who is to learn: sw, sw@3, sw@production, or an id.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many pairs.")] = 50,
    to: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write them ready to be labelled: .csv, .tsv or .jsonl.", show_default=False
        ),
    ] = None,
    force: Force = False,
    strategy: Annotated[
        Literal["auto", "random", "uncertain"] | None,
        typer.Option(
            help="random: any, one a premise; uncertain: unsure ones, unlike each other; auto: random.",
            show_default="auto",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another one chooses otherwise.", show_default="0")] = None,
    columns: Columns = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Choose which pairs of a file to have labelled next."""
    typed = reading_options.typed(columns)
    with service_session(as_json, url, api_key) as session:
        from app.cli.label_sheet import sheet_of, suggested_table
        from app.cli.references import find_adapter

        check_target(to, force=force)
        session.client.busy_wait_s = JUDGING_WAIT_S
        sheet = None if to is None else sheet_of(to)
        found = find_adapter(session.client, adapter)
        body = typed.body() | options.without_missing(n=count, strategy=strategy, seed=seed)
        answer = session.client.post(f"/adapters/{found['id']}/suggestions", body, files={"file": pool})
        if answer["judged"] < answer["pairs"]:
            session.output.note(f"of {answer['pairs']:,} pairs {answer['judged']:,}, drawn at random, were looked at")
        if sheet is not None and to is not None:
            sheet(to, answer["items"])
            session.output.note(
                f"wrote {len(answer['items'])} pairs to {to}: fill the column label, then train with it"
            )
        session.output.show(answer, lambda console: suggested_table(console, answer["items"], told=to is None))


def _document(checked: Sequence[Checked], compared: Sequence[str]) -> dict[str, Any]:
    """One file's reading, or why there is none; of several all of them, and what stands in two."""
    if len(checked) == 1:
        return checked[0].as_dict()
    return {"files": [each.as_dict() for each in checked], "between": list(compared)}


def _print(console: Console, checked: Sequence[Checked], compared: Sequence[str]) -> None:
    from rich.markup import escape

    from app.cli.reading_table import print_reading

    for each in checked:
        if len(checked) > 1:
            console.print(f"[bold]{escape(str(each.path))}[/bold]")
        if each.failure:
            console.print(f"[bold red]refused:[/bold red] {escape(each.failure.detail)}")
        elif each.reading:
            print_reading(console, each.reading)
        console.print()
    for sentence in compared:
        console.print(f"[yellow]{escape(sentence)}[/yellow]")
