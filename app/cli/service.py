"""Commands that work on this machine: start the service or a part of it, and prepare what it needs."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.command import Json, local_output
from app.cli.failure import Failure
from app.cli.output import key_values
from app.cli.read_settings import cache_settings, settings_of
from app.process import begin_startup

if TYPE_CHECKING:
    from rich.console import Console

    from app.cli.output import Output
    from app.settings import Settings
    from ltp.backbone.manifest import BackboneInfo

backbone = typer.Typer(help="Backbones: the pretrained model that all languages share.", no_args_is_help=True)

Host = Annotated[str | None, typer.Option(help="Address to listen on (LTP_HOST).")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on (LTP_PORT).")]
BackboneName = Annotated[
    str | None,
    typer.Argument(
        help="mini, a directory, or owner/name@revision.", show_default="LTP_BACKBONE, else mini", metavar="NAME"
    ),
]
DataDir = Annotated[Path | None, typer.Option(help="Where everything is kept (LTP_DATA_DIR).", file_okay=False)]


def serve(*, data_dir: DataDir = None, host: Host = None, port: Port = None) -> None:
    """Start the whole service on this machine: API and worker on one data directory, no other program needed."""
    with local_output():
        begin_startup()
        from app.serve.embedded import serve as run
        from app.storage.data_dir import locked

        settings = settings_of(data_dir=data_dir, host=host, port=port)
        if "auth" not in settings.model_fields_set:
            settings = settings.model_copy(update={"auth": "off"})
        _check_devices(settings, [settings.device, *settings.job_devices])
        with locked(settings):  # a service that has the directory has the port as well: name the directory
            _check_address(settings)
        run(settings)


def api(*, host: Host = None, port: Port = None) -> None:
    """Start the API alone; jobs are done by `ltp worker` processes on the same database."""
    with local_output():
        begin_startup()
        from app.serve.server import serve_api
        from app.telemetry import log_setup

        settings = settings_of(host=host, port=port)
        _check_address(settings)
        _check_devices(settings, [settings.device])
        log_setup.configure(settings)
        serve_api(settings)


def worker(
    *,
    queues: Annotated[
        str | None, typer.Option(help="What to do, of: tickets,adapters,predictions; default: all.")
    ] = None,
    devices: Annotated[
        str | None, typer.Option(help="Where: 0,1 for two GPUs, cpu,cpu for two processes (LTP_DEVICES).")
    ] = None,
) -> None:
    """Start a runner, which does jobs until it is stopped: one at a time on each device, a drift on all together."""
    with local_output():
        command = [sys.executable, "-P", "-m", "worker", *(["--queues", queues] if queues else [])]
        settings = settings_of(devices=devices)
        _check_devices(settings, settings.job_devices)
        os.execve(sys.executable, command, settings.environment())  # noqa: S606  signals then reach the runner itself


def migrate(
    *,
    as_json: Json = False,
) -> None:
    """Bring the database to the newest schema; safe to repeat."""
    with local_output(as_json) as output:
        from app.database_url import shown
        from app.storage.database import Database

        settings = settings_of()
        database = Database(settings.database)
        database.migrate()
        database.close()
        name = shown(settings.database)
        output.show({"database": name, "revision": "head"}, lambda console: console.print(f"{name} is up to date"))


def show_settings(
    *,
    as_json: Json = False,
) -> None:
    """Show every setting with its value and where that comes from; secrets are masked."""
    with local_output(as_json) as output:
        from rich.markup import escape

        lines = settings_of().lines()
        data = [
            {"name": line.name, "value": line.value, "source": line.source, "description": line.description}
            for line in lines
        ]

        def render(console: Console) -> None:
            for line in lines:
                source = "[dim]default[/dim]" if line.source == "default" else f"[yellow]{line.source}[/yellow]"
                console.print(f"[bold]{line.name}[/bold] = {escape(line.value)}  {source}")
                console.print(f"  [dim]{escape(line.description)}[/dim]")

        output.show(data, render)


@backbone.command("prepare")
def prepare_backbone(
    *,
    name: BackboneName = None,
    as_json: Json = False,
) -> None:
    """Make a backbone ready to use: build `mini`, or fetch a pinned revision from the hub; quick when it is there."""
    with local_output(as_json) as output:
        from app.cli.progress import progress_display
        from ltp.backbone.locate import resolve
        from ltp.backbone.manifest import pin
        from ltp.progress import Progress

        with progress_display("backbone") as shown:

            def report(progress: Progress) -> None:
                shown.update(progress.phase, progress.step, progress.total, metrics=progress.metrics)

            cache = cache_settings()
            info = resolve(name or cache.backbone, cache_dir=cache.backbone_dir, progress=report)
            with suppress(OSError):  # a folder that is read-only cannot change, either
                pin(info.directory)
        _show(output, info)


@backbone.command("verify")
def verify_backbone(
    *,
    name: BackboneName = None,
    as_json: Json = False,
) -> None:
    """Read all of a prepared backbone, and fail unless it is byte for byte what was prepared."""
    with local_output(as_json) as output:
        from ltp.backbone.locate import prepared_directory
        from ltp.backbone.manifest import verify

        cache = cache_settings()
        _show(output, verify(prepared_directory(name or cache.backbone, cache_dir=cache.backbone_dir)))


def _show(output: Output, info: BackboneInfo) -> None:
    """Show a backbone that is as it should be."""
    data = {
        "name": info.name,
        "directory": str(info.directory),
        "fingerprint": info.fingerprint,
        "layers": info.layers,
        "hidden": info.hidden,
        "parameters": info.parameters,
    }
    shape = f"{info.layers} layers, {info.hidden} hidden, {info.parameters / 1e6:.1f} M parameters"
    lines = [
        ("backbone", f"{info.name} ({shape})"),
        ("folder", str(info.directory)),
        ("fingerprint", info.fingerprint),
    ]
    output.show(data, lambda console: console.print(key_values(lines)))


def _check_devices(settings: Settings, devices: Sequence[str]) -> None:
    """Refuse a GPU that is not there before anything has started. Raises DeviceNotAvailable."""
    gpus = [device for device in devices if device.startswith("cuda")]
    if gpus:
        from ltp.compute.device import choose_device

        settings.before_torch()
        for gpu in gpus:
            choose_device(gpu)


def _check_address(settings: Settings) -> None:
    """Raises Failure for an address that cannot be had, or that others could reach while authentication is off."""
    from app.http.loopback import LOOPBACK

    if settings.auth == "off" and settings.host not in LOOPBACK:
        detail = f"authentication is off, and others could reach {settings.host}; listen on 127.0.0.1"
        raise Failure("open_to_others", detail)
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        detail = f"cannot listen on {settings.host}, port {settings.port}: {error.strerror or error}"
        raise Failure(
            "address_not_available", detail, hint="Choose another with --port; 0 takes a free one."
        ) from error
