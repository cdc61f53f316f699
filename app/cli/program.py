"""The program `ltp`: its commands in the order of `ltp --help`, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.cli import (
    adapters,
    backup,
    blobs,
    data,
    drifts,
    jobs,
    keys,
    languages,
    service,
    starters,
    tenant,
    tickets,
    webhooks,
)
from app.cli.evaluate import evaluate
from app.cli.predict import predict
from app.cli.reproduce.command import reproduce

METHOD, SERVICE = "The method", "The service"


class Program(TyperGroup):
    """The commands; what is wrong with an option is said without pydantic's `Value error`, which typer lets through."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the options before the command."""
        with _plain_words():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Read the command's options, and run it."""
        with _plain_words():
            return super().invoke(ctx)


@contextmanager
def _plain_words() -> Iterator[None]:
    try:
        yield
    except typer.BadParameter as error:
        error.message = error.message.removeprefix("Value error, ")
        raise


root = typer.Typer(
    name="ltp",
    cls=Program,
    help="Few-shot natural-language inference for low-resource languages, on one shared XLM-R.\n\n"
    "Start with `ltp serve`, then `ltp ticket create`, `ltp adapter train` and `ltp predict`.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from ltp.release import release

        typer.echo(f"ltp {release()}")
        raise typer.Exit


@root.callback()
def program(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""


root.add_typer(tickets.group, name="ticket", rich_help_panel=METHOD)
root.add_typer(drifts.group, name="drift", rich_help_panel=METHOD)
root.add_typer(adapters.group, name="adapter", rich_help_panel=METHOD)
root.add_typer(languages.group, name="language", rich_help_panel=METHOD)
root.add_typer(data.group, name="data", rich_help_panel=METHOD)
root.command("predict", rich_help_panel=METHOD)(predict)
root.command("evaluate", rich_help_panel=METHOD)(evaluate)
root.command("reproduce", rich_help_panel=METHOD)(reproduce)
root.add_typer(starters.group, name="starter", rich_help_panel=METHOD)
root.add_typer(jobs.group, name="job", rich_help_panel=METHOD)
root.command("serve", rich_help_panel=SERVICE)(service.serve)
root.command("api", rich_help_panel=SERVICE)(service.api)
root.command("worker", rich_help_panel=SERVICE)(service.worker)
root.add_typer(keys.group, name="key", rich_help_panel=SERVICE)
root.add_typer(webhooks.group, name="webhook", rich_help_panel=SERVICE)
root.command("quota", rich_help_panel=SERVICE)(tenant.show_quota)
root.command("audit", rich_help_panel=SERVICE)(tenant.show_audit)
root.command("migrate", rich_help_panel=SERVICE)(service.migrate)
root.command("backup", rich_help_panel=SERVICE)(backup.backup)
root.command("restore", rich_help_panel=SERVICE)(backup.restore)
root.add_typer(blobs.group, name="blobs", rich_help_panel=SERVICE)
root.command("settings", rich_help_panel=SERVICE)(service.show_settings)
root.add_typer(service.backbone, name="backbone", rich_help_panel=SERVICE)
