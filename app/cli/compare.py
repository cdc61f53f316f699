"""`ltp adapter compare`: two adapters on the same labelled pairs, or on those that both are scored on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import options, reading_options
from app.cli.command import Json, Key, Session, Url, service_session
from app.cli.label_spaces import AsTwoWay
from app.cli.output import percent, table
from app.cli.reading_options import Columns, ConflictsRule, Labels, LangColumn

if TYPE_CHECKING:
    from rich.console import Console

BUSY_WAIT_S = 600.0
Reference = Annotated[str, typer.Argument(help="sw, sw@3, sw@production, or an id.", show_default=False)]


def compare_adapters(
    *,
    first: Reference,
    second: Reference,
    file: Annotated[
        Path | None,
        typer.Argument(
            **options.PAIRS,
            help=f"Labelled pairs: {options.OR_FOLDERS}. Default: the pairs that both are scored on.",
        ),
    ] = None,
    lang: Annotated[str | None, typer.Option(help="Only the rows of this language.", show_default=False)] = None,
    columns: Columns = None,
    labels: Labels = None,
    lang_column: LangColumn = None,
    conflicts: ConflictsRule = None,
    answered_as: AsTwoWay = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Score two adapters on the same pairs, and say whether one is really better: a paired test by premises.

    The interval is a bootstrap over premises. What the rows name as their adapter does not count.
    """
    typed = reading_options.typed(columns, labels, lang_column, conflicts)
    with service_session(as_json, url, api_key) as session:
        if file is None:
            _show_kept(session, first, second)
            return
        from app.cli.beside_others import judged_alike
        from app.cli.prediction_requests import PredictionOptions, named, predict_pairs
        from ltp.comparison import compare
        from ltp.text.examples import read

        with options.reading(file):
            examples, reading = read(file, options=typed.options(lang), task="evaluate")
        for warning in reading.warnings:
            session.output.note(f"warning: {warning}")
        session.client.busy_wait_s = BUSY_WAIT_S
        pairs = [{"premise": example.premise, "hypothesis": example.hypothesis} for example in examples]
        answers = [list(predict_pairs(session.client, PredictionOptions(who), pairs)) for who in (first, second)]
        found = judged_alike(examples, *answers, two_way=answered_as == "two_way")
        told = compare(found[0].right, found[1].right, [example.premise.strip() for example in examples])
        report = {
            "adapters": [named(given[0]["adapter"]) for given in answers],
            "label_space": found[0].space,
            **told.as_dict(),
        }
        session.output.show(report, lambda console: _print(console, report))


def _show_kept(session: Session, first: str, second: str) -> None:
    """Compare by the answers that the service kept of both."""
    from app.cli.failure import Failure
    from app.cli.references import find_adapter

    ids = [find_adapter(session.client, who)["id"] for who in (first, second)]
    told = session.client.get(f"/adapters/{ids[0]}/comparison/{ids[1]}")
    if told["p"] is None:
        raise Failure("not_comparable", told["verdict"], hint="Give a file of labelled pairs.")
    sides = [told["first"], told["second"]]
    report = {
        "adapters": [f"{side['lang']}@{side['version']}" for side in sides],
        **{name: told[name] for name in ("difference", "interval", "p", "real", "pairs", "premises", "same_pairs")},
        "first": sides[0]["accuracy"],
        "second": sides[1]["accuracy"],
    }
    session.output.show(report, lambda console: _print(console, report))


def _print(console: Console, report: dict[str, Any]) -> None:
    from rich.markup import escape

    from app.cli.beside import comparison_line

    first, second = report["adapters"]
    shares = (report["first"], report["second"])
    rows = [(name, percent(share)) for name, share in zip(report["adapters"], shares, strict=True)]
    title = f"{report['pairs']:,} pairs on {report['premises']:,} premises"
    console.print(table(("adapter", "accuracy"), rows, title=title, numeric=1))
    console.print("", escape(comparison_line(first, second, report)))
