"""`ltp evaluate`: how well an adapter does on labelled pairs it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import options, reading_options
from app.cli.command import Json, Key, Url, service_session
from app.cli.confidence import MinConfidence, TargetAccuracy, answered, answered_line
from app.cli.failure import Failure
from app.cli.label_spaces import AsTwoWay, Judged, judged, macro_f1, short
from app.cli.output import accuracy, percent, table
from app.cli.reading_options import Columns, ConflictsRule, IgnoreRowLang, Labels, LangColumn

if TYPE_CHECKING:
    from rich.console import Console

    from ltp.text.examples import Example, Reading

BUSY_WAIT_S = 600.0


def evaluate(
    *,
    file: Annotated[Path, typer.Argument(**options.PAIRS, help=f"Labelled pairs: {options.OR_FOLDERS}.")],
    adapter: Annotated[
        str | None, typer.Option(help="sw, sw@3, sw@production, or an id; a row's own wins.", show_default=False)
    ] = None,
    lang: Annotated[str | None, typer.Option(help="Only the rows of this language.", show_default=False)] = None,
    columns: Columns = None,
    labels: Labels = None,
    lang_column: LangColumn = None,
    conflicts: ConflictsRule = None,
    ignore_row_lang: IgnoreRowLang = False,
    fallback: Annotated[str | None, typer.Option(help="Who answers when the language has no adapter.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many pairs.")] = None,
    min_confidence: MinConfidence = None,
    target_accuracy: TargetAccuracy = None,
    beside: Annotated[
        str | None,
        typer.Option(help="Whom to score on the same pairs, or none.", show_default="the starter, where there is one"),
    ] = None,
    answered_as: AsTwoWay = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Score an adapter on labelled pairs: accuracy with a 95 % interval, per label, and the confusion matrix.

    Beside it stands what guessing and the starter give on the same pairs, and whether the difference is real.
    """
    typed = reading_options.typed(columns, labels, lang_column, conflicts)
    with service_session(as_json, url, api_key) as session:
        from app.cli.beside_others import beside_others
        from app.cli.prediction_requests import PredictionOptions, predict_pairs, threshold_line
        from app.cli.reading_table import short_lines
        from app.cli.seen import seen_before
        from ltp.text.examples import read

        with options.reading(file):
            examples, reading = read(file, options=typed.options(lang), task="evaluate")
        for line in (*short_lines(reading.as_dict()), *(f"warning: {warning}" for warning in reading.warnings)):
            session.output.note(line)
        examples = examples[:limit]
        pairs = [
            {"premise": example.premise, "hypothesis": example.hypothesis}
            | _address(example, adapter, file, ignore=ignore_row_lang)
            for example in examples
        ]
        session.client.busy_wait_s = BUSY_WAIT_S
        request = PredictionOptions(adapter, fallback, min_confidence, target_accuracy=target_accuracy)
        thresholds: dict[str, dict[str, Any]] = {}
        predictions = list(predict_pairs(session.client, request, pairs, thresholds=thresholds))
        for threshold in thresholds.values():
            session.output.note(threshold_line(threshold))
        found = judged(examples, predictions, two_way=answered_as == "two_way")
        report = _report(predictions, found) | _read(reading)
        if request.may_abstain:
            report["answered"] = answered(predictions, found.right)
        report |= beside_others(session, examples, predictions, found, other=beside)
        report["notes"] = [*report["notes"], *seen_before(session.client, examples, predictions)]
        session.output.show(report, lambda console: _print(console, report))


def _address(example: Example, adapter: str | None, file: Path, *, ignore: bool) -> dict[str, str]:
    """What the pair's own row names, if that counts. Raises Failure where nobody is named at all."""
    from app.cli.prediction_requests import own_address

    own = {} if ignore else own_address(example)
    if adapter is None and not own:
        message = f"{file}: line {example.line}: no adapter; give --adapter, or fill a column lang or adapter"
        raise Failure("invalid_file", message)
    return own


def _read(reading: Reading) -> dict[str, Any]:
    """What the report says of the rows that were not scored."""
    told = reading.as_dict()
    return {name: told[name] for name in ("rows", "left_out", "duplicates", "conflicts")}


def _report(predictions: Sequence[dict[str, Any]], found: Judged) -> dict[str, Any]:
    return {
        "adapters": sorted({f"{given['adapter']['lang']}@{given['adapter']['version']}" for given in predictions}),
        "pairs": len(predictions),
        "truncated": sum(given["truncated"] for given in predictions),
        "fallback": sum(given["fallback"] for given in predictions),
        "unknown": sum(given["unknown"] > 0 for given in predictions),
        **found.scores(),
    }


def _print(console: Console, report: dict[str, Any]) -> None:
    from rich.markup import escape

    from app.cli.beside_others import beside_lines

    labels = report["labels"]
    space = short(report["label_space"])
    console.print(f"[bold]{accuracy(report)}[/bold] {space} accuracy, 95 % interval, on {report['pairs']} pairs")
    console.print(
        f"answered by {', '.join(report['adapters'])}; {macro_f1(report)}; "
        f"expected calibration error {percent(report['ece'])}"
    )
    for line in beside_lines(report):
        console.print(line)
    if told := report.get("answered"):
        console.print(answered_line(told))
    for note in report["notes"]:
        console.print(f"[yellow]{note}[/yellow]")
    notes = {
        "truncated": "were cut to fit",
        "fallback": "were answered zero-shot",
        "unknown": "hold words that are not in the backbone's vocabulary",
    }
    for each in report["left_out"]:
        console.print(
            f"[yellow]{_rows_were(each['rows'])} left out: {escape(each['reason'])}{_first_line(each)}[/yellow]"
        )
    for count, words in ((report[name], words) for name, words in notes.items()):
        if count:
            console.print(f"[yellow]{count} pairs {words}[/yellow]")
    _print_tables(console, report, labels, space)


def _print_tables(console: Console, report: dict[str, Any], labels: list[str], space: str) -> None:
    """Show the scores of each label, and what was taken for what."""
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


def _rows_were(count: int) -> str:
    return "1 row was" if count == 1 else f"{count:,} rows were"


def _first_line(left_out: dict[str, Any]) -> str:
    return f", the first in line {left_out['first_line']}" if left_out["first_line"] else ""
