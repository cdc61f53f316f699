"""`ltp starter`: making the adapter that comes with a backbone, from public data."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import options
from app.cli.command import Json, local_output
from app.cli.option_groups import options_from
from app.cli.output import key_values, percent, size
from app.cli.progress import ProgressDisplay, progress_display
from app.cli.read_settings import cache_settings

if TYPE_CHECKING:
    from rich.console import Console

    from ltp.progress import ProgressCallback
    from ltp.starter.making.recipe import Recipe

PANEL = "Less of it, to try it out"
FOLDER = {"exists": True, "file_okay": False, "readable": True, "show_default": False}

group = typer.Typer(help="Starters: adapters to begin training from, made from public data.", no_args_is_help=True)


def _less(help_text: str) -> Any:
    return typer.Option(help=help_text, min=1, rich_help_panel=PANEL, show_default=False)


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """All that `ltp starter build` takes."""

    name: Annotated[str, typer.Argument(metavar="RECIPE", help="mini, xlm-r-base, or a .toml file of yours.")] = "mini"
    data: Annotated[Path, typer.Option(**FOLDER, help="Folder with the files that the recipe names.")]
    folder: Annotated[
        Path, typer.Option("--output", "-o", help="What is made; run it again to go on.", show_default=False)
    ]
    without_rows_of: Annotated[
        str | None, typer.Option(help="Leave sources out, and all rows that they translate: americasnli,afrixnli.")
    ] = None
    backbone: Annotated[str, typer.Option(help="mini, a directory, or owner/name@revision.")] = "mini"
    ticket: Annotated[
        Path | None, typer.Option(**options.EXISTING, help="A ticket's file, instead of one made by the recipe.")
    ] = None
    start: Annotated[
        Path | None, typer.Option(exists=True, show_default=False, help="Folder of an earlier build to begin from.")
    ] = None
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda, cuda:1, auto.")] = "cpu"
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to compute with.", show_default=False)] = None
    without_tests: Annotated[bool, typer.Option("--without-tests", help="Leave the scoring to a later call.")] = False
    rows: Annotated[int | None, _less("Pairs a language of each source.")] = None
    epochs: Annotated[int | None, _less("Passes over the pairs.")] = None
    sentences: Annotated[int | None, _less("Sentences to measure the drift on.")] = None
    as_json: Json = False

    @property
    def unseen(self) -> tuple[str, ...]:
        """The sources that are left out."""
        return tuple(filter(None, map(str.strip, (self.without_rows_of or "").split(","))))

    @property
    def command(self) -> str:
        """The command that makes the same starter; where files are is the reader's own."""
        words = ["ltp", "starter", "build", self.name, "--data", "DATA", "--output", "FOLDER"]
        words += ["--without-rows-of", ",".join(self.unseen)] if self.unseen else []
        words += [] if self.backbone == "mini" else ["--backbone", self.backbone]
        words += ["--ticket", self.ticket.name] if self.ticket else []
        words += ["--start", self.start.name] if self.start else []
        less = {"rows": self.rows, "epochs": self.epochs, "sentences": self.sentences}
        words += [word for option, value in less.items() if value for word in (f"--{option}", str(value))]
        return shlex.join(words)

    def recipe(self) -> Recipe:
        """The recipe with what was typed. Raises InvalidRecipe."""
        from ltp.starter.making import recipe

        read = recipe.load(self.name).limited(rows=self.rows, epochs=self.epochs, sentences=self.sentences)
        return replace(read, without_rows_of=tuple(dict.fromkeys((*read.without_rows_of, *self.unseen))))


@group.command("build")
@options_from(BuildOptions)
def build(options: BuildOptions) -> None:
    """Make a starter: drift, ticket, adapter, packed file, scores and card; what is finished is kept."""
    with local_output(options.as_json) as output:
        facts = _build(options)
        output.show(facts, lambda console: _print(console, options.folder, facts))


def _build(options: BuildOptions) -> dict[str, Any]:
    from ltp.compute.device import choose_device

    recipe, device = options.recipe(), choose_device(options.device)
    with progress_display("starter") as shown:
        import torch

        from app.process import HeapTrimmer
        from ltp.backbone.load import load_backbone
        from ltp.backbone.locate import resolve
        from ltp.starter.making.run import Build

        if options.threads is not None:
            torch.set_num_threads(options.threads)
        trim = HeapTrimmer().trim_if_due
        backbone = load_backbone(resolve(options.backbone, cache_dir=cache_settings().backbone_dir))
        return Build(
            recipe=recipe,
            data=options.data,
            folder=options.folder,
            backbone=backbone,
            ticket=options.ticket,
            start=options.start,
            tests=not options.without_tests,
            device=device,
            progress=_progress(shown, trim),
            said=shown.log,
            command=options.command,
        ).run()


def _progress(shown: ProgressDisplay, trim: Any) -> ProgressCallback:
    """Show how far the step is, and return memory meanwhile that the C library holds on to."""
    from ltp.progress import Progress

    def update(progress: Progress) -> None:
        trim()
        shown.update(progress.phase, progress.step, progress.total, metrics=progress.metrics)

    return update


def _print(console: Console, folder: Path, facts: dict[str, Any]) -> None:
    packed, dev = facts["packed"], facts["trained"]["dev"]
    name = facts["recipe"]["name"]
    console.print(
        key_values(
            [
                ("starter", f"{folder / name}.safetensors ({size(packed['bytes'])}, {packed['coding']})"),
                ("card", f"{folder / name}.md"),
                ("held out", f"{percent(dev['accuracy'])} of {dev['pairs']:,} pairs"),
                *((f"{row['test']} {row['lang']}", percent(row["accuracy"])) for row in facts["scores"]),
            ]
        )
    )
