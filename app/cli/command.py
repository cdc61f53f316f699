"""What every command works with: the options they share, one client, and failures as sentences with exit code 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.failure import FAILED, INTERRUPTED, Failure
from app.cli.foreseen import expected, explained
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


@dataclass(frozen=True)
class Session:
    """What a client command works with: the service, and a place for its results."""

    client: Client
    output: Output


@contextmanager
def local_output(as_json: bool = False) -> Iterator[Output]:
    """A place for the results of a command that works on this machine; its failures are shown, and end it."""
    output = Output(as_json)
    try:
        yield output
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except KeyboardInterrupt:
        output.fail(Failure("interrupted", "interrupted"))
        raise typer.Exit(INTERRUPTED) from None
    except expected() as error:
        output.fail(explained(error))
        raise typer.Exit(FAILED) from error


@contextmanager
def service_session(as_json: bool, url: str | None, api_key: str | None, *, patient: bool = True) -> Iterator[Session]:
    """The same for a command that talks to a service, with a client of it; a `patient` one waits while it is busy."""
    with local_output(as_json) as output:
        from app.cli.client import connect

        with connect(url, api_key) as client:
            if not patient:
                client.busy_wait_s = 0.0
            yield Session(client, output)
