"""The Compose file brought to life in its short form: every service as a process, a tiny backbone, tiny jobs."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.running_service import EXAMPLES, LINES

from deploy.rehearse import checks
from deploy.rehearse.__main__ import environment
from deploy.rehearse.compose import ComposeError
from deploy.rehearse.container import Failed
from deploy.rehearse.image import find
from deploy.rehearse.rehearsal import Rehearsal, in_order, running

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "LTP_ADMIN_KEY")


class Told(list[tuple[str, str]]):
    """What the rehearsal said, in order."""

    def say(self, who: str, what: str) -> None:
        self.append((who, what))

    def first(self, who: str, what: str) -> int:
        return next(index for index, (name, said) in enumerate(self) if name == who and said.startswith(what))


@pytest.fixture(scope="module")
def given(tiny_backbone_dir: Path) -> dict[str, str]:
    return environment(backbone=str(tiny_backbone_dir)) | {"LTP_THREADS": "1"}


@pytest.fixture(scope="module")
def told() -> Told:
    return Told()


@pytest.fixture(scope="module")
def deployment(given: dict[str, str], told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    directory = tmp_path_factory.mktemp("rehearsal")
    with running(Rehearsal(ROOT / "docker-compose.yml", given, directory=directory, say=told.say)) as rehearsal:
        yield rehearsal


@pytest.fixture(scope="module")
def key(deployment: Rehearsal, given: dict[str, str]) -> str:
    return checks.create_key(
        deployment.apis[0], given["LTP_ADMIN_KEY"], tenant="team", scopes=("read", "predict", "train")
    )


def ask(deployment: Rehearsal, key: str, *, replica: int = 0) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=deployment.apis[replica].url, headers=headers, timeout=60, trust_env=False)


def finished(http: httpx.Client, accepted: httpx.Response) -> dict[str, Any]:
    """Follow a job to its end, and return it."""
    assert accepted.status_code == 202, accepted.text
    location = accepted.headers["Location"]
    with http.stream("GET", f"{location}/events", timeout=120) as events:
        assert list(events.iter_lines())
    job: dict[str, Any] = http.get(location).json()
    return job


def test_everything_starts_in_the_order_the_file_says(deployment: Rehearsal, told: Told) -> None:
    assert set(deployment.containers) == {"postgres", "redis", "migrate", "api", "worker"}
    migrated = told.first("migrate", "completed")
    assert told.first("postgres", "healthy") < told.first("migrate", "started") < migrated
    assert all(migrated < told.first(name, "started") for name in ("api-1", "api-2", "worker"))
    assert all(told.first(name, "healthy") > migrated for name in ("api-1", "api-2"))


def test_no_replica_answers_without_a_key(deployment: Rehearsal) -> None:
    assert checks.keys_are_required(deployment.apis).startswith("2 replicas")


def test_redis_is_append_only_evicts_nothing_and_wants_its_password(deployment: Rehearsal) -> None:
    (container,) = deployment.containers["redis"]
    checks.redis_is_as_told(container)
    written = [path for path in container.place.directory.parent.rglob("*.aof*") if path.is_file()]
    assert written, "the append-only file lies in the volume"


def test_postgres_wants_its_password_which_may_hold_any_character(deployment: Rehearsal, given: dict[str, str]) -> None:
    (container,) = deployment.containers["postgres"]
    assert re.search(r"[@:/%$]", given["POSTGRES_PASSWORD"])
    command = [str(container.place.directory / "bin" / "psql"), "--host=127.0.0.1", "--username=ltp", "-Atc"]
    for password, code in ((given["POSTGRES_PASSWORD"], 0), ("wrong", 2)):
        asked = subprocess.run(
            [*command, "SELECT count(*) FROM alembic_version", "ltp"],
            env=container.environment | {"PGPASSWORD": password},
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == code, asked.stderr
    assert "password authentication failed" in asked.stderr


def test_a_tenant_trains_on_the_worker_and_every_replica_predicts_the_same(deployment: Rehearsal, key: str) -> None:
    with ask(deployment, key) as http:
        mlm = {"epochs": 1, "batch_size": 8}
        ticket = {"corpus": {"texts": LINES}, "mlm": mlm, "active_ratio": 0.3}
        made = finished(http, http.post("/tickets", json=ticket))
        assert made["status"] == "succeeded", made
        training = {"epochs": 1, "learning_rate": 1e-3}
        request = {"lang": "en", "examples": EXAMPLES, "training": training}
        made = finished(http, http.post("/adapters", json=request))
        assert made["status"] == "succeeded", made
    pairs = [
        {"premise": "the dog runs", "hypothesis": "the dog is red"},
        {"premise": "a cat eats", "hypothesis": "it eats"},
    ]
    assert "2 pairs by each of 2 replicas" in checks.replicas_agree(
        deployment.apis, key, {"lang": "en", "pairs": pairs}
    )


def test_the_api_rang_and_the_worker_listened(deployment: Rehearsal) -> None:
    assert checks.workers_are_woken(deployment.containers["redis"][0])


def test_the_key_is_the_teams_and_no_other_sees_its_work(
    deployment: Rehearsal, key: str, given: dict[str, str]
) -> None:
    with ask(deployment, key) as team, ask(deployment, given["LTP_ADMIN_KEY"], replica=1) as admin:
        assert len(team.get("/tickets").json()["items"]) == 1
        assert admin.get("/tickets").json()["items"] == []
        assert team.get("/keys").status_code == 403


def test_the_key_command_of_the_deployment_page_works(deployment: Rehearsal, given: dict[str, str]) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    (line,) = re.findall(r"^ltp key create .*$", page, re.MULTILINE)
    program = str(Path(sys.executable).with_name("ltp"))
    variables = {"LTP_URL": deployment.apis[1].url, "LTP_API_KEY": given["LTP_ADMIN_KEY"]}
    words = [program, *shlex.split(line)[1:], "--json"]
    done = subprocess.run(words, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with ask(deployment, json.loads(done.stdout)["secret"]) as http:
        assert http.get("/tickets").json()["items"] == []


def test_the_worker_is_heard(deployment: Rehearsal, given: dict[str, str]) -> None:
    assert (
        checks.workers_are_heard(deployment.apis[1], given["LTP_ADMIN_KEY"], least=1) == "1 of 1 workers heard, on cpu"
    )
    with pytest.raises(Failed, match="1 workers are heard of 2"):
        checks.workers_are_heard(deployment.apis[1], given["LTP_ADMIN_KEY"], least=2)


def test_no_process_has_a_secret_on_its_command_line(deployment: Rehearsal, given: dict[str, str]) -> None:
    checks.no_secret_on_a_command_line(deployment, [given[name] for name in SECRETS])
    with pytest.raises(Failed, match="on its command line"):  # the check does look
        checks.no_secret_on_a_command_line(deployment, ["unix_socket_directories"])


def test_the_health_check_of_the_image_finds_the_api_alive(deployment: Rehearsal) -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    found = re.search(r"^HEALTHCHECK .*\n +CMD (\[.*\])$", text, re.MULTILINE)
    assert found
    api = deployment.apis[0]
    assert api.service.health is not None
    check = replace(api.service.health, command=tuple(json.loads(found[1])))
    assert api.healthy(check)
    (migrate,) = deployment.containers["migrate"]  # nothing listens there
    assert not migrate.healthy(check)


def test_nothing_is_written_beside_the_volumes(deployment: Rehearsal) -> None:
    deployment.check_alive()
    for container in (*deployment.apis, *deployment.containers["worker"]):
        assert {path.name for path in container.place.directory.iterdir()} == {"bin", "log", "volumes"}


def test_everything_stops_within_its_grace_period(deployment: Rehearsal) -> None:
    """The last test of this file: it ends the deployment."""
    deployment.down()
    names = {container.name for containers in deployment.containers.values() for container in containers}
    assert set(deployment.seconds_to_stop) == names
    assert not [name for containers in deployment.containers.values() for name in containers if name.running]


def test_a_password_that_does_not_fit_a_url_is_refused_in_words(given: dict[str, str], tmp_path: Path) -> None:
    rehearsal = Rehearsal(ROOT / "docker-compose.yml", given | {"REDIS_PASSWORD": "p@ss word"}, directory=tmp_path)
    rehearsal.services = {"redis": rehearsal.services["redis"]}
    with pytest.raises(Failed, match="REDIS_PASSWORD may hold letters, digits, - and _ only"), running(rehearsal):
        pass


def test_a_service_that_fails_stops_the_rehearsal_with_its_log(given: dict[str, str], tmp_path: Path) -> None:
    rehearsal = Rehearsal(ROOT / "docker-compose.yml", given, directory=tmp_path)
    broken = replace(rehearsal.services["migrate"], command=("sh", "-c", "echo no such table; exit 3"), depends_on={})
    api = replace(rehearsal.services["api"], depends_on={"migrate": "service_completed_successfully"})
    rehearsal.services = {"migrate": broken, "api": api}
    with pytest.raises(Failed, match=r"migrate ended with exit code 3; the end of its log:\nno such table"):
        rehearsal.up()
    assert "api" not in rehearsal.containers


def test_services_that_wait_for_each_other_are_refused(given: dict[str, str], tmp_path: Path) -> None:
    services = Rehearsal(ROOT / "docker-compose.yml", given, directory=tmp_path).services
    assert in_order(services)[-1] == "worker"
    circle = {**services, "postgres": replace(services["postgres"], depends_on={"worker": "service_started"})}
    with pytest.raises(ComposeError, match="wait for each other"):
        in_order(circle)


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("postgres", "postgres (PostgreSQL) 18."),
        ("postgres:18.6-bookworm", "postgres (PostgreSQL) 18."),
        (f"postgres:18.6-bookworm@sha256:{'a' * 64}", "postgres (PostgreSQL) 18."),
        (f"registry.example:5000/mirror/redis@sha256:{'a' * 64}", "Redis server"),
        ("ltp:0.1.0", "ltp "),
        ("registry.example:5000/ltp", "ltp "),
    ],
)
def test_an_image_is_known_by_its_repository(name: str, server: str) -> None:
    assert find(name, ROOT / "Dockerfile").version.startswith(server)
