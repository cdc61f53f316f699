"""The demo's story, in the order of the method: a ticket, two adapters, a mixed batch, and what came of it."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from app.cli.client import connect
from demo import service, summary

LTP = Path(sys.executable).with_name("ltp")
OUTPUT = Path("demo-output")
EXAMPLES = Path("examples")
LANGUAGES = {"es": "Spanish", "sw": "Swahili"}
MLM_EPOCHS, SENTENCES, ADAPTER_EPOCHS = 1, 1200, 25

INTRODUCTION = (
    f"All of it happens on this machine, for real, within bounds: one MLM epoch over at most {SENTENCES} sentences, "
    f"at most {ADAPTER_EPOCHS} epochs for each adapter; at most 8 minutes on 2 cores. Ctrl-C stops everything."
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

    def ltp(self, part: str, *arguments: str, quiet: bool = False) -> None:
        """Show a command and run it, `quiet` without its result. Raises StepFailed."""
        self.console.print(
            f"\n[bold green]$[/bold green] [bold]ltp {escape(shlex.join(arguments))}[/bold]", soft_wrap=True
        )
        began = time.monotonic()
        # in a session of its own: Ctrl-C is for the demo, which then cancels the job instead of leaving it behind
        process = subprocess.Popen(
            [str(LTP), *arguments],
            env=os.environ | {"LTP_URL": self.url} | ({"LTP_API_KEY": self.api_key} if self.api_key else {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else None,
            start_new_session=True,
        )
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.kill()
            self.console.show_cursor()
            with connect(self.url, self.api_key) as client:
                service.cancel_jobs(client)
            raise
        self.seconds[part] = time.monotonic() - began
        if code:
            raise StepFailed(f"ltp {shlex.join(arguments)} ended with exit code {code}")

    def title(self, text: str) -> None:
        """Begin a chapter."""
        self.console.print(f"\n[bold cyan]{text}[/bold cyan]")


def story(steps: Steps, *, stays: bool) -> None:
    """Make everything, then say what came of it; `stays` tells that the service outlives the demo."""
    steps.title("1. A ticket: which parameters matter, measured by a masked-language-model run on English prose")
    bounds = ["--epochs", str(MLM_EPOCHS), "--sample", str(SENTENCES)]
    steps.ltp("ticket", "ticket", "create", "--name", "demo", "--builtin", "demo", "--ratio", "0.1", *bounds)
    steps.ltp("figure", "ticket", "show", "demo", "--png", str(steps.output / "ticket.png"), quiet=True)

    for number, (lang, language) in enumerate(LANGUAGES.items(), start=2):
        steps.title(f"{number}. An adapter for {language}: a soft prompt and the ticket's parameters, from a few pairs")
        files = [str(EXAMPLES / f"{lang}-train.jsonl"), "--dev", str(EXAMPLES / f"{lang}-dev.jsonl")]
        rest = ["--lang", lang, "--alias", "production", "--epochs", str(ADAPTER_EPOCHS)]
        steps.ltp(lang, "adapter", "train", *files, *rest)

    steps.title("4. Answers: one batch that mixes both languages, on one backbone")
    answers = steps.output / "answers.jsonl"
    steps.ltp("predict", "predict", "--file", str(EXAMPLES / "mixed.jsonl"), "--output", str(answers))
    summary.show_answers(steps.console, answers)

    steps.title("What came of it")
    with connect(steps.url, steps.api_key) as client:
        summary.show_figures(steps.console, client, steps.seconds, list(LANGUAGES))
    seconds = time.monotonic() - steps.began
    summary.show_next(steps.console, steps.output, seconds, url=steps.url if stays else None)


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
