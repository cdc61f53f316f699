"""`ltp evaluate`: how well an adapter does on labelled pairs it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import options
from app.cli.command import Json, Key, Url, service_session
from app.cli.label_spaces import SHORT, AsTwoWay, macro_f1, scored
from app.cli.output import accuracy, percent, table

if TYPE_CHECKING:
    from rich.console import Console

    from ltp.text.examples import Example

BUSY_WAIT_S = 600.0


def evaluate(
    *,
    file: Annotated[Path, typer.Argument(**options.EXISTING, help="Labelled pairs: JSONL, CSV or TSV.")],
    adapter: Annotated[str, typer.Option(help="sw, sw@3, sw@production, or an id.", show_default=False)],
    fallback: Annotated[str | None, typer.Option(help="Who answers when the language has no adapter.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many pairs.")] = None,
    answered_as: AsTwoWay = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Score an adapter on labelled pairs: accuracy with a 95 % interval, per label, and the confusion matrix."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.prediction_requests import PredictionOptions, predict_pairs
        from ltp.text.examples import read_examples

        with options.reading(file):
            examples = read_examples(file)[:limit]
        session.client.busy_wait_s = BUSY_WAIT_S
        pairs = [{"premise": example.premise, "hypothesis": example.hypothesis} for example in examples]
        predictions = list(predict_pairs(session.client, PredictionOptions(adapter, fallback), pairs))
        report = _report(examples, predictions, two_way=answered_as == "two_way")
        session.output.show(report, lambda console: _print(console, report))


def _report(examples: Sequence[Example], predictions: Sequence[dict[str, Any]], *, two_way: bool) -> dict[str, Any]:
    return {
        "adapters": sorted({f"{given['adapter']['lang']}@{given['adapter']['version']}" for given in predictions}),
        "pairs": len(predictions),
        "truncated": sum(given["truncated"] for given in predictions),
        "fallback": sum(given["fallback"] for given in predictions),
        "unknown": sum(given["unknown"] > 0 for given in predictions),
        **scored(examples, predictions, two_way=two_way),
    }


def _print(console: Console, report: dict[str, Any]) -> None:
    labels = report["labels"]
    space = SHORT[report["label_space"]]
    console.print(f"[bold]{accuracy(report)}[/bold] {space} accuracy, 95 % interval, on {report['pairs']} pairs")
    console.print(
        f"answered by {', '.join(report['adapters'])}; {macro_f1(report)}; "
        f"expected calibration error {percent(report['ece'])}"
    )
    for note in report["notes"]:
        console.print(f"[yellow]{note}[/yellow]")
    notes = {
        "truncated": "were cut to fit",
        "fallback": "were answered zero-shot",
        "unknown": "hold words that are not in the backbone's vocabulary",
    }
    for count, words in ((report[name], words) for name, words in notes.items()):
        if count:
            console.print(f"[yellow]{count} pairs {words}[/yellow]")
    measures = ("precision", "recall", "f1")
    rows = [
        (
            label,
            *(percent(report["per_label"][label][name]) for name in measures),
            str(report["per_label"][label]["support"]),
        )
        for label in labels
    ]
    columns = ("label", "precision", "recall", "F1", "pairs")
    console.print("", table(columns, rows, title=f"per label ({space})", numeric=len(columns) - 1))
    confusion = [(label, *map(str, counts)) for label, counts in zip(labels, report["confusion"], strict=True)]
    title = "confusion: truth down, answer across"
    console.print("", table(("", *labels), confusion, title=title, numeric=len(labels)))
