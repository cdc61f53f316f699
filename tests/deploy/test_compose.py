"""The Compose file and .env.example: valid, complete, without a secret, about settings and commands that exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from support.xlmr_base import XLMR_BASE

from app.cli.program import root
from app.registry.job_memory import check_adapter, check_drift
from app.settings import PREFIX, Settings
from app.webhook_settings import WebhookSettings
from deploy.rehearse.compose import ComposeError, HealthCheck, Service, interpolated, read, seconds
from ltp.backbone.strategy import STRATEGIES
from ltp.config import AdapterConfig, MLMConfig
from ltp.model.methods import METHODS

ROOT = Path(__file__).parents[2]
FILE, EXAMPLE = ROOT / "docker-compose.yml", ROOT / ".env.example"
SECRETS = {"POSTGRES_PASSWORD": "p@ss:w/rd $%", "REDIS_PASSWORD": "letters-09_", "LTP_ADMIN_KEY": 32 * "k"}
REFERENCE = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    return read(FILE, SECRETS)


def document() -> Any:
    return yaml.safe_load(FILE.read_text("utf-8"))


def filled_in() -> Any:
    return interpolated(document(), SECRETS)


def megabytes(text: str) -> int:
    return int(text[:-1]) * {"m": 1, "g": 1024}[text[-1]]


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    return [text for each in value for text in strings(each)] if isinstance(value, list) else [str(value)]


def example() -> dict[str, str]:
    """Every variable of .env.example, the commented ones too."""
    return dict(re.findall(r"^(?:# )?([A-Z0-9_]+)=(.*)$", EXAMPLE.read_text("utf-8"), re.MULTILINE))


def references() -> list[tuple[str, str, str]]:
    return [found for text in strings(document()) for found in REFERENCE.findall(text)]


def settings() -> set[str]:
    return {PREFIX + field.upper() for field in Settings.model_fields}


@pytest.mark.process
def test_the_file_is_valid_by_the_schema_of_compose_without_a_network() -> None:
    command = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", "vendor.compose-spec"]
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    done = subprocess.run([*command, str(FILE)], env=os.environ | nowhere, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_secret_is_required_and_nothing_else_is() -> None:
    required = {name for name, how, _ in references() if how == ":?"}
    assert required == set(SECRETS)
    assert not [found for found in references() if found[0] in SECRETS and found[1] != ":?"]
    for name in SECRETS:
        for value in ({}, {name: ""}):
            given = {key: secret for key, secret in SECRETS.items() if key != name}
            with pytest.raises(ComposeError, match=f"{name} is not set: set {name}"):
                read(FILE, given | value)


def test_no_secret_stands_in_the_files_or_on_a_command_line(services: dict[str, Service]) -> None:
    assert {name: example()[name] for name in SECRETS} == dict.fromkeys(SECRETS, "")
    for service in services.values():
        words = [*service.command, *(service.health.command if service.health else ())]
        assert not [word for word in words for secret in SECRETS.values() if secret in word]


def test_the_example_names_every_variable_with_the_default_it_has() -> None:
    defaults = {name: default for name, how, default in references() if how != ":?"}
    assert set(example()) == set(defaults) | set(SECRETS)
    assert {name: value for name, value in example().items() if name not in SECRETS} == defaults
    assert not [name for name, how, default in references() if how == ":-" and defaults[name] != default]


def test_the_deployment_page_names_services_and_variables_that_are_there(services: dict[str, Service]) -> None:
    section = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    variables = set(re.findall(r"\b[A-Z]{3,}_[A-Z_]+\b", section)) - {"LTP_URL", "LTP_API_KEY"}
    assert variables <= set(example())
    assert len(variables) > 5
    calls = re.findall(r"docker compose ([^`#;\n]*)", section)
    named = {words[-1] for words in map(str.split, calls) if words[-1] in services or words[0] == "run"}
    assert {"migrate", "api", "worker", "postgres"} <= named <= set(services)


def test_variables_that_look_like_settings_are_settings(services: dict[str, Service]) -> None:
    used = {name for service in services.values() for name in service.environment if name.startswith(PREFIX)}
    assert used <= settings()
    assert {name for name in example() if name.startswith(PREFIX)} <= used
    assert len(used) > 15


def test_api_and_workers_are_told_the_same_of_webhooks(services: dict[str, Service]) -> None:
    names = {PREFIX + field.upper() for field in WebhookSettings.model_fields}
    for name in ("api", "worker", "worker-gpu"):
        assert names <= set(services[name].environment), name


def test_the_settings_of_each_service_are_accepted(
    services: dict[str, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)
    for service in (services["migrate"], services["api"], services["worker"], services["worker-gpu"]):
        given = {name: value for name, value in service.environment.items() if name.startswith(PREFIX)}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in given.items():
                patch.setenv(name, value)
            accepted = Settings(_env_file=None)
        said = {name.removeprefix(PREFIX).lower() for name, value in given.items() if value}  # empty is the default
        assert accepted.model_fields_set == said
        assert accepted.database.startswith("postgresql+psycopg://ltp@postgres:5432/")


def test_settings_that_are_repeated_from_their_defaults_still_agree_with_them(services: dict[str, Service]) -> None:
    chosen = {"LTP_JOB_MEMORY_MB", "LTP_LOG_FORMAT", "LTP_BACKBONE", "LTP_DEVICE", "LTP_DRAIN_S", "LTP_GRACE_S"}
    for service in services.values():
        for name in set(service.environment) & settings() - chosen:
            default = Settings.model_fields[name.removeprefix(PREFIX).lower()].default
            if default not in (None, ""):
                assert service.environment[name] == str(default), name


def test_the_commands_are_commands_of_the_program(services: dict[str, Service]) -> None:
    commands = {service.command for service in services.values() if service.image.startswith("ltp:")}
    assert commands == {("ltp", "migrate"), ("ltp", "api"), ("ltp", "worker")}
    assert {words[1] for words in commands} <= set(typer.main.get_command(root).commands)  # type: ignore[attr-defined]


def test_the_default_backbone_is_pinned_and_mini_is_one_variable_away(services: dict[str, Service]) -> None:
    name = r"FacebookAI/xlm-roberta-base@[0-9a-f]{40}"
    for service in ("api", "worker", "worker-gpu"):
        assert re.fullmatch(name, services[service].environment["LTP_BACKBONE"])
        mini = read(FILE, SECRETS | {"LTP_BACKBONE": "mini"})[service]
        assert mini.environment["LTP_BACKBONE"] == "mini"


def test_images_of_others_are_pinned_to_a_patch_release_and_its_digest(services: dict[str, Service]) -> None:
    others = {service.image for service in services.values() if not service.image.startswith("ltp:")}
    assert {image.partition(":")[0] for image in others} == {"postgres", "redis"}
    pinned = r"(postgres:\d+\.\d+|redis:\d+\.\d+\.\d+)-[a-z]+@sha256:[0-9a-f]{64}"
    assert all(re.fullmatch(pinned, image) for image in others), others


def test_only_the_api_is_reached_from_outside_and_by_default_from_this_host_alone(services: dict[str, Service]) -> None:
    assert {name for name, service in services.items() if service.ports} == {"api", "api-gpu"}
    described = interpolated(document(), SECRETS)["services"]
    assert all("127.0.0.1" in text for name in ("api", "api-gpu") for text in described[name]["ports"])
    assert len(services["api"].ports[8000]) >= services["api"].replicas
    assert services["api"].environment["LTP_AUTH"] == "on"


def test_stopping_leaves_time_to_drain(services: dict[str, Service]) -> None:
    api = services["api"]
    needed = float(api.environment["LTP_DRAIN_S"]) + float(api.environment["LTP_GRACE_S"])
    assert api.stop_grace >= needed + 10
    assert services["worker"].stop_grace >= 15  # a runner takes at most five seconds to hand its job back


def test_what_keeps_data_does_so_in_a_named_volume(services: dict[str, Service]) -> None:
    mounts = {path: volume for service in services.values() for path, volume in service.mounts.items()}
    assert mounts == {
        "/var/lib/postgresql": "postgres",
        "/data": "redis",
        "/var/lib/ltp/backbones": "backbones",
        "/var/lib/ltp/work": "work",
        "/var/lib/ltp/data": "",
    }
    assert {volume for volume in mounts.values() if volume} == set(document()["volumes"])


def test_every_service_has_what_a_long_run_needs() -> None:
    for name, service in document()["services"].items():
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}, name
        assert service["init"] is True, name
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped"), name
        assert "start_period" in service["healthcheck"] or service["healthcheck"] == {"disable": True}, name


def test_every_service_has_a_limit_of_memory_that_fits_what_it_is_told_to_take(services: dict[str, Service]) -> None:
    limits = {name: megabytes(service["mem_limit"]) for name, service in filled_in()["services"].items()}
    assert set(limits) == set(services)
    job = int(services["worker"].environment["LTP_JOB_MEMORY_MB"])
    assert services["api"].environment["LTP_JOB_MEMORY_MB"] == str(job), "the API refuses by what workers have"
    assert limits["worker"] == limits["worker-gpu"] >= job + 512
    (cap,) = re.findall(r"--maxmemory (\d+)mb", " ".join(services["redis"].command))
    assert limits["redis"] >= 2 * int(cap)
    kept = sum(int(services["api"].environment[name]) for name in ("LTP_FUSED_MB", "LTP_COMPACT_MB"))
    assert limits["api"] >= kept + 3072, "XLM-R base is a gigabyte, a process with torch half of one"


def test_the_memory_of_a_job_is_enough_for_every_method_with_its_defaults(services: dict[str, Service]) -> None:
    limit = int(services["worker"].environment["LTP_JOB_MEMORY_MB"])
    for method, recipe in METHODS.items():
        active = 55_000_000 if recipe.needs_ticket else 0
        check_adapter(
            XLMR_BASE, method=method, training=AdapterConfig(), examples=1000, active=active, seeds=1, limit_mb=limit
        )
    for strategy in STRATEGIES:
        check_drift(XLMR_BASE, strategy=strategy, mlm=MLMConfig(), lines=300_000, limit_mb=limit)


def test_what_a_deployer_may_want_to_set_is_passed_on(services: dict[str, Service]) -> None:
    """The rest is of one machine, of the client, or set against each other so that healthy jobs keep their leases."""
    passed = {name for service in services.values() for name in service.environment}
    client = {"LTP_URL", "LTP_API_KEY"}
    place = {"LTP_DATA_DIR", "LTP_WORK_DIR", "LTP_BACKBONE_DIR", "LTP_HOST", "LTP_PORT"}  # the image's
    timing = {"LTP_LEASE_S", "LTP_HEARTBEAT_S", "LTP_SWEEP_S", "LTP_POLL_S"}
    slow = {"LTP_HEADER_TIMEOUT_S", "LTP_UPLOAD_GRACE_S", "LTP_UPLOAD_MIN_KIB_S"}
    assert settings() - passed == client | place | timing | slow


def test_migrations_come_before_whoever_uses_the_tables(services: dict[str, Service]) -> None:
    assert services["migrate"].depends_on == {"postgres": "service_healthy"}
    for name in ("api", "worker", "worker-gpu"):
        assert services[name].depends_on["migrate"] == "service_completed_successfully"
        assert services[name].depends_on["redis"] == "service_started", "Redis may be down at any time"


def test_the_gpu_worker_is_the_worker_on_a_gpu(services: dict[str, Service]) -> None:
    worker, gpu = services["worker"], services["worker-gpu"]
    assert gpu.profiles == ("gpu",)
    assert not worker.profiles
    assert gpu.environment == worker.environment | {"LTP_DEVICE": "cuda"}
    assert (gpu.mounts, gpu.command) == (worker.mounts, worker.command)
    (device,) = document()["services"]["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_the_gpu_profile_serves_on_a_gpu_as_well(services: dict[str, Service]) -> None:
    api, gpu = services["api"], services["api-gpu"]
    assert gpu.profiles == ("gpu",)
    assert gpu.environment == api.environment | {"LTP_DEVICE": "cuda", "LTP_FUSED_MB": ""}
    assert (gpu.mounts, gpu.command, gpu.image) == (api.mounts, api.command, services["worker-gpu"].image)
    described = document()["services"]
    assert described["api-gpu"]["deploy"]["resources"] == described["worker-gpu"]["deploy"]["resources"]
    assert described["api-gpu"]["healthcheck"] == described["api"]["healthcheck"]


@pytest.mark.parametrize(
    ("text", "filled_in"),
    [
        ("a$$b", "a$b"),
        ("${SET}", "value"),
        ("$SET.", "value."),
        ("${UNSET}", ""),
        ("${UNSET:-default value}", "default value"),
        ("${EMPTY:-default}", "default"),
        ("${EMPTY-default}", ""),
        ("${EMPTY?message}", ""),
        ("x${SET:-no}y${SET:?no}", "xvalueyvalue"),
    ],
)
def test_variables_are_filled_in_as_compose_does(text: str, filled_in: str) -> None:
    assert interpolated({"key": [text, 1]}, {"SET": "value", "EMPTY": ""}) == {"key": [filled_in, 1]}


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("1m30s", 90), ("20m", 1200), ("2h", 7200)])
def test_durations(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "1 m", "1.5s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ComposeError, match="no duration"):
        seconds(text)


def test_a_health_check_is_read_in_both_forms(services: dict[str, Service]) -> None:
    assert services["migrate"].health is None
    assert services["redis"].health == HealthCheck(("sh", "-c", "redis-cli ping | grep -qx PONG"), 5, 5, 5, 30)
    assert services["postgres"].health is not None
    assert services["postgres"].health.command[0] == "pg_isready"
