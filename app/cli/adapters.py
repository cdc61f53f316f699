"""`ltp adapter`: what a few labelled examples of one language were turned into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import options
from app.cli.command import Json, Key, Session, Url, service_session
from app.cli.label_spaces import SHORT, Space, Words, macro_f1, parse_words
from app.cli.options import BatchSize, Epochs, LearningRate, MaxLength, More, NoWait, Seed, TrainingPrecision
from app.cli.output import accuracy, age, key_values, percent, size, table
from app.registry.alias_names import PRODUCTION
from ltp.config import LabelSpace
from ltp.model.methods import Method

if TYPE_CHECKING:
    from rich.console import Console

    from ltp.text.examples import Example, Settled
    from ltp.text.examples.findings import Part

PARTS: dict[Part, str] = {"train": "examples", "dev": "dev_examples", "test": "test_examples"}
"""What requests call the parts of a set."""

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
        Path, typer.Argument(**options.EXISTING, metavar="EXAMPLES", help="Labelled pairs: JSONL, CSV or TSV.")
    ],
    lang: Annotated[str, typer.Option(help="Their language: sw, es, quy.", show_default=False)],
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
    """Train an adapter on labelled pairs; without --dev, half of them are held out by whole premises."""
    words = parse_words(verbalizer)
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_ticket
        from ltp.config import AdapterConfig
        from ltp.text.examples import examine

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
        given = {part: path for part, path in every.items() if path is not None}
        settled = _settled(_read(given), label_space, given)
        found = [*settled.notes, *examine(settled.parts).sentences()]
        for sentence in found:
            session.output.note(sentence)
        chosen = ticket and find_ticket(session.client, ticket)["id"]
        body = options.without_missing(
            lang=lang,
            ticket=chosen,
            method=method,
            label_space=label_space,
            verbalizer=words,
            name=name,
            alias=alias,
            seeds=seeds,
            training=training,
        )
        accepted = session.client.post("/adapters", body, files={PARTS[part]: path for part, path in given.items()})
        _finish(session, accepted, no_wait, said=found)


def _read(given: Mapping[Part, Path]) -> dict[Part, list[Example]]:
    """Read every file before it travels: faults are named here, by line and column."""
    from ltp.text.examples import read_examples

    parts: dict[Part, list[Example]] = {}
    for part, path in given.items():
        with options.reading(path):
            parts[part] = read_examples(path)
    return parts


def _settled(
    parts: Mapping[Part, list[Example]], label_space: LabelSpace | None, paths: Mapping[Part, Path]
) -> Settled[Part]:
    """Bring the parts into one label space, and see that training has all of its labels."""
    from ltp.text.examples import check_trainable, settle

    with options.reading(paths["train"]):
        settled = settle(parts, label_space, train="train")
        check_trainable(settled.parts["train"], settled.label_space)
    return settled


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

        adapter_data = find_adapter(session.client, adapter)
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
    for warning in (adapter["training"].get("report") or {}).get("warnings", []):
        console.print(f"[yellow]{escape(warning)}[/yellow]")
