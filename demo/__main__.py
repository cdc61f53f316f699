"""The demo's story: the starter, a ticket, adapters from the starter and the paper's way, a mixed batch, the table."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from app.cli.client import connect
from demo import service, summary

LTP = Path(sys.executable).with_name("ltp")
OUTPUT = Path("demo-output")
EXAMPLES = Path("examples")
LANGUAGES = {"es": "Spanish", "sw": "Swahili"}
PAPERS_WAY = "sw"
"""The language that is also trained as the paper does where there is a starter: one is enough to compare."""
MLM_EPOCHS, SENTENCES, ADAPTER_EPOCHS = 1, 1200, 25

INTRODUCTION = (
    f"All of it happens on this machine, for real, within bounds: one MLM epoch over at most {SENTENCES} sentences, "
    f"at most {ADAPTER_EPOCHS} epochs for each adapter. Ctrl-C stops everything."
)


class StepFailed(RuntimeError):
    """A command of the demo did not succeed; what it said stands above."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo in the project's root; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--url", help="a service that runs already; without it the demo starts one of its own")
    parser.add_argument("--api-key", help="the key to show it (default: LTP_API_KEY)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for what is made (default: %(default)s)")
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, _interrupted)
    output: Path = options.output
    output.mkdir(parents=True, exist_ok=True)
    introduction = f"{INTRODUCTION} What is made goes to {output}/."
    console.print(Panel(introduction, title="Lottery Ticket Prompt-learning", title_align="left", expand=False))
    try:
        if options.url:
            story(Steps(console, options.url, output, api_key=options.api_key), stays=True)
        else:
            with service.running(LTP, output / "data", output / "service.log") as url:
                console.print(f"The service is up at {url} ([bold]ltp serve[/bold]; its log: {output}/service.log)")
                story(Steps(console, url, output), stays=False)
    except (service.ServiceDidNotStart, StepFailed) as error:
        console.print(f"[bold red]The demo stopped:[/bold red] {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped; what was made so far is kept.")
        return 1
    return 0


class Steps:
    """Runs `ltp` commands in front of the reader and remembers how long each part took, in seconds."""

    def __init__(self, console: Console, url: str, output: Path, *, api_key: str | None = None) -> None:
        self.console, self.url, self.output, self.api_key = console, url, output, api_key
        self.seconds: dict[str, float] = {}
        self.began = time.monotonic()
        self.chapters = 0

    def ltp(self, part: str, *arguments: str, quiet: bool = False) -> None:
        """Show a command and run it, `quiet` without its result. Raises StepFailed."""
        self._run(part, arguments, subprocess.DEVNULL if quiet else None)

    def document(self, part: str, *arguments: str) -> dict[str, Any]:
        """Show a command, run it, and return its result. Raises StepFailed."""
        read: dict[str, Any] = json.loads(self._run(part, (*arguments, "--json"), subprocess.PIPE))
        return read

    def _run(self, part: str, arguments: Sequence[str], stdout: int | None) -> bytes:
        self.console.print(
            f"\n[bold green]$[/bold green] [bold]ltp {escape(shlex.join(arguments))}[/bold]", soft_wrap=True
        )
        began = time.monotonic()
        # in a session of its own: Ctrl-C is for the demo, which then cancels the job instead of leaving it behind
        process = subprocess.Popen(
            [str(LTP), *arguments],
            env=os.environ | {"LTP_URL": self.url} | ({"LTP_API_KEY": self.api_key} if self.api_key else {}),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate()
        except KeyboardInterrupt:
            process.kill()
            self.console.show_cursor()
            with connect(self.url, self.api_key) as client:
                service.cancel_jobs(client)
            raise
        self.seconds[part] = time.monotonic() - began
        if process.returncode:
            raise StepFailed(f"ltp {shlex.join(arguments)} ended with exit code {process.returncode}")
        return said or b""

    def chapter(self, text: str) -> None:
        """Begin a chapter."""
        self.chapters += 1
        self.console.print(f"\n[bold cyan]{self.chapters}. {text}[/bold cyan]")


def story(steps: Steps, *, stays: bool) -> None:
    """Make everything, then say what came of it; `stays` tells that the service outlives the demo."""
    with connect(steps.url, steps.api_key) as client:
        starter = summary.starter_of(client)
    scores: dict[str, dict[str, Any]] = {}
    if starter:
        steps.chapter("Before anything is labelled: the starter, which came with the program, answers every language")
        for lang in LANGUAGES:
            scores[f"{lang} starter"] = _evaluated(steps, lang, "starter")
    _papers_way(steps, [PAPERS_WAY] if starter else list(LANGUAGES))
    if starter:
        for lang, language in LANGUAGES.items():
            steps.chapter(f"An adapter for {language}, begun from the starter, on its ticket")
            steps.ltp(lang, "adapter", "train", _pairs(lang), "--lang", lang, "--alias", "production")
    steps.chapter("What they are worth: pairs that none of them was trained on")
    for lang in LANGUAGES:
        scores[f"{lang} trained"] = _evaluated(steps, lang, f"{lang}@production")
    if starter:
        scores[f"{PAPERS_WAY} paper"] = _evaluated(steps, PAPERS_WAY, f"{PAPERS_WAY}@paper")

    steps.chapter("Answers: one batch that mixes both languages, on one backbone")
    answers = steps.output / "answers.jsonl"
    steps.ltp("predict", "predict", "--file", str(EXAMPLES / "mixed.jsonl"), "--output", str(answers), "--force")
    summary.show_answers(steps.console, answers)

    steps.console.print("\n[bold cyan]What came of it[/bold cyan]")
    with connect(steps.url, steps.api_key) as client:
        summary.show_figures(steps.console, client, steps.seconds, list(LANGUAGES))
    summary.show_comparison(steps.console, scores, list(LANGUAGES), has_starter=starter is not None)
    seconds = time.monotonic() - steps.began
    there = steps.url if stays else None
    summary.show_next(steps.console, steps.output, seconds, url=there, has_starter=starter is not None)


def _papers_way(steps: Steps, languages: Sequence[str]) -> None:
    """A drift, a ticket, and adapters that begin from the pretrained values."""
    steps.chapter("A ticket: which parameters matter, measured by a masked-language-model run on English prose")
    bounds = ["--epochs", str(MLM_EPOCHS), "--sample", str(SENTENCES)]
    steps.ltp("ticket", "ticket", "create", "--name", "demo", "--builtin", "demo", "--ratio", "0.1", *bounds)
    steps.ltp("figure", "ticket", "show", "demo", "--png", str(steps.output / "ticket.png"), quiet=True)
    alias = "paper" if len(languages) < len(LANGUAGES) else "production"
    for lang in languages:
        steps.chapter(f"An adapter for {LANGUAGES[lang]}, the paper's way: a soft prompt and the ticket's parameters")
        files = [_pairs(lang), "--dev", str(EXAMPLES / f"{lang}-dev.jsonl"), "--lang", lang, "--alias", alias]
        rest = ["--ticket", "demo", "--start", "none", "--epochs", str(ADAPTER_EPOCHS)]
        steps.ltp(f"{lang} {alias}" if alias == "paper" else lang, "adapter", "train", *files, *rest)


def _pairs(lang: str) -> str:
    return str(EXAMPLES / f"{lang}-train.jsonl")


def _evaluated(steps: Steps, lang: str, adapter: str) -> dict[str, Any]:
    """Score an adapter on the language's development pairs, and show its accuracy."""
    score = steps.document(f"{lang} score", "evaluate", str(EXAMPLES / f"{lang}-dev.jsonl"), "--adapter", adapter)
    summary.show_score(steps.console, score)
    return score


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
