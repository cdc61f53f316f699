"""The options of `ltp reproduce`: what to run, where to compute, and bounds on the experiment."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli import options
from app.cli.command import Json, Key, Url

if TYPE_CHECKING:
    from ltp.reproduce.plan.bounds import Bounds

PANEL = "Bounds (without one, the experiment's own value)"
FOLDER = {"exists": True, "file_okay": False, "readable": True, "show_default": False}


def _bound(help_text: str, **limits: Any) -> Any:
    return typer.Option(help=help_text, rich_help_panel=PANEL, show_default=False, **limits)


@dataclass(frozen=True, kw_only=True)
class PlaceOptions:
    """Where the work is done. Raises typer.BadParameter for options that contradict each other."""

    device: Annotated[str | None, typer.Option(help="Where to compute: cpu (default), cuda.")] = None
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to compute with.", show_default=False)] = None
    on_workers: Annotated[
        bool, typer.Option("--on-workers", help="As jobs of a service instead.", rich_help_panel="Service")
    ] = False
    url: Url = None
    api_key: Key = None

    def __post_init__(self) -> None:
        """Refuse options that are of the other place."""
        if self.on_workers and (self.device or self.threads):
            raise typer.BadParameter("--device and --threads are the workers' own; leave them out with --on-workers")
        if not self.on_workers and (self.url or self.api_key):
            raise typer.BadParameter("--url and --api-key name a service to work on; give --on-workers as well")


@dataclass(frozen=True, kw_only=True)
class BoundOptions:
    """What to do less of, as it is typed: lists are still text."""

    methods: Annotated[str | None, _bound("Of ft,dp,sp,mp,pt and ltp@PERCENT: ft,sp,ltp@20.")] = None
    shots: Annotated[str | None, _bound("Examples of each label: 4,16,32.")] = None
    seeds: Annotated[int | None, _bound("Runs with seeds 0, 1, ...", min=1)] = None
    languages: Annotated[str | None, _bound("Of those it scores: en,sw,ur.")] = None
    pairs: Annotated[int | None, _bound("Test pairs a language, the first ones.", min=1)] = None
    epochs: Annotated[int | None, _bound("Passes over the examples.", min=1)] = None
    rates: Annotated[str | None, _bound("Learning rates to choose from: 2e-5,1e-4; or none.")] = None
    precision: Annotated[Literal["fp32", "bf16"] | None, _bound("Arithmetic.")] = None
    sentences: Annotated[int | None, _bound("Sentences to measure drifts on, at most.", min=2)] = None
    passes: Annotated[int | None, _bound("Passes over these.", min=1)] = None

    def read(self) -> Bounds:
        """The bounds that were typed. Raises typer.BadParameter for a list that cannot be read."""
        from ltp.reproduce.plan.bounds import Bounds
        from ltp.reproduce.plan.variant import Variant

        return Bounds(
            methods=_listed(self.methods, Variant.parse),
            shots=_listed(self.shots, int),
            seeds=self.seeds,
            languages=_listed(self.languages, str),
            pairs=self.pairs,
            epochs=self.epochs,
            rates=() if self.rates == "none" else _listed(self.rates, float),
            precision=self.precision,
            sentences=self.sentences,
            passes=self.passes,
        )


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions:
    """All that `ltp reproduce` takes."""

    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="table1, table2, table3, figure2a, figure2b, figure3, selection, or a .toml file of yours.",
            show_default=False,
        ),
    ]
    data: Annotated[Path, typer.Option(**FOLDER, help="Folder with xnli/, americasnli/ and wikitext2/.")]
    output_folder: Annotated[
        Path, typer.Option("--output", "-o", help="Results and reports; run it again to go on.", show_default=False)
    ]
    quick: Annotated[bool, typer.Option("--quick", help="What mini does on two cores in 40 minutes.")] = False
    backbone: Annotated[str, typer.Option(help="mini, a directory, or owner/name@revision.")] = "mini"
    text: Annotated[
        Path | None, typer.Option(**options.EXISTING, help="Sentences to measure drifts on, one a line.")
    ] = None
    place: PlaceOptions
    bounds: BoundOptions
    as_json: Json = False

    @property
    def command(self) -> str:
        """The command that was typed, its values as they were given; a key is left out."""
        return shlex.join(["ltp", "reproduce", self.name, *self._words()])

    def _words(self) -> Iterator[str]:
        yield from ["--quick"] if self.quick else []
        yield from ["--on-workers"] if self.place.on_workers else []
        typed = {"data": self.data, "output": self.output_folder, "backbone": self.backbone, "text": self.text}
        typed |= dataclasses.asdict(self.bounds)
        typed |= {"device": self.place.device, "threads": self.place.threads, "url": self.place.url}
        for option, value in typed.items():
            yield from (f"--{option}", str(value)) if value is not None else ()


def _listed(typed: str | None, read: Callable[[str], Any]) -> tuple[Any, ...] | None:
    try:
        return None if typed is None else tuple(read(part.strip()) for part in typed.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{typed!r} is no list of numbers: 1,2,4") from error
