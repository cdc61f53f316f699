"""`ltp adapter train`: labelled pairs in, an adapter out; from the starter, where the service has one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli import options, reading_options
from app.cli.command import Json, Key, Session, Url, service_session
from app.cli.each_language import submit, train_each
from app.cli.label_spaces import Space, Words, parse_words
from app.cli.option_groups import options_from
from app.cli.options import BatchSize, Epochs, MaxLength, More, NoWait, Seed
from app.cli.output import key_values
from app.cli.reading_options import Columns, ConflictsRule, Labels, LangColumn, TypedReading
from ltp.config import Average, Estimate
from ltp.model.methods import Method

if TYPE_CHECKING:
    from app.cli.training_sets import Source, TrainingSets
    from ltp.text.examples.findings import Part

NONE = "none"
"""No start: the pretrained values."""
SOURCE = re.compile(r"(?P<lang>[^=]+)=(?P<file>.+?)(:(?P<weight>[0-9]+(\.[0-9]+)?))?")
BEGIN = "What training begins from (without these: the starter, where the service has one)"

ExamplesFile = Annotated[
    Path | None, typer.Option(**options.PAIRS, help="Further labelled pairs in a file of their own.")
]
LearningRate = Annotated[
    str | None, typer.Option(metavar="RATE|auto", help="AdamW's learning rate.", rich_help_panel=options.PANEL)
]
Precision = Annotated[Literal["auto", "fp32", "bf16"] | None, typer.Option(rich_help_panel=options.PANEL)]


def source_files(context: typer.Context, typed: list[str] | None) -> list[str] | None:
    """What was typed, with the file that holds the pairs in place of a folder of a data set."""
    return typed and [_in_its_file(context, text) for text in typed]


def _in_its_file(context: typer.Context, text: str) -> str:
    said = SOURCE.fullmatch(text)
    if said is None or not (folder := Path(said["file"])).is_dir():
        return text
    file = options.file_of_folder(context, folder, part="train")
    return f"{said['lang']}={file}" + (f":{said['weight']}" if said["weight"] else "")


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What training begins from, and how what it comes to is put together and judged."""

    start: Annotated[
        str | None,
        typer.Option(
            metavar="ADAPTER|none", help="starter, another adapter, or none: pretrained.", rich_help_panel=BEGIN
        ),
    ] = None
    ticket: Annotated[
        str | None, typer.Option(help="Id or name; default: the start's, else the newest one.", rich_help_panel=BEGIN)
    ] = None
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            callback=source_files,
            metavar="LANG=FILE[:WEIGHT]",
            help="Pairs of another language, trained on as well; repeatable.",
            rich_help_panel=BEGIN,
        ),
    ] = None
    language_delta: Annotated[
        str | None,
        typer.Option(
            "--language-delta", metavar="ID", help="Of the language's own text, added.", rich_help_panel=BEGIN
        ),
    ] = None
    average: Annotated[
        Average | None, typer.Option(help="Of which adapters the mean is published.", show_default=False)
    ] = None
    estimate: Annotated[
        Estimate | None,
        typer.Option(help="Scores by pairs held out, or by cross-fitting, where all pairs train.", show_default=False),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the files are to be read."""

    columns: Columns = None
    labels: Labels = None
    lang_column: LangColumn = None
    conflicts: ConflictsRule = None

    def typed(self) -> TypedReading:
        """The same, as requests say it."""
        return reading_options.typed(self.columns, self.labels, self.lang_column, self.conflicts)


@dataclass(frozen=True, kw_only=True)
class Hyper:
    """Hyperparameters."""

    seeds: Annotated[int | None, typer.Option(min=1, help="Train so many, publish the best.")] = None
    epochs: Epochs = None
    batch_size: BatchSize = None
    learning_rate: LearningRate = None
    max_length: MaxLength = None
    precision: Precision = None
    seed: Seed = None
    more: More = None

    def training(self) -> dict[str, Any]:
        """Those that were typed, as the API wants them."""
        from ltp.config import AdapterConfig

        return options.hyperparameters(
            AdapterConfig,
            self.more,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=_rate(self.learning_rate),
            max_length=self.max_length,
            precision=self.precision,
            seed=self.seed,
        )


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Everything that can be typed."""

    examples: Annotated[
        Path | None,
        typer.Argument(**options.PAIRS, metavar="EXAMPLES", help=f"Labelled pairs: {options.OR_FOLDERS}."),
    ] = None
    lang: Annotated[str | None, typer.Option(help="Their language: sw, es, quy.", show_default=False)] = None
    each: Annotated[
        bool, typer.Option("--each", help="One adapter for each language of --lang-column, instead of --lang.")
    ] = False
    dev: ExamplesFile = None
    test: ExamplesFile = None
    beginning: Beginning
    method: Annotated[
        Method | None, typer.Option(help="pt: the soft prompt alone; ft, dp, sp, mp: every parameter, no ticket.")
    ] = None
    label_space: Space = None
    verbalizer: Words = None
    name: Annotated[str | None, typer.Option(help="What to call the adapter.")] = None
    alias: Annotated[str | None, typer.Option(help="An alias to point at it, e.g. production.")] = None
    reading: Reading
    hyper: Hyper
    no_wait: NoWait = False
    as_json: Json = False
    url: Url = None
    api_key: Key = None

    def __post_init__(self) -> None:
        """Refuse options that say nothing together. Raises typer.BadParameter."""
        if (self.lang is None) != self.each or (self.each and self.reading.lang_column is None):
            raise typer.BadParameter(
                "give --lang sw for one language, or --each --lang-column NAME for one adapter a language"
            )
        if self.examples is None and not self.beginning.source:
            raise typer.BadParameter("give EXAMPLES, labelled pairs, or --source sw=FILE for each of several languages")
        if self.each and self.examples is None:
            raise typer.BadParameter("--each takes the languages of EXAMPLES; give that file, too")

    def sets(self) -> TrainingSets:
        """The files."""
        from app.cli.training_sets import TrainingSets

        every: dict[Part, Path | None] = {"train": self.examples, "dev": self.dev, "test": self.test}
        paths = {part: path for part, path in every.items() if path is not None}
        return TrainingSets(paths, self.reading.typed(), self.label_space, sources_of(self.beginning.source or ()))

    def body(self, session: Session, sets: TrainingSets) -> dict[str, Any]:
        """The request, without the language."""
        from app.cli.references import find_ticket

        begin, ticket = self.beginning, self.beginning.ticket
        start = {} if begin.start is None else {"start": None if begin.start == NONE else begin.start}
        return (
            self.reading.typed().body()
            | start
            | options.without_missing(
                ticket=ticket and find_ticket(session.client, ticket)["id"],
                method=self.method,
                label_space=self.label_space,
                verbalizer=parse_words(self.verbalizer),
                name=self.name,
                alias=self.alias,
                seeds=self.hyper.seeds,
                language_delta=begin.language_delta,
                average=begin.average,
                estimate=begin.estimate,
                sources=[source.body() for source in sets.sources] or None,
                training=self.hyper.training(),
            )
        )


@options_from(TrainOptions)
def train_adapter(given: TrainOptions) -> None:
    """Train an adapter on labelled pairs, from the starter where the service has one.

    What was understood of the files is said first; `ltp data check` says it in full. From a start, few pairs are all
    trained on and scored by cross-fitting; else half are held out by whole premises, unless --dev is given.
    """
    parse_words(given.verbalizer)
    with service_session(given.as_json, given.url, given.api_key, patient=not given.no_wait) as session:
        sets = given.sets()
        body = given.body(session, sets)
        if given.each:
            train_each(session, sets, body, no_wait=given.no_wait)
        elif given.lang is not None:
            accepted, said = submit(session, sets, body | {"lang": given.lang})
            _finish(session, accepted, given.no_wait, said=said)


def sources_of(typed: Sequence[str]) -> list[Source]:
    """What `--source LANG=FILE[:WEIGHT]` names. Raises typer.BadParameter."""
    from app.cli.training_sets import Source

    found = []
    for number, text in enumerate(typed, start=1):
        said = SOURCE.fullmatch(text)
        if said is None:
            raise typer.BadParameter(f"--source {text!r} is not LANG=FILE or LANG=FILE:WEIGHT, as sw=swahili.tsv:2")
        path = Path(said["file"])
        if not path.is_file():
            raise typer.BadParameter(f"--source {text!r}: there is no file {said['file']!r}")
        found.append(Source(f"source{number}", said["lang"], path, float(said["weight"] or 1)))
    return found


def _rate(typed: str | None) -> float | str | None:
    if typed is None or typed == "auto":
        return typed
    try:
        return float(typed)
    except ValueError as error:
        raise typer.BadParameter(f"--learning-rate is {typed!r}; it must be a number or auto") from error


def _finish(session: Session, accepted: dict[str, Any], no_wait: bool, *, said: Sequence[str]) -> None:
    from app.cli.adapter_display import print_adapter
    from app.cli.watch import accepted_lines, wait

    if no_wait:
        session.output.show(accepted, lambda console: console.print(key_values(accepted_lines(accepted["job"]))))
        return
    job = wait(session, accepted["job"], said=said)
    adapter = session.client.get(f"/adapters/{accepted['adapter']['id']}")
    session.output.show({"job": job, "adapter": adapter}, lambda console: print_adapter(console, adapter))
