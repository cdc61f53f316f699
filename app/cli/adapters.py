"""`ltp adapter`: what a few labelled examples of one language were turned into."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import options, reading_options
from app.cli.command import Json, Key, Session, Url, service_session
from app.cli.each_language import submit, train_each
from app.cli.label_spaces import SHORT, Space, Words, macro_f1, parse_words
from app.cli.options import BatchSize, Epochs, LearningRate, MaxLength, More, NoWait, Seed, TrainingPrecision
from app.cli.output import accuracy, age, key_values, percent, size, table
from app.cli.reading_options import Columns, ConflictsRule, Labels, LangColumn
from app.registry.alias_names import PRODUCTION
from ltp.model.methods import Method

if TYPE_CHECKING:
    from rich.console import Console

    from ltp.text.examples.findings import Part

group = typer.Typer(help="Adapters: one language's classifier on the shared backbone.", no_args_is_help=True)

Reference = Annotated[
    str, typer.Argument(metavar="ADAPTER", help="sw, sw@3, sw@production, or an id.", show_default=False)
]
ExamplesFile = Annotated[
    Path | None, typer.Option(**options.EXISTING, help="Further labelled pairs in a file of their own.")
]


@group.command("train")
def train_adapter(
    *,
    examples: Annotated[
        Path, typer.Argument(**options.EXISTING, metavar="EXAMPLES", help=f"Labelled pairs: {options.FILES_OF_PAIRS}.")
    ],
    lang: Annotated[str | None, typer.Option(help="Their language: sw, es, quy.", show_default=False)] = None,
    each: Annotated[
        bool, typer.Option("--each", help="One adapter for each language of --lang-column, instead of --lang.")
    ] = False,
    columns: Columns = None,
    labels: Labels = None,
    lang_column: LangColumn = None,
    conflicts: ConflictsRule = None,
    dev: ExamplesFile = None,
    test: ExamplesFile = None,
    ticket: Annotated[str | None, typer.Option(help="Id or name; default: the newest one.")] = None,
    method: Annotated[
        Method | None, typer.Option(help="pt: the soft prompt alone; ft, dp, sp, mp: every parameter, no ticket.")
    ] = None,
    label_space: Space = None,
    verbalizer: Words = None,
    name: Annotated[str | None, typer.Option(help="What to call the adapter.")] = None,
    alias: Annotated[str | None, typer.Option(help="An alias to point at it, e.g. production.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Train so many, publish the best.")] = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    max_length: MaxLength = None,
    precision: TrainingPrecision = None,
    seed: Seed = None,
    more: More = None,
    no_wait: NoWait = False,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Train an adapter on labelled pairs; without --dev, half of them are held out by whole premises.

    What was understood of the files is said first; `ltp data check` says it in full.
    """
    words = parse_words(verbalizer)
    typed = reading_options.typed(columns, labels, lang_column, conflicts)
    if (lang is None) != each or (each and lang_column is None):
        raise typer.BadParameter(
            "give --lang sw for one language, or --each --lang-column NAME for one adapter a language"
        )
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_ticket
        from app.cli.training_sets import TrainingSets
        from ltp.config import AdapterConfig

        training = options.hyperparameters(
            AdapterConfig,
            more,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            max_length=max_length,
            precision=precision,
            seed=seed,
        )
        every: dict[Part, Path | None] = {"train": examples, "dev": dev, "test": test}
        given = TrainingSets({part: path for part, path in every.items() if path is not None}, typed, label_space)
        chosen = ticket and find_ticket(session.client, ticket)["id"]
        body = typed.body() | options.without_missing(
            ticket=chosen,
            method=method,
            label_space=label_space,
            verbalizer=words,
            name=name,
            alias=alias,
            seeds=seeds,
            training=training,
        )
        if each:
            train_each(session, given, body, no_wait=no_wait)
        elif lang is not None:
            accepted, said = submit(session, given, body | {"lang": lang})
            _finish(session, accepted, no_wait, said=said)


def _finish(session: Session, accepted: dict[str, Any], no_wait: bool, *, said: Sequence[str]) -> None:
    from app.cli.watch import accepted_lines, wait

    if no_wait:
        session.output.show(accepted, lambda console: console.print(key_values(accepted_lines(accepted["job"]))))
        return
    job = wait(session, accepted["job"], said=said)
    adapter = session.client.get(f"/adapters/{accepted['adapter']['id']}")
    session.output.show({"job": job, "adapter": adapter}, lambda console: _print(console, adapter))


@group.command("list")
def list_adapters(
    *,
    lang: Annotated[str | None, typer.Option(help="Only of this language.")] = None,
    alias: Annotated[str | None, typer.Option(help="Only those this alias points at.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 20,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """List adapters, newest first."""
    with service_session(as_json, url, api_key) as session:
        adapters = session.client.items("/adapters", lang=lang, alias=alias, limit=limit)
        rows = [
            (
                _label(adapter),
                ", ".join(adapter["aliases"]) or "-",
                adapter["status"],
                adapter["method"],
                SHORT[adapter["label_space"]],
                accuracy((adapter["metrics"] or {}).get("dev")),
                "-" if adapter["bytes"] is None else size(adapter["bytes"]),
                age(adapter["created_at"]),
            )
            for adapter in adapters
        ]
        columns = ("adapter", "aliases", "status", "method", "labels", "dev accuracy", "size", "age")
        session.output.show(adapters, lambda console: console.print(table(columns, rows, flexible=1)))


@group.command("show")
def show_adapter(
    *,
    adapter: Reference,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Show an adapter: what it was trained on, and how it did."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_adapter

        found = find_adapter(session.client, adapter)  # as lists show it, without its details
        adapter_data = session.client.get(f"/adapters/{found['id']}")
        session.output.show(adapter_data, lambda console: _print(console, adapter_data))


@group.command("promote")
def promote_adapter(
    *,
    adapter: Reference,
    alias: Annotated[str, typer.Option(help="The alias to move.")] = PRODUCTION,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Point an alias at an adapter; `ltp predict --adapter sw` then answers from it at once."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_adapter

        adapter_data = find_adapter(session.client, adapter)
        answer = session.client.put(
            f"/languages/{adapter_data['lang']}/aliases/{alias}", {"version": adapter_data["version"]}
        )
        session.output.show(
            answer,
            lambda console: console.print(f"{adapter_data['lang']}@{alias} is now version {adapter_data['version']}"),
        )


@group.command("export")
def export_adapter(
    *,
    adapter: Reference,
    to: Annotated[Path | None, typer.Option("--output", "-o", help="Default: LANG-VERSION.safetensors.")] = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Download an adapter as one safetensors file, with the mask it needs."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_adapter

        adapter_data = find_adapter(session.client, adapter)
        target = to or Path(f"{adapter_data['lang']}-{adapter_data['version']}.safetensors")
        written = session.client.save(f"/adapters/{adapter_data['id']}/export", target)
        session.output.show(
            {"adapter": adapter_data["id"], "file": str(target), "bytes": written},
            lambda console: console.print(f"Wrote {target} ({size(written)})"),
        )


@group.command("import")
def import_adapter(
    *,
    file: Annotated[Path, typer.Argument(**options.EXISTING, help="What `ltp adapter export` wrote.")],
    lang: Annotated[str | None, typer.Option(help="Default: the language it was trained for.")] = None,
    alias: Annotated[str | None, typer.Option(help="An alias to point at it.")] = None,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Upload an exported adapter; it becomes the next version of its language."""
    with service_session(as_json, url, api_key) as session:
        body = options.without_missing(lang=lang, alias=alias)
        answer = session.client.post("/adapters/import", body, files={"file": file})
        adapter = answer.get("adapter", answer)
        session.output.show(adapter, lambda console: _print(console, adapter))


def _answers(adapter: dict[str, Any]) -> str:
    """Its label space, and the words that it predicts."""
    space = SHORT[adapter["label_space"]]
    if adapter["verbalizer"] is None:
        return f"{space}, by a classification head"
    return f"{space}: " + ", ".join(f"{label} {word}" for label, word in adapter["verbalizer"].items())


def _label(adapter: dict[str, Any]) -> str:
    return f"{adapter['lang']}@{adapter['version']}" if adapter["version"] else f"{adapter['lang']} (pending)"


def _print(console: Console, adapter: dict[str, Any]) -> None:
    from rich.markup import escape

    from app.cli.reading_table import kept_lines, kept_warnings

    metrics = adapter["metrics"] or {}
    examples = adapter["examples"] or {}
    lines = [
        ("adapter", f"{_label(adapter)}  {adapter['id']}"),
        ("status", adapter["status"]),
        ("aliases", ", ".join(adapter["aliases"]) or "-"),
        ("method", adapter["method"]),
        ("labels", _answers(adapter)),
        ("ticket", adapter["ticket"] or "-"),
        ("examples", ", ".join(f"{examples[part]} {part}" for part in ("train", "dev", "test") if examples.get(part))),
        ("size", "-" if adapter["bytes"] is None else size(adapter["bytes"])),
    ]
    for part, note in (("dev", " (the best epoch was chosen on these)"), ("test", "")):
        if scores := metrics.get(part):
            detail = (
                f"{accuracy(scores)} {SHORT[scores['label_space']]}, {macro_f1(scores)}, ECE {percent(scores['ece'])}"
            )
            lines.append((part, detail + note))
    if metrics.get("mean") and adapter["seeds"] > 1:
        mean, deviation = (metrics[figure]["dev"]["accuracy"] for figure in ("mean", "std"))
        lines.append(("seeds", f"{adapter['seeds']}: mean {percent(mean)}, standard deviation {percent(deviation)}"))
    console.print(key_values(lines))
    for line in kept_lines(adapter):
        console.print(escape(line))
    warnings = [*kept_warnings(adapter), *(adapter["training"].get("report") or {}).get("warnings", [])]
    for warning in dict.fromkeys(warnings):
        console.print(f"[yellow]warning: {escape(warning)}[/yellow]")
