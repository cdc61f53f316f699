"""The demo's story, in the order of the method: a ticket, two adapters, a mixed batch, and what came of it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from demo import service, summary

LTP = Path(sys.executable).with_name("ltp")
OUTPUT = Path("demo-output")
EXAMPLES = Path("examples")
LANGUAGES = {"es": "Spanish", "sw": "Swahili"}
MLM_EPOCHS, SENTENCES, ADAPTER_EPOCHS = 1, 1200, 25

INTRODUCTION = (
    f"All of it happens on this machine, for real, within bounds: one MLM epoch over at most {SENTENCES} sentences, "
    f"at most {ADAPTER_EPOCHS} epochs for each adapter; at most 8 minutes on 2 cores. What is made goes to {OUTPUT}/. "
    "Ctrl-C stops everything."
)


class StepFailed(RuntimeError):
    """A command of the demo did not succeed; what it said stands above."""


def main() -> int:
    """Run the demo in the project's root; returns the exit code."""
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, _interrupted)
    OUTPUT.mkdir(exist_ok=True)
    console.print(Panel(INTRODUCTION, title="Lottery Ticket Prompt-learning", title_align="left", expand=False))
    try:
        with service.running(LTP, OUTPUT / "data", OUTPUT / "service.log") as url:
            console.print(f"The service is up at {url} ([bold]ltp serve[/bold]; its log: {OUTPUT}/service.log)")
            story(Steps(console, url))
    except (service.ServiceDidNotStart, StepFailed) as error:
        console.print(f"[bold red]The demo stopped:[/bold red] {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        console.print(f"\nStopped; what was made so far is kept in {OUTPUT}/data.")
        return 1
    return 0


class Steps:
    """Runs `ltp` commands in front of the reader and remembers how long each part took, in seconds."""

    def __init__(self, console: Console, url: str) -> None:
        self.console, self.url = console, url
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
            env=os.environ | {"LTP_URL": self.url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else None,
            start_new_session=True,
        )
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.kill()
            self.console.show_cursor()
            service.cancel_jobs(self.url)
            raise
        self.seconds[part] = time.monotonic() - began
        if code:
            raise StepFailed(f"ltp {shlex.join(arguments)} ended with exit code {code}")

    def title(self, text: str) -> None:
        """Begin a chapter."""
        self.console.print(f"\n[bold cyan]{text}[/bold cyan]")


def story(steps: Steps) -> None:
    """Make everything, then say what came of it."""
    steps.title("1. A ticket: which parameters matter, measured by a masked-language-model run on English prose")
    bounds = ["--epochs", str(MLM_EPOCHS), "--sample", str(SENTENCES)]
    steps.ltp("ticket", "ticket", "create", "--name", "demo", "--builtin", "demo", "--ratio", "0.1", *bounds)
    steps.ltp("figure", "ticket", "show", "demo", "--png", str(OUTPUT / "ticket.png"), quiet=True)

    for number, (lang, language) in enumerate(LANGUAGES.items(), start=2):
        steps.title(f"{number}. An adapter for {language}: a soft prompt and the ticket's parameters, from a few pairs")
        files = [str(EXAMPLES / f"{lang}-train.jsonl"), "--dev", str(EXAMPLES / f"{lang}-dev.jsonl")]
        rest = ["--lang", lang, "--alias", "production", "--epochs", str(ADAPTER_EPOCHS)]
        steps.ltp(lang, "adapter", "train", *files, *rest)

    steps.title("4. Answers: one batch that mixes both languages, on one backbone")
    answers = OUTPUT / "answers.jsonl"
    steps.ltp("predict", "predict", "--file", str(EXAMPLES / "mixed.jsonl"), "--output", str(answers))
    summary.show_answers(steps.console, answers)

    steps.title("What came of it")
    summary.show_figures(steps.console, steps.url, steps.seconds, list(LANGUAGES))
    summary.show_next(steps.console, OUTPUT, time.monotonic() - steps.began)


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
