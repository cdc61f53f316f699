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
    from ltp.reproduce.transfer.experiment import TransferBounds

PANEL = "Bounds (without one, the experiment's own value)"
TRANSFER_PANEL = "Of transfer alone"
FOLDER = {"exists": True, "file_okay": False, "readable": True, "show_default": False}


def _bound(help_text: str, **limits: Any) -> Any:
    return typer.Option(help=help_text, rich_help_panel=PANEL, show_default=False, **limits)


@dataclass(frozen=True, kw_only=True)
class PlaceOptions:
    """Where the work is done. Raises typer.BadParameter for options that contradict each other."""

    device: Annotated[str | None, typer.Option(help="Where to compute: cpu (default), cuda, cuda:1, auto.")] = None
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

    def chosen_device(self) -> str:
        """The device of this machine to compute on. Raises InvalidConfig, DeviceNotAvailable."""
        from ltp.compute.device import choose_device

        return choose_device(self.device or "cpu")


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


def _of_transfer(help_text: str, **limits: Any) -> Any:
    return typer.Option(**{"help": help_text, "rich_help_panel": TRANSFER_PANEL, "show_default": False, **limits})


@dataclass(frozen=True, kw_only=True)
class TransferOptions:
    """What `ltp reproduce transfer` takes, as it is typed."""

    starter: Annotated[
        Path | None, _of_transfer("The starter that is shipped, an export; the package's own.", **options.EXISTING)
    ] = None
    clean_starter: Annotated[
        Path | None, _of_transfer("One that never saw what the shots translate.", **options.EXISTING)
    ] = None
    further_starter: Annotated[list[str] | None, _of_transfer("Another to compare, NAME=FILE; may be given again.")] = (
        None
    )
    recipes: Annotated[str | None, _of_transfer("Of the experiment's: zero-shot,started.")] = None
    lines: Annotated[str | None, _of_transfer("Of clean,shipped,further: which starters.")] = None

    @property
    def given(self) -> list[str]:
        """The options that were typed."""
        return [_option(field.name) for field in dataclasses.fields(self) if getattr(self, field.name)]

    @property
    def further(self) -> dict[str, Path]:
        """Further starters by name. Raises typer.BadParameter."""
        found: dict[str, Path] = {}
        for typed in self.further_starter or []:
            name, _, path = typed.partition("=")
            if not name or not path or name in found:
                raise typer.BadParameter(f"--further-starter {typed!r} must be NAME=FILE, each name once")
            found[name] = Path(path)
        return found


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions:
    """All that `ltp reproduce` takes."""

    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="table1, table2, table3, figure2a, figure2b, figure3, selection, transfer, or a .toml of yours.",
            show_default=False,
        ),
    ]
    data: Annotated[Path, typer.Option(**FOLDER, help="Folder with xnli/, americasnli/ and wikitext2/.")]
    output_folder: Annotated[
        Path, typer.Option("--output", "-o", help="Results and reports; run it again to go on.", show_default=False)
    ]
    quick: Annotated[bool, typer.Option("--quick", help="What mini does on two cores in half an hour.")] = False
    backbone: Annotated[str, typer.Option(help="mini, a directory, or owner/name@revision.")] = "mini"
    text: Annotated[
        Path | None, typer.Option(**options.EXISTING, help="Sentences to measure drifts on, one a line.")
    ] = None
    place: PlaceOptions
    bounds: BoundOptions
    transfer: TransferOptions
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
        typed |= dataclasses.asdict(self.transfer)
        for option, value in typed.items():
            for each in value if isinstance(value, list) else [value]:
                yield from (_option(option), str(each)) if each is not None else ()

    def read_transfer(self) -> TransferBounds:
        """The bounds of a transfer experiment. Raises typer.BadParameter: an option is of the paper's experiments."""
        from ltp.reproduce.transfer.experiment import TransferBounds

        own = {"shots", "seeds", "languages", "pairs", "epochs", "precision"}
        given = {name: value for name, value in vars(self.bounds).items() if value is not None}
        others = [_option(name) for name in given if name not in own]
        others += ["--text"] if self.text else []
        others += ["--on-workers"] if self.place.on_workers else []
        if others:
            raise typer.BadParameter(f"{', '.join(others)}: of the paper's experiments; leave it out with transfer")
        listed: dict[str, Any] = {name: given[name] for name in ("shots", "languages") if name in given}
        listed |= {name: value for name in ("recipes", "lines") if (value := getattr(self.transfer, name)) is not None}
        plain: dict[str, Any] = {name: value for name, value in given.items() if name not in listed}
        return TransferBounds(**plain | {name: _listed(value, str) for name, value in listed.items()})

    def check_of_paper(self) -> None:
        """Refuse what is of transfer alone. Raises typer.BadParameter."""
        if given := self.transfer.given:
            raise typer.BadParameter(f"{', '.join(given)}: of transfer alone; leave it out with {self.name}")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _listed(typed: str | None, read: Callable[[str], Any]) -> tuple[Any, ...] | None:
    try:
        return None if typed is None else tuple(read(part.strip()) for part in typed.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{typed!r} is no list of numbers: 1,2,4") from error
