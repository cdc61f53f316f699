"""`ltp predict`: what a hypothesis is to a premise, for one pair or for a file of them."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from app.cli import options, reading_options
from app.cli.command import Json, Key, Session, Url, service_session
from app.cli.confidence import MinConfidence, TargetAccuracy
from app.cli.failure import Failure
from app.cli.label_spaces import AsTwoWay, label_columns, mixed
from app.cli.output import percent
from app.cli.reading_options import Columns, IgnoreRowLang, LangColumn, TypedReading
from app.cli.streams import results
from app.cli.target import Force, check_ending, check_not_a_table, check_target
from ltp import atomic_file

if TYPE_CHECKING:
    from rich.console import Console

    from app.cli.prediction_requests import PredictionOptions
    from ltp.text.examples import FilePair, PairFile

BUSY_WAIT_S = 600.0
STDIN = Path("-")
WAYS = "give a premise and a hypothesis, or a file of pairs with --file"
COPIED = "standard-input"
"""The file that standard input is copied to; in sentences it is called otherwise."""
BAR = 30
ANSWERED = ("answered_by", "fallback", "truncated")
"""Columns after the probabilities, as jobs write them: an adapter (`sw@3`), whether it stood in, if texts were cut."""


@dataclass(frozen=True)
class RowOptions:
    """How the rows of a file are read, and whether the adapters that they name count."""

    typed: TypedReading
    ignore_own: bool

    def address(self, pair: FilePair) -> dict[str, str]:
        """The adapter that a row names, if that counts."""
        from app.cli.prediction_requests import own_address

        return {} if self.ignore_own else own_address(pair)


def predict(
    *,
    premise: Annotated[str | None, typer.Argument(show_default=False)] = None,
    hypothesis: Annotated[str | None, typer.Argument(show_default=False)] = None,
    adapter: Annotated[str | None, typer.Option(help="sw, sw@3, sw@production, or an id.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help=f"Pairs: {options.FILES_OF_PAIRS}; - is stdin.")
    ] = None,
    columns: Columns = None,
    lang_column: LangColumn = None,
    ignore_row_lang: IgnoreRowLang = False,
    to: Annotated[Path | None, typer.Option("--output", "-o", help="Where --file's rows go; default: stdout.")] = None,
    force: Force = False,
    as_job: Annotated[bool, typer.Option("--job", help="Have --file done by a durable job, for large ones.")] = False,
    fallback: Annotated[str | None, typer.Option(help="Who answers when the language has no adapter.")] = None,
    min_confidence: MinConfidence = None,
    target_accuracy: TargetAccuracy = None,
    answered_as: AsTwoWay = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Judge one pair, or each pair of a file: its rows come back as they were, with columns added.

    Added are the label, each label's probability, who answered (sw@3), whether that was the fallback, whether texts
    were cut, and, where a threshold was asked for, whether the answer is below it. A row's own lang or adapter wins
    over --adapter unless --ignore-row-lang is given; `ltp evaluate` has the same rule.
    """
    rows = RowOptions(reading_options.typed(columns, lang_column=lang_column), ignore_row_lang)
    with service_session(as_json, url, api_key) as session:
        from app.cli.prediction_requests import PredictionOptions

        request = PredictionOptions(adapter, fallback, min_confidence, answered_as, target_accuracy)
        session.client.busy_wait_s = BUSY_WAIT_S
        if premise is None and (file is not None or not sys.stdin.isatty()):
            check_not_a_table(to)
            check_target(to, force=force)
            with _on_disk(file or STDIN) as path:
                run = _by_job if as_job else _by_requests
                run(session, path, to, request, rows)
        elif premise is None or hypothesis is None or file is not None:
            raise typer.BadParameter(WAYS)
        else:
            _one(session, premise, hypothesis, request)


def _one(session: Session, premise: str, hypothesis: str, request: PredictionOptions) -> None:
    from app.cli.prediction_requests import threshold_line
    from ltp_client.routing import routing

    if request.adapter is None:
        raise typer.BadParameter("say who answers: --adapter sw")
    body = request.body([{"premise": premise, "hypothesis": hypothesis}])
    whole = session.client.post("/predict", body, headers=routing(body))
    answer = whole["predictions"][0]
    for threshold in whole.get("thresholds") or ():
        session.output.note(threshold_line(threshold))
    session.output.show(answer, lambda console: _print(console, answer))


def _print(console: Console, answer: dict[str, Any]) -> None:
    adapter = answer["adapter"]
    console.print(f"[bold]{answer['label']}[/bold]  [dim]{adapter['lang']}@{adapter['version']}[/dim]")
    for label, probability in answer["probabilities"].items():
        console.print(f"  {label:<14}{percent(probability):>7}  {'█' * round(BAR * probability)}")
    notes = {
        "fallback": "the language has no adapter of its own: the fallback answered",
        "truncated": "the pair was too long and was cut",
        "abstained": "not as sure as was asked for",
        "unknown": "words of it are not in the backbone's vocabulary",
    }
    for name, words in notes.items():
        if answer[name]:
            console.print(f"[yellow]{words}[/yellow]")


@contextlib.contextmanager
def _on_disk(path: Path) -> Iterator[Path]:
    """The file itself; standard input is copied, because pairs are checked before the first is sent."""
    if path != STDIN:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ltp-") as folder:
        copy = Path(folder) / COPIED
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        if not copy.stat().st_size:
            raise typer.BadParameter(f"standard input holds nothing; {WAYS}")
        yield copy


def _by_requests(session: Session, path: Path, to: Path | None, request: PredictionOptions, asked: RowOptions) -> None:
    from app.cli.prediction_requests import named, predict_pairs, threshold_line

    rows = _checked(session, path, request, asked)
    check_ending(to, rows.format)
    pairs = list(rows)
    thresholds: dict[str, dict[str, Any]] = {}
    bodies = [_pair_body(pair, asked) for pair in pairs]
    predictions = list(predict_pairs(session.client, request, bodies, thresholds=thresholds))
    for threshold in thresholds.values():
        session.output.note(threshold_line(threshold))
    if told := mixed(predictions):
        session.output.note(told)
    if session.output.as_json:
        session.output.show(predictions, lambda _: None)
        return
    abstained = ["abstained"] if request.may_abstain else []
    columns = ["label", *label_columns(predictions), *ANSWERED, *abstained]
    with _destination(to) as stream:
        writer = rows.writer(stream, columns)
        for pair, given in zip(pairs, predictions, strict=True):
            flat = given | given["probabilities"] | {"answered_by": named(given["adapter"])}
            writer.write(pair, [flat.get(column) for column in columns])


def _checked(session: Session, path: Path, request: PredictionOptions, rows: RowOptions) -> PairFile:
    """Read the whole file once: a fault is named by line and column, and a warning given, before anything is sent."""
    from ltp.text.examples import PairFile

    if not path.is_file():
        raise Failure("file_not_found", f"there is no file {path}")
    said = "standard input" if path.name == COPIED else str(path)
    with options.reading(said):
        pairs = PairFile(path, options=rows.typed.options())
        if not pairs.count():
            raise Failure("invalid_file", f"{said}: there is no pair in it")
        for pair in pairs:
            if request.adapter is None and not rows.address(pair):
                raise Failure("invalid_file", f"{said}: line {pair.line}: no adapter; give --adapter, or fill a column")
    for warning in pairs.warnings:
        session.output.note(f"warning: {warning}")
    return pairs


def _pair_body(pair: FilePair, rows: RowOptions) -> dict[str, str]:
    return {"premise": pair.premise, "hypothesis": pair.hypothesis, **rows.address(pair)}


@contextlib.contextmanager
def _destination(to: Path | None) -> Iterator[BinaryIO]:
    if to is None:
        with results() as stream:
            yield stream
        return
    with atomic_file.new_content(to) as stream:
        yield stream


def _by_job(session: Session, path: Path, to: Path | None, request: PredictionOptions, rows: RowOptions) -> None:
    from app.cli.prediction_requests import threshold_line
    from app.cli.watch import wait

    if request.adapter is None:
        raise typer.BadParameter("a job has one adapter for all pairs: --adapter sw")
    check_ending(to, _checked(session, path, request, rows).format)
    body = rows.typed.body() | request.shared() | ({"ignore_row_lang": True} if rows.ignore_own else {})
    accepted = session.client.post("/predictions", body, files={"file": path})
    job = wait(session, accepted["job"])
    prediction = session.client.get(f"/predictions/{accepted['prediction']['id']}")
    for judge in prediction["adapters"]:
        if judge.get("threshold"):
            session.output.note(threshold_line(judge["threshold"]))
    if to is not None:
        session.client.save(f"/predictions/{prediction['id']}/result", to)
    session.output.show({"job": job, "prediction": prediction}, lambda _: None)
    if to is None and not session.output.as_json:
        with session.client.stream(f"/predictions/{prediction['id']}/result") as response, results() as stream:
            for chunk in response.iter_bytes():
                stream.write(chunk)
