"""`ltp reproduce`: the paper's experiments, or one's own, on this machine, with a report beside the paper's figures."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli import options
from app.cli.command import Key, Url
from app.cli.output import Output, pairs
from app.cli.progress import Reporter, reporter
from app.cli.service import settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from ltp.backbone.manifest import BackboneInfo
    from ltp.reproduce.plan.bounds import Bounds
    from ltp.reproduce.reproduction import Reproduction
    from ltp.reproduce.run.executor import Executor
    from ltp.reproduce.run.runner import RunCallback

PANEL = "Bounds (without one, the experiment's own value)"
FOLDER = {"exists": True, "file_okay": False, "readable": True, "show_default": False}


def _bound(name: str, words: str, **limits: Any) -> Any:
    return typer.Option(name, help=words, rich_help_panel=PANEL, show_default=False, **limits)


def reproduce(
    output: Output,
    *,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="table1, table2, table3, figure2a, figure2b, figure3, selection, or a .toml file of yours.",
            show_default=False,
        ),
    ],
    data: Annotated[Path, typer.Option(**FOLDER, help="Folder with xnli/, americasnli/ and wikitext2/.")],
    to: Annotated[
        Path, typer.Option("--output", "-o", help="Results and reports; run it again to go on.", show_default=False)
    ],
    quick: Annotated[bool, typer.Option("--quick", help="What mini does on two cores in 40 minutes.")] = False,
    backbone: Annotated[str, typer.Option(help="mini, a directory, or owner/name@revision.")] = "mini",
    text: Annotated[
        Path | None, typer.Option(**options.EXISTING, help="Sentences to measure drifts on, one a line.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Where to compute: cpu (default), cuda.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to compute with.", show_default=False)] = None,
    on_workers: Annotated[
        bool, typer.Option("--on-workers", help="As jobs of a service instead.", rich_help_panel="Service")
    ] = False,
    url: Url = None,
    api_key: Key = None,
    methods: Annotated[str | None, _bound("--methods", "Of ft,dp,sp,mp,pt and ltp@PERCENT: ft,sp,ltp@20.")] = None,
    shots: Annotated[str | None, _bound("--shots", "Examples of each label: 4,16,32.")] = None,
    seeds: Annotated[int | None, _bound("--seeds", "Runs with seeds 0, 1, ...", min=1)] = None,
    languages: Annotated[str | None, _bound("--languages", "Of those it scores: en,sw,ur.")] = None,
    number: Annotated[int | None, _bound("--pairs", "Test pairs a language, the first ones.", min=1)] = None,
    epochs: Annotated[int | None, _bound("--epochs", "Passes over the examples.", min=1)] = None,
    rates: Annotated[str | None, _bound("--rates", "Learning rates to choose from: 2e-5,1e-4; or none.")] = None,
    precision: Annotated[Literal["fp32", "bf16"] | None, _bound("--precision", "Arithmetic.")] = None,
    sentences: Annotated[int | None, _bound("--sentences", "Sentences to measure drifts on, at most.", min=2)] = None,
    passes: Annotated[int | None, _bound("--passes", "Passes over these.", min=1)] = None,
) -> None:
    """Run an experiment of the paper and write a report; what is finished is kept, also if this is interrupted."""
    from ltp.reproduce.plan import catalogue
    from ltp.reproduce.plan.bounds import Bounds
    from ltp.reproduce.reproduction import plan

    experiment, quickly = catalogue.load(name)
    lists = {"methods": methods, "shots": shots, "languages": languages, "rates": rates}
    counts = {"seeds": seeds, "pairs": number, "epochs": epochs, "sentences": sentences, "passes": passes}
    plain: dict[str, Any] = {**counts, "precision": precision}
    bounds = _bounds(**lists, **plain).over(quickly if quick else Bounds())
    typed = {"data": data, "output": to, "backbone": backbone, "text": text, **lists, **plain}
    typed |= {"device": device, "threads": threads, "url": url}
    flags = [flag for flag, given in (("--quick", quick), ("--on-workers", on_workers)) if given]
    place = _Place(on_workers, url, api_key, device, threads)
    with reporter("reproduce") as shown:
        info = _located(backbone, shown)
        planned = plan(experiment, bounds, backbone=info, data=data, output=to, text=text)
        with place.executor(planned) as executor:
            result = _carry_out(planned, executor, shown, command=_command(name, typed, flags))
    output.show(result, lambda console: _print(console, result))


@dataclass(frozen=True)
class _Place:
    """Where the work is done. Raises typer.BadParameter for options that contradict each other."""

    on_workers: bool
    url: str | None
    api_key: str | None
    device: str | None
    threads: int | None

    def __post_init__(self) -> None:
        if self.on_workers and (self.device or self.threads):
            raise typer.BadParameter("--device and --threads are the workers' own; leave them out with --on-workers")
        if not self.on_workers and (self.url or self.api_key):
            raise typer.BadParameter("--url and --api-key name a service to work on; give --on-workers as well")

    @contextmanager
    def executor(self, planned: Reproduction) -> Iterator[Executor]:
        """Whoever does the cells."""
        data, sentences, folder = planned.grid.data, planned.sentences, planned.artefacts
        if self.on_workers:
            from app.cli.client import connect
            from app.cli.reproduce.service_executor import ServiceExecutor

            with (
                connect(self.url, self.api_key) as client,
                ServiceExecutor(client, planned.backbone, data, sentences, folder=folder) as executor,
            ):
                yield executor
            return

        import torch

        from ltp.backbone.load import load_backbone
        from ltp.reproduce.run.in_process import InProcessExecutor

        if self.threads is not None:
            torch.set_num_threads(self.threads)
        backbone = load_backbone(planned.backbone)
        yield InProcessExecutor(backbone, data, sentences, folder=folder, device=self.device or "cpu")


def _command(name: str, typed: dict[str, Any], flags: list[str]) -> str:
    """The command that was typed, its values as they were given."""
    words = ["ltp", "reproduce", name, *flags]
    for option, value in typed.items():
        words += [f"--{option}", str(value)] if value is not None else []
    return shlex.join(words)


def _carry_out(planned: Reproduction, executor: Executor, shown: Reporter, *, command: str) -> dict[str, Any]:
    """Do what is not done yet and write the report, of what is done also when something fails."""
    from ltp.reproduce.report.contents import summary

    for setting, missing in planned.grid.missing.items():
        if missing:
            shown.log(f"{setting}: no test file of {', '.join(missing)}")
    executor.check(planned.grid.cells({}))  # before the folder belongs to what will not be run
    with planned.ledger() as ledger:
        try:
            planned.run(ledger, executor, _teller(shown))
        finally:
            source = planned.report_source(ledger, executor, command=command)
            written = planned.report(source) if source.done else []
    return {
        "experiment": planned.full.name,
        "orders": summary(source),
        "cells": len(source.done),
        "seconds": round(source.seconds, 1),
        "report": [str(path) for path in written],
    }


def _bounds(
    *, methods: str | None, shots: str | None, languages: str | None, rates: str | None, **plain: Any
) -> Bounds:
    """The bounds that were typed. Raises typer.BadParameter for a list that cannot be read."""
    from ltp.reproduce.plan.bounds import Bounds
    from ltp.reproduce.plan.variant import Variant

    return Bounds(
        methods=_listed(methods, Variant.parse),
        shots=_listed(shots, int),
        languages=_listed(languages, str),
        rates=() if rates == "none" else _listed(rates, float),
        **plain,
    )


def _listed(typed: str | None, read: Callable[[str], Any]) -> tuple[Any, ...] | None:
    try:
        return None if typed is None else tuple(read(part.strip()) for part in typed.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{typed!r} is no list of numbers: 1,2,4") from error


def _located(backbone: str, shown: Reporter) -> BackboneInfo:
    """Describe the backbone, prepared or downloaded if need be."""
    from ltp.backbone.locate import resolve
    from ltp.progress import Progress

    def report(progress: Progress) -> None:
        shown.update(progress.phase, progress.step, progress.total, metrics=progress.metrics)

    return resolve(backbone, cache_dir=settings_of().backbone_dir, progress=report)


def _teller(shown: Reporter) -> RunCallback:
    """Show how far the run is, and meanwhile give back what the C library holds on to: a run takes hours."""
    from app.process import Slack
    from ltp.reproduce.run.runner import RunProgress

    slack = Slack()

    def tell(standing: RunProgress) -> None:
        slack.give_back()
        metrics = standing.within.metrics if standing.within else None
        shown.update(standing.cell, standing.done, standing.total, metrics=metrics, eta_s=standing.eta_s)

    return tell


def _print(console: Console, result: dict[str, Any]) -> None:
    from rich.markup import escape

    for sentence in result["orders"]:
        console.print(escape(sentence))
    console.print(pairs([("report", path) for path in result["report"]]))
