"""The Helm chart beside what it runs: the program, its settings, commands and routes, the image, the Compose file."""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from support.chart import CHART, NAMESPACE, RELEASE, environment, render
from support.console_api import document

from app.cli.program import root
from app.jobs.broker import QUEUES
from app.jobs.queue import KINDS
from app.settings import PREFIX, Settings
from app.storage.job_status import UNFINISHED
from app.storage.models import JobRow
from deploy.rehearse.compose import Service, read
from deploy.rehearse.image import last_stage_variables

pytestmark = pytest.mark.process  # Helm runs in one of its own

ROOT = Path(__file__).parents[2]
SECRETS = {"POSTGRES_PASSWORD": "a", "REDIS_PASSWORD": "b", "LTP_ADMIN_KEY": 32 * "c"}
OTHERS = {"postgres", "redis", "api-gpu"}
"""Services of the Compose file that the chart leaves to the cluster, and the API that is `api.device` there."""
TMP = "/tmp"  # noqa: S108  a folder in a container
PODS = {"migrate": "migration", "api": "api", "worker": "worker-all", "worker-gpu": "worker-gpu"}
"""Services of the Compose file, and the pods that are theirs."""
WITH_GPU = {"workers": {"gpu": {"enabled": True}}}


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    return read(ROOT / "docker-compose.yml", SECRETS)


def pods(values: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    return render(values or WITH_GPU).pods()


def container(name: str) -> dict[str, Any]:
    (found,) = pods()[name]["containers"]
    return dict(found)


@cache
def paths() -> Any:
    """The routes of the OpenAPI document."""
    return document()["paths"]


def mebibytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()  # type: ignore[union-attr]
    return int(number) * {"m": 1, "g": 1024, "Mi": 1, "Gi": 1024}[unit]


def test_its_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert chart["appVersion"] == project["version"]
    assert container("api")["image"] == f"ltp:{project['version']}"


def test_it_runs_the_services_of_the_compose_file(services: dict[str, Service]) -> None:
    assert set(services) - OTHERS == set(PODS)
    assert set(pods()) == set(PODS.values())


@pytest.mark.parametrize("service", PODS)
def test_a_service_has_the_image_the_memory_and_the_folders_of_compose(
    service: str, services: dict[str, Service]
) -> None:
    theirs, ours = services[service], container(PODS[service])
    assert ours["image"] == theirs.image
    assert {mount["mountPath"] for mount in ours["volumeMounts"]} == {*theirs.mounts, TMP}
    limits = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"][service]["mem_limit"]
    default = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", limits)
    assert mebibytes(ours["resources"]["limits"]["memory"]) == mebibytes(default)


@pytest.mark.parametrize("service", ["api", "worker", "worker-gpu"])
def test_a_service_has_as_long_to_end_as_in_compose(service: str, services: dict[str, Service]) -> None:
    assert pods()[PODS[service]]["terminationGracePeriodSeconds"] == services[service].stop_grace


@pytest.mark.parametrize("service", PODS)
def test_a_service_has_the_variables_of_compose_with_their_values(service: str, services: dict[str, Service]) -> None:
    """What is empty there stays with the program's default, and is not passed here."""
    theirs = services[service].environment
    full = {"rootPath": "/x", "secrets": {"keys": {"databasePassword": "database-password"}}} | WITH_GPU
    (found,) = pods(full)[PODS[service]]["containers"]
    ours = environment(found)
    assert set(ours) - {"LTP_ROOT_PATH"} == {name for name, value in theirs.items() if value}
    secret = {"LTP_DATABASE_URL", "LTP_REDIS_URL", "LTP_ADMIN_KEY", "PGPASSWORD"}
    assert {name for name, value in ours.items() if value is None} == secret & set(ours)
    plain = {name: value for name, value in ours.items() if value is not None and name != "LTP_ROOT_PATH"}
    assert plain == {name: theirs[name] for name in plain}


def test_every_setting_that_can_be_given_in_compose_can_be_given_here(services: dict[str, Service]) -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))["settings"]
    own = {
        "LTP_DATABASE_URL",
        "LTP_REDIS_URL",
        "LTP_ADMIN_KEY",
        "LTP_BACKBONE",
        "LTP_DEVICE",
        "LTP_AUTH",
        "LTP_ROOT_PATH",
        "OTEL_EXPORTER_OTLP_HEADERS",  # a secret, which comes by extraEnv
        "AWS_ACCESS_KEY_ID",  # secrets, likewise
        "AWS_SECRET_ACCESS_KEY",
    }
    given = {
        name for each in services.values() for name in each.environment if name.startswith((PREFIX, "OTEL_", "AWS_"))
    }
    assert set(chain.from_iterable(values.values())) == given - own


def test_its_variables_are_settings_that_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    secret = {
        "LTP_DATABASE_URL": "postgresql://ltp:a@postgres.example/ltp",
        "LTP_REDIS_URL": "redis://:b@redis.example:6379/0",
        "LTP_ADMIN_KEY": 32 * "c",
    }
    for pod in pods({"rootPath": "/ltp"} | WITH_GPU).values():
        ours = {name: value for name, value in environment(pod["containers"][0]).items() if name.startswith(PREFIX)}
        given = {name: value or secret[name] for name, value in ours.items()}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in given.items():
                patch.setenv(name, value)
            accepted = Settings(_env_file=None)  # type: ignore[call-arg]
        assert accepted.model_fields_set == {name.removeprefix(PREFIX).lower() for name in given}


def test_its_commands_are_commands_of_the_program() -> None:
    program: Any = typer.main.get_command(root)
    found = [each for pod in pods().values() for each in chain(pod["containers"], pod.get("initContainers", ()))]
    commands = {tuple(each["command"][:2]): each["command"] for each in found}
    assert set(commands) == {("ltp", "api"), ("ltp", "worker"), ("ltp", "migrate"), ("ltp", "backbone")}
    assert {words[1] for words in commands} <= set(program.commands)
    assert commands["ltp", "backbone"][2] in program.commands["backbone"].commands
    assert commands["ltp", "worker"][2] in program.commands["worker"].params[0].opts


def test_its_queues_are_those_of_the_program() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    assert values["workers"]["all"]["queues"] == values["workers"]["gpu"]["queues"] == list(QUEUES)
    apart = {name: group["queues"] for name, group in values["workers"].items() if name not in {"all", "gpu"}}
    assert apart == {queue.replace("_", "-"): [queue] for queue in QUEUES}
    words = container("worker-all")["command"]
    assert words[words.index("--queues") + 1].split(",") == list(QUEUES)
    queueless = render({"workers": {"all": {"enabled": False}}}).notes
    assert re.findall(r"takes the queue (\w+):", queueless) == list(QUEUES)


def test_its_probes_ask_routes_that_are_open_on_the_images_port() -> None:
    api = container("api")
    (port,) = api["ports"]
    assert str(port["containerPort"]) == last_stage_variables(ROOT / "Dockerfile")["LTP_PORT"]
    routes = paths()
    probes = {name: api[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert all(probe["port"] == port["name"] for probe in probes.values())
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    for probe in probes.values():
        assert not routes[probe["path"]]["get"].get("security"), "a probe has no key"


def test_the_ingress_and_the_service_reach_the_api_at_its_path() -> None:
    rendered = render({"rootPath": "/ltp", "ingress": {"enabled": True}})
    (rule,) = rendered.one("Ingress", "api")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["path"] == environment(rendered.pods()["api"]["containers"][0])["LTP_ROOT_PATH"] == "/ltp"
    service = rendered.one("Service", path["backend"]["service"]["name"].removeprefix(f"{RELEASE}-ltp-"))
    assert path["backend"]["service"]["port"]["name"] == service["spec"]["ports"][0]["name"]
    assert service["spec"]["ports"][0]["targetPort"] == rendered.pods()["api"]["containers"][0]["ports"][0]["name"]


def test_a_worker_on_a_gpu_gets_one_and_the_image_that_can_use_it() -> None:
    worker, gpu = container("worker-all"), container("worker-gpu")
    assert gpu["resources"]["limits"] == worker["resources"]["limits"] | {"nvidia.com/gpu": 1}
    assert gpu["image"] == worker["image"] + "-cuda"
    assert environment(gpu) == environment(worker) | {"LTP_DEVICE": "cuda"}


def test_an_api_on_a_gpu_gets_one_and_the_image_that_can_use_it() -> None:
    plain = container("api")
    rendered = render(
        {"api": {"device": "cuda", "runtimeClassName": "nvidia"}, "settings": {"api": {"LTP_FUSED_MB": ""}}}
    )
    pod = rendered.pods()["api"]
    (gpu,) = pod["containers"]
    assert gpu["resources"]["limits"] == plain["resources"]["limits"] | {"nvidia.com/gpu": 1}
    assert {each["image"] for each in [gpu, *pod["initContainers"]]} == {plain["image"] + "-cuda"}
    without = {name: value for name, value in environment(plain).items() if name != "LTP_FUSED_MB"}
    assert environment(gpu) == without | {"LTP_DEVICE": "cuda"}
    assert pod["runtimeClassName"] == "nvidia"


def test_keda_asks_the_database_for_the_jobs_of_the_groups_queues() -> None:
    group = {"workers": {"predictions": {"enabled": True, "autoscaling": True}}}
    rendered = render(group)
    assert "replicas" not in rendered.one("Deployment", "worker-predictions")["spec"]
    spec = rendered.one("ScaledObject", "worker-predictions")["spec"]
    assert spec == {
        "scaleTargetRef": {"name": f"{RELEASE}-ltp-worker-predictions"},
        "pollingInterval": 15,
        "cooldownPeriod": 600,
        "minReplicaCount": 0,
        "maxReplicaCount": 4,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}}}},
        "triggers": [
            {
                "type": "postgresql",
                "metadata": {
                    "query": "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running') "
                    "AND kind IN ('prediction')",
                    "targetQueryValue": "1",
                },
                "authenticationRef": {"name": f"{RELEASE}-ltp-database"},
            }
        ],
    }
    assert (JobRow.__tablename__, UNFINISHED) == ("jobs", ("queued", "running"))
    assert {"status", "kind"} <= set(JobRow.__table__.columns.keys())
    authentication = rendered.one("TriggerAuthentication", "database")["spec"]
    assert authentication == {
        "secretTargetRef": [{"parameter": "connection", "name": "ltp-secrets", "key": "database-url"}]
    }


def test_keda_asks_prometheus_for_a_figure_of_the_service() -> None:
    address = "http://prometheus:9090"
    scaling = {"source": "keda-prometheus", "prometheus": {"serverAddress": address}}
    rendered = render({"workers": {"all": {"autoscaling": True}}, "autoscaling": scaling})
    (trigger,) = rendered.one("ScaledObject", "worker-all")["spec"]["triggers"]
    kinds = "|".join(KINDS)
    figure = f'ltp_jobs{{namespace="{NAMESPACE}",kind=~"{kinds}",status=~"{"|".join(UNFINISHED)}"}}'
    assert trigger == {
        "type": "prometheus",
        "metadata": {
            "serverAddress": address,
            "query": f"sum(max by (kind, status) ({figure}))",
            "threshold": "1",
            "ignoreNullValues": "false",
        },
    }


def test_a_plain_autoscaler_asks_for_the_same_figure() -> None:
    rendered = render({"workers": {"all": {"autoscaling": True}}, "autoscaling": {"source": "hpa-external"}})
    spec = rendered.one("HorizontalPodAutoscaler", "worker-all")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 4)
    (metric,) = spec["metrics"]
    assert metric["external"]["metric"] == {
        "name": "ltp_jobs",
        "selector": {
            "matchExpressions": [
                {"key": "kind", "operator": "In", "values": list(KINDS)},
                {"key": "status", "operator": "In", "values": list(UNFINISHED)},
            ]
        },
    }


def test_prometheus_scrapes_the_services_figures_with_a_key() -> None:
    spec = render({"serviceMonitor": {"enabled": True}}).one("ServiceMonitor", "api")["spec"]
    assert spec["endpoints"] == [
        {
            "port": "http",
            "path": "/metrics",
            "interval": "30s",
            "authorization": {"type": "Bearer", "credentials": {"name": "ltp-secrets", "key": "metrics-key"}},
        }
    ]
    assert paths()["/metrics"]["get"]["security"] == [{"bearer": []}]
    service = render().one("Service", "api")
    assert spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()


def test_nobody_is_let_in_but_to_the_api() -> None:
    rendered = render({"networkPolicy": {"enabled": True}})
    api, rest = (rendered.one("NetworkPolicy", name)["spec"] for name in ("api", "worker"))
    assert api["ingress"] == [{"ports": [{"port": "http"}]}]
    assert rest["ingress"] == []
    chosen = [spec["podSelector"]["matchExpressions"][0] for spec in (api, rest)]
    assert [each["operator"] for each in chosen] == ["In", "NotIn"]
    assert all(each["values"] == ["api"] for each in chosen)
