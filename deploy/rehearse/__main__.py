"""The rehearsal, told as it happens: everything up, the demo through it, the checks, everything down."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_cache_path
from rich.console import Console
from rich.markup import escape

from deploy.rehearse import checks
from deploy.rehearse.compose import ComposeError
from deploy.rehearse.container import Failed
from deploy.rehearse.rehearsal import Rehearsal, free_range, running

ROOT = Path(__file__).parents[2]
REPLICAS, WORKERS = 2, 1
TENANT = "rehearsal"
PAIRS = [
    {"premise": "Mtoto anasoma kitabu shuleni.", "hypothesis": "Mtoto yuko shuleni.", "lang": "sw"},
    {"premise": "La niña lee en la escuela.", "hypothesis": "La niña está en casa.", "lang": "es"},
]


class Transcript:
    """Prints who did what, with the seconds since the beginning."""

    def __init__(self, console: Console) -> None:
        self.console, self.began = console, time.monotonic()

    def say(self, who: str, what: str) -> None:
        """Print one line."""
        seconds = time.monotonic() - self.began
        self.console.print(f"[dim]{seconds:7.1f} s[/dim]  [bold]{who:12}[/bold] {escape(what)}", soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Rehearse; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.rehearse", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=ROOT / "build" / "rehearsal", help="where logs and the demo's output stay"
    )
    parser.add_argument("--backbones", type=Path, default=user_cache_path("ltp"), help="what the volume `backbones` is")
    options = parser.parse_args(arguments)
    transcript = Transcript(Console(highlight=False))
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # to be stopped is to be interrupted: nothing is left behind
    directory = Path(tempfile.mkdtemp(prefix="ltp-rehearsal-"))
    try:
        _rehearse(transcript, directory, backbones=options.backbones, output=options.output.resolve())
    except (Failed, ComposeError) as error:
        transcript.say("failed", str(error))
        return 1
    except KeyboardInterrupt:
        transcript.say("stopped", "as asked")
        return 1
    finally:
        _keep_logs(directory, options.output)
        shutil.rmtree(directory, ignore_errors=True)
    transcript.say("done", f"the logs are in {options.output}")
    return 0


def environment(*, backbone: str, replicas: int = REPLICAS, workers: int = WORKERS) -> dict[str, str]:
    """What a person would write into .env: secrets made up now, the rest as the Compose file has it."""
    ports = free_range(replicas)
    return {
        "POSTGRES_PASSWORD": f"p@ss:w/{secrets.token_hex(16)}%$",  # characters that a URL or a shell would trip over
        "REDIS_PASSWORD": secrets.token_hex(16),
        "LTP_ADMIN_KEY": secrets.token_hex(32),
        "LTP_BACKBONE": backbone,
        "API_REPLICAS": str(replicas),
        "API_PORTS": f"{ports.start}-{ports[-1]}",
        "WORKER_REPLICAS": str(workers),
    }


def _rehearse(transcript: Transcript, directory: Path, *, backbones: Path, output: Path) -> None:
    given = environment(backbone="mini")
    rehearsal = Rehearsal(
        ROOT / "docker-compose.yml",
        given,
        directory=directory,
        volumes={"backbones": backbones},
        say=transcript.say,
    )
    with running(rehearsal):
        admin, say = given["LTP_ADMIN_KEY"], transcript.say
        say("check", checks.keys_are_required(rehearsal.apis))
        say("check", checks.redis_is_as_told(rehearsal.containers["redis"][0]))
        key = checks.create_key(rehearsal.apis[0], admin, tenant=TENANT, scopes=("read", "predict", "train"))
        say("check", f"ltp key create: a key of tenant {TENANT}")
        say("demo", f"python -m demo --url {rehearsal.apis[0].url}")
        _demo(rehearsal.apis[0].url, key, output / "demo")
        say("demo", "has ended well")
        say("check", checks.replicas_agree(rehearsal.apis, key, {"lang": "sw", "pairs": PAIRS}))
        say("check", checks.workers_are_woken(rehearsal.containers["redis"][0]))
        say("check", checks.workers_are_heard(rehearsal.apis[-1], admin, least=WORKERS))
        passwords = [given["POSTGRES_PASSWORD"], given["REDIS_PASSWORD"], admin]
        say("check", f"no secret on a command line: {checks.no_secret_on_a_command_line(rehearsal, passwords)}")


def _demo(url: str, key: str, output: Path) -> None:
    """Run the project's demo against the deployment."""
    command = [sys.executable, "-m", "demo", "--url", url, "--output", str(output)]
    if subprocess.run(command, env=os.environ | {"LTP_API_KEY": key}, cwd=ROOT, check=False).returncode:
        raise Failed("the demo did not succeed; what it said stands above")


def _keep_logs(directory: Path, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    for log in directory.glob("*/log"):
        shutil.copy(log, output / f"{log.parent.name}.log")


if __name__ == "__main__":
    sys.exit(main())
