"""One container of the rehearsal: a process with the environment, paths and programs it would have in its image."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.rehearse.compose import HealthCheck, Service
from deploy.rehearse.image import Image, Place

HOME = "/var/lib/ltp"
"""Where the image keeps what is written; what is not a volume there must not be written, the root is read-only."""
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
POLL_S = 0.25
"""Pause between health checks, shorter than the intervals that a deployment uses."""


class Failed(RuntimeError):
    """Something did not go as the Compose file promises; the message carries the end of the container's log."""


class Container:
    """A process that stands for one container of a service."""

    def __init__(
        self, service: Service, image: Image, *, number: int, place: Place, volumes: Mapping[str, Path]
    ) -> None:
        self.service, self.image, self.place = service, image, place
        self.name = f"{service.name}-{number}" if service.replicas > 1 else service.name
        self.log = place.directory / "log"
        self.unwritable = place.directory / "read-only"
        self._paths = self._mounted(volumes)
        self._process: subprocess.Popen[bytes] | None = None
        self._programs()
        self.environment = self._environment()

    @property
    def url(self) -> str:
        """Where an API answers."""
        return f"http://127.0.0.1:{self.place.port}"

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Prepare what the image prepares, and start the service's command."""
        self.image.prepare(self.place)
        command = self.service.command or self.image.command(self.place)
        with self.log.open("ab") as sink:
            self._process = subprocess.Popen(
                [self._translated(word) for word in command],
                env=self.environment,
                cwd=self.place.directory,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.image.user,
                executable=self._found(command[0]),
            )

    def wait_completed(self, timeout_s: float) -> None:
        """Wait until the process has ended well. Raises `Failed`."""
        assert self._process is not None  # noqa: S101
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise self.failure(f"did not end within {timeout_s:g} s") from error
        if code:
            raise self.failure(f"ended with exit code {code}")

    def wait_healthy(self) -> None:
        """Wait until the health check succeeds; it may fail `retries` times after the start period. Raises `Failed`."""
        check = self.service.health
        if check is None:
            return
        began, failures = time.monotonic(), 0
        while self.running:
            if self.healthy(check):
                return
            failures += time.monotonic() - began > check.start_period
            if failures >= check.retries:
                raise self.failure("is not healthy")
            time.sleep(POLL_S)
        raise self.failure("ended before it was healthy")

    def healthy(self, check: HealthCheck) -> bool:
        """Run the health check once, inside the container so to speak."""
        words = [self._translated(word) for word in check.command]
        try:
            done = subprocess.run(
                words,
                env=self.environment,
                timeout=check.timeout,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                executable=self._found(words[0]),
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def ask_to_stop(self) -> float | None:
        """Send the signal that the engine would send; return when, or None if there is nothing to stop."""
        if not self.running or self._process is None:
            return None
        self._process.send_signal(self.image.stop_signal)
        return time.monotonic()

    def wait_stopped(self, asked_at: float) -> float:
        """Wait for the end and return the seconds it took. Raises `Failed` beyond the grace period."""
        assert self._process is not None  # noqa: S101
        try:
            self._process.wait(max(0.0, asked_at + self.service.stop_grace - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise self.failure(f"did not stop within its grace period of {self.service.stop_grace:g} s") from error
        finally:
            self.kill()
        return time.monotonic() - asked_at

    def command_lines(self) -> list[str]:
        """Return what a list of processes shows of this container's."""
        if not self.running or self._process is None:
            return []
        root = psutil.Process(self._process.pid)
        commands = []
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                commands.append(" ".join(process.cmdline()))
        return commands

    def kill(self) -> None:
        """End whatever is left of the container's processes, as the end of a container does."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def failure(self, what: str) -> Failed:
        """Say that this container did `what`, with the end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        return Failed("\n".join([f"{self.name} {what}; the end of its log:", *lines[-15:]]))

    def _mounted(self, volumes: Mapping[str, Path]) -> dict[str, str]:
        """Map container paths to folders here, the longest first."""
        paths = {}
        for path, volume in self.service.mounts.items():
            own = self.place.directory / "volumes" / path.strip("/").replace("/", "-")
            folder = volumes[volume] if volume else own
            folder.mkdir(parents=True, exist_ok=True)
            paths[path] = str(folder)
        return dict(sorted(paths.items(), key=lambda item: -len(item[0]))) | {HOME: str(self.unwritable)}

    def _translated(self, text: str) -> str:
        for path, folder in self._paths.items():
            text = text.replace(path, folder)
        return text

    def _programs(self) -> None:
        folder = self.place.directory / "bin"
        folder.mkdir(parents=True)
        for name, line in self.image.programs(self.place).items():
            script = folder / name
            script.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
            script.chmod(0o755)

    def _environment(self) -> dict[str, str]:
        """The image's variables, then the service's; nothing of ours."""
        given = {**self.image.environment, **self.place.environment}
        own = {"PATH": f"{self.place.directory / 'bin'}:{SYSTEM_PATH}", "HOME": str(self.place.directory)}
        if self.image.port_variable is not None:
            own[self.image.port_variable] = str(self.place.port)
        if given.get("LTP_HOST") == "0.0.0.0":  # noqa: S104  the container's own network, which here is the loopback
            own["LTP_HOST"] = "127.0.0.1"
        return {name: self._translated(value) for name, value in given.items()} | own

    def _found(self, program: str) -> str:
        own = self.place.directory / "bin" / program
        return str(own) if own.exists() else program
