"""What the demo made, in the figures that were really obtained, and what to try next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.cli.client import Client
from app.cli.output import accuracy, clock, percent, size
from app.cli.references import find_adapter, find_ticket

GUESSING = 1 / 3


def starter_of(client: Client) -> dict[str, Any] | None:
    """The starter that the service has for its backbone; None when none came with the program."""
    fingerprint = client.get("/backbone")["fingerprint"]
    found = client.items("/adapters", lang="mul")
    return next((each for each in found if each["origin"] == "starter" and each["backbone"] == fingerprint), None)


def show_score(console: Console, score: dict[str, Any]) -> None:
    """Print one accuracy, and whose it is."""
    console.print(f"{accuracy(score)} on {score['pairs']} pairs, answered by {', '.join(score['adapters'])}")


def show_answers(console: Console, path: Path) -> None:
    """Print the rows that `ltp predict` wrote."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "premise, hypothesis", "answer", "sure"):
        table.add_column(column)
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        sure = percent(row[row["label"]], digits=0)
        pair = f"{escape(row['premise'])}\n[italic]{escape(row['hypothesis'])}[/italic]"
        table.add_row(row["lang"], pair, f"[bold]{row['label']}[/bold]", sure)
    console.print(table)


def show_figures(console: Console, client: Client, seconds: dict[str, float], languages: list[str]) -> None:
    """Print what the service knows about the ticket and the adapters, and how long each took."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    ticket = find_ticket(client, "demo")
    drift = client.get(f"/drifts/{ticket['drift']}")
    table.add_row("drift", f"{_run(drift)}; {ticket['moved']:,} of {ticket['selectable']:,} parameters moved")
    made = f"made in {clock(seconds['ticket'])}"
    table.add_row("ticket", f"{ticket['active']:,} parameters; {size(ticket['mask_bytes'])}, once; {made}")
    for lang in languages:
        table.add_row(*_adapter(find_adapter(client, f"{lang}@production"), seconds[lang]))
    if starter := starter_of(client):
        table.add_row("starter", f"{size(starter['bytes'])}; came with the program, for research and demonstration")
    backbone = client.get("/backbone")
    whole = size(4 * backbone["parameters"])
    table.add_row(
        "backbone", f"{backbone['name']}, {backbone['parameters'] / 1e6:.1f} M parameters: {whole}, shared by all"
    )
    console.print(table)


def show_comparison(
    console: Console, scores: dict[str, dict[str, Any]], languages: list[str], *, has_starter: bool
) -> None:
    """Print guessing, the starter and what was trained side by side; `scores` by `LANG starter`, `LANG trained`, ..."""
    columns = ["guessing", *(["starter"] if has_starter else []), "trained"]
    columns += ["the paper's way"] if any(name.endswith(" paper") for name in scores) else []
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="Accuracy on the development pairs")
    for column in ("", *columns):
        table.add_column(column, no_wrap=True)
    keys = {"starter": "starter", "trained": "trained", "the paper's way": "paper"}
    for lang in languages:
        found = [scores.get(f"{lang} {keys[column]}") for column in columns if column in keys]
        table.add_row(lang, percent(GUESSING), *(_in_two_lines(score) for score in found))
    console.print(table)
    console.print(_caution(has_starter=has_starter, compared="the paper's way" in columns), style="dim")


def _in_two_lines(score: dict[str, Any] | None) -> str:
    """An accuracy above its interval: side by side they are too wide for a terminal of 80 columns."""
    return accuracy(score).replace(" [", "\n\\[", 1) if score else ""


def _caution(*, has_starter: bool, compared: bool) -> str:
    """What has to be known to read the table."""
    lines = ["Below each stands its 95 % interval: of so few pairs it is wide, and most differences may be chance."]
    if not has_starter:
        lines.append("No starter came with this program for the backbone, so both began from the pretrained values.")
    if compared or not has_starter:
        told = "what was trained the paper's way" if compared else "the adapters"
        lines.append(f"These pairs chose the best epoch of {told}, which flatters; `ltp evaluate` scores your own.")
    return "\n".join(lines)


def _run(drift: dict[str, Any]) -> str:
    report = drift["report"]
    losses = [entry["validation"] for entry in drift["losses"] if entry["validation"] is not None]
    sentences = sum(report["lines"].values())
    return (
        f"{drift['steps']} MLM steps over {sentences:,} sentences, {report['tokens_per_second']:,.0f} tokens/s, "
        f"held-out loss {losses[0]:.2f} -> {losses[-1]:.2f}"
    )


def _adapter(adapter: dict[str, Any], seconds: float) -> tuple[str, str]:
    counts = adapter["examples"]
    begun = "from the starter" if (adapter.get("start") or {}).get("lang") == "mul" else "from the pretrained values"
    figures = (
        f"trained on {counts['train']} pairs {begun}; {size(adapter['bytes'])}; ready {clock(seconds)} after it was"
        " asked for"
    )
    return f"{adapter['lang']}@{adapter['version']}", figures


def show_next(console: Console, output: Path, seconds: float, *, url: str | None, has_starter: bool) -> None:
    """Print commands that work from here; `url` is a service that goes on after the demo, if there is one."""
    console.print(
        f"\n[bold]Done in {clock(seconds)}.[/bold] The ticket over the layers is drawn in {output}/ticket.png."
    )
    served = [] if url else [f"serve --data-dir {output}/data"]
    where = f", with LTP_URL={url} and your LTP_API_KEY" if url else ", the first of these in a terminal of its own"
    console.print(f"What to try next{where}:\n", soft_wrap=True)
    for command in (
        *served,
        'predict --adapter sw "Mtoto anasoma kitabu." "Mtoto analala."',
        "evaluate --adapter es examples/es-dev.jsonl",
        "ticket list",
        "ticket create --drift demo --ratio 0.05 --name smaller",
        "adapter train YOUR-PAIRS.csv --lang quy" + ("" if has_starter else " --ticket demo"),
    ):
        console.print(f"  .venv/bin/ltp {command}", soft_wrap=True, markup=False)
    there = f"{url}/docs." if url else "http://127.0.0.1:8000/docs while `ltp serve` runs."
    console.print(f"\nThe API explains itself at {there}")
