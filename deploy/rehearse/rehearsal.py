"""The order of a Compose project: dependencies first, their conditions waited for, everything stopped in reverse."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.rehearse.compose import ComposeError, Service, read
from deploy.rehearse.container import Container, Failed
from deploy.rehearse.image import Image, Place, find

COMPLETED_S = 120.0
"""How long a service that runs once may take."""
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}

Say = Callable[[str, str], None]


class Rehearsal:
    """The containers of a Compose file. `say(who, what)` is told whatever happens."""

    def __init__(
        self,
        file: Path,
        environment: Mapping[str, str],
        *,
        directory: Path,
        volumes: Mapping[str, Path] | None = None,
        say: Say = lambda _, __: None,
    ) -> None:
        self.services = {name: each for name, each in read(file, environment).items() if not each.profiles}
        self.containers: dict[str, list[Container]] = {}
        self.seconds_to_stop: dict[str, float] = {}
        self.ended = False
        self._say = say
        own = {name: directory / "volumes" / name for name in _volume_names(self.services)}
        self._volumes = own | dict(volumes or {})
        self._images = {name: find(each.image, file.with_name("Dockerfile")) for name, each in self.services.items()}
        self._directory = directory
        self._met: set[tuple[str, str]] = set()
        self._addresses = {name: free_port() for name in self.services}

    @property
    def apis(self) -> list[Container]:
        """The replicas of the API."""
        return self.containers["api"]

    def up(self) -> None:
        """Start everything in the order of the dependencies, and wait until whatever has a health check is healthy."""
        for name in in_order(self.services):
            service = self.services[name]
            for other, condition in service.depends_on.items():
                self._wait(other, condition)
            self.containers[name] = [self._container(service, number) for number in range(1, service.replicas + 1)]
            for container in self.containers[name]:
                container.start()
                self._say(container.name, f"started: {_shown(service, self._images[name])}")
        for name, service in self.services.items():
            if service.health is not None:
                self._wait(name, "service_healthy")

    def down(self) -> None:
        """Stop everything in reverse order. Raises `Failed` for what did not stop in its grace period."""
        self.ended = True
        failures = []
        for name in reversed(self.containers):
            asked = [(container, container.ask_to_stop()) for container in self.containers[name]]
            for container, moment in asked:
                try:
                    seconds = 0.0 if moment is None else container.wait_stopped(moment)
                except Failed as failure:
                    failures.append(str(failure))
                    continue
                self.seconds_to_stop[container.name] = seconds
                if moment is not None:
                    self._say(container.name, f"stopped in {seconds:.1f} s")
        if failures:
            raise Failed("\n".join(failures))

    def kill(self) -> None:
        """End whatever still runs, at once."""
        for containers in self.containers.values():
            for container in containers:
                container.kill()

    def check_alive(self) -> None:
        """Raise `Failed` if a service that has to run does not."""
        once = {
            other for each in self.services.values() for other, how in each.depends_on.items() if "completed" in how
        }
        for name, containers in self.containers.items():
            for container in containers:
                if name not in once and not container.running:
                    raise container.failure("has ended")
                if container.unwritable.exists():
                    raise container.failure(f"wrote outside its volumes: {sorted(container.unwritable.rglob('*'))}")

    def _wait(self, name: str, condition: str) -> None:
        if condition not in CONDITIONS:
            raise ComposeError(
                f"{name} is waited for by {condition!r}, which is none of {', '.join(sorted(CONDITIONS))}"
            )
        if (name, condition) in self._met:
            return
        self._met.add((name, condition))
        for container in self.containers[name]:
            began = time.monotonic()
            if condition == "service_healthy":
                container.wait_healthy()
                self._say(container.name, f"healthy, waited {time.monotonic() - began:.1f} s")
            elif condition == "service_completed_successfully":
                container.wait_completed(COMPLETED_S)
                self._say(container.name, f"completed, waited {time.monotonic() - began:.1f} s")

    def _container(self, service: Service, number: int) -> Container:
        directory = self._directory / f"{service.name}-{number}"
        directory.mkdir(parents=True)
        published = [ports[number - 1] for ports in service.ports.values() if number <= len(ports)]
        if service.ports and not published:
            raise ComposeError(f"{service.name} has {service.replicas} replicas and fewer ports; widen its range")
        environment = {key: self._reachable(value) for key, value in service.environment.items()}
        place = Place(directory, published[0] if published else self._addresses[service.name], environment)
        return Container(service, self._images[service.name], number=number, place=place, volumes=self._volumes)

    def _reachable(self, text: str) -> str:
        """Turn `service:port` into where that service listens on this machine."""
        names = "|".join(map(re.escape, self.services))
        return re.sub(rf"\b({names}):\d+", lambda match: f"127.0.0.1:{self._addresses[match[1]]}", text)


@contextmanager
def running(rehearsal: Rehearsal) -> Iterator[Rehearsal]:
    """Bring everything up, and down again whatever happens; in good order if nothing did."""
    try:
        rehearsal.up()
        yield rehearsal
        if not rehearsal.ended:
            rehearsal.check_alive()
            rehearsal.down()
    finally:
        rehearsal.kill()


def in_order(services: Mapping[str, Service]) -> list[str]:
    """Return the services' names, each after what it depends on. Raises `ComposeError` where that is impossible."""
    done: list[str] = []
    while len(done) < len(services):
        able = [name for name, each in services.items() if name not in done and set(each.depends_on) <= set(done)]
        if not able:
            raise ComposeError(f"these wait for each other, or for what is not there: {set(services) - set(done)}")
        done.append(able[0])
    return done


def free_port() -> int:
    """Return a port that is free now."""
    return free_range(1).start


def free_range(count: int) -> range:
    """Return `count` ports in a row that are free now."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first: int = probe.getsockname()[1]
        with suppress(OSError, OverflowError):
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return range(first, first + count)


def _volume_names(services: Mapping[str, Service]) -> set[str]:
    return {volume for each in services.values() for volume in each.mounts.values() if volume}


def _shown(service: Service, image: Image) -> str:
    command = service.command if len(service.command) < 3 else (service.command[0], "...")
    return f"{service.image} is {image.version}" + (f"; {' '.join(command)}" if command else "")
