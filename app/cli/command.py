"""How a function becomes a command: shared options, one client, and failures as sentences with exit code 1."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.failure import FAILED, expected, explained
from app.cli.output import Output

if TYPE_CHECKING:
    from app.cli.client import Client

Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Where the service answers (LTP_URL).", rich_help_panel="Service", show_default=False),
]
Key = Annotated[
    str | None,
    typer.Option("--api-key", help="Key to show it (LTP_API_KEY).", rich_help_panel="Service", show_default=False),
]
Body = Callable[..., None]


@dataclass(frozen=True)
class Session:
    """What a client command works with: the service, and a place for its results."""

    client: Client
    output: Output


def local(group: typer.Typer, name: str, *, panel: str | None = None, results: bool = True) -> Callable[[Body], Body]:
    """Register a command that works on this machine. The function's first parameter is an `Output`.

    One without `results`, because it runs until it is stopped, has no `--json`.
    """

    def register(body: Body) -> Body:
        def run(*, as_json: bool = False, **given: Any) -> None:
            _guarded(Output(as_json), lambda output: body(output, **given))

        group.command(name, rich_help_panel=panel)(_described(run, body, {"as_json": (Json, False)} if results else {}))
        return body

    return register


def remote(group: typer.Typer, name: str, *, panel: str | None = None) -> Callable[[Body], Body]:
    """Register a command that talks to a service. The function's first parameter is a `Session`."""

    def register(body: Body) -> Body:
        def run(*, as_json: bool, url: str | None, api_key: str | None, **given: Any) -> None:
            def call(output: Output) -> None:
                from app.cli.client import connect

                with connect(url, api_key) as client:
                    body(Session(client, output), **given)

            _guarded(Output(as_json), call)

        shared: dict[str, tuple[Any, Any]] = {"as_json": (Json, False), "url": (Url, None), "api_key": (Key, None)}
        group.command(name, rich_help_panel=panel)(_described(run, body, shared))
        return body

    return register


def _guarded(output: Output, call: Callable[[Output], None]) -> None:
    try:
        call(output)
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except expected() as error:
        output.fail(explained(error))
        raise typer.Exit(FAILED) from error


def _described(run: Body, body: Body, shared: dict[str, tuple[Any, Any]]) -> Body:
    """Give `run` the name, documentation and parameters of `body` without its first one, and the shared options."""
    kind = inspect.Parameter.KEYWORD_ONLY
    own = [
        parameter.replace(kind=kind)
        for parameter in list(inspect.signature(body, eval_str=True).parameters.values())[1:]
    ]
    added = [
        inspect.Parameter(name, kind, default=default, annotation=hint) for name, (hint, default) in shared.items()
    ]
    run.__name__, run.__doc__ = body.__name__, body.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *added)}
    run.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    return run
