"""The Helm chart, rendered by Helm: sound by its rules and by Kubernetes' schemas, with every option and without."""

from __future__ import annotations

import json
import re
from itertools import chain
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from support import chart_page
from support.chart import CHART, ChartRefused, Rendered, environment, lint, render, render_bare

pytestmark = pytest.mark.process  # Helm runs in one of its own

NOT_KUBERNETES = {"ScaledObject", "TriggerAuthentication", "ServiceMonitor"}
"""Kinds of KEDA and of the Prometheus operator, whose schemas are not among Kubernetes' own."""
RELEASES = ("1.25", "1.31", "1.37")
EVERYTHING: dict[str, Any] = {
    "image": {"pullSecrets": [{"name": "registry"}]},
    "secrets": {"keys": {"databasePassword": "database-password"}},
    "rootPath": "/ltp",
    "extraEnv": [{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}],
    "backbone": {"persistence": {"enabled": True, "storageClass": "shared"}},
    "work": {"persistence": {"enabled": True}},
    "serviceAccount": {"annotations": {"example.org/role": "ltp"}},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "host": "ltp.example",
        "tlsSecret": "ltp-tls",
        "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "1100m"},
    },
    "api": {
        "autoscaling": {"enabled": True},
        "podLabels": {"team": "field"},
        "podAnnotations": {"example.org/note": "yes"},
        "service": {"annotations": {"example.org/lb": "inner"}},
        "nodeSelector": {"disk": "fast"},
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
        ],
    },
    "worker": {"podDisruptionBudget": {"enabled": True}, "podLabels": {"team": "field"}},
    "workers": {
        "all": {"autoscaling": True},
        "gpu": {
            "enabled": True,
            "gpus": 1,
            "runtimeClassName": "nvidia",
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        },
        "tickets": {"enabled": True, "settings": {"LTP_THREADS": "2"}},
        "adapters": {"enabled": True},
        "predictions": {"enabled": True, "autoscaling": True},
        "language-deltas": {"enabled": True},
    },
    "autoscaling": {"source": "hpa-external", "externalMetric": {"matchLabels": {"namespace": "field"}}},
    "networkPolicy": {
        "enabled": True,
        "ingressFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}],
        "egress": [{"ports": [{"port": 5432}, {"port": 6379}, {"port": 443}]}],
    },
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
}
KEDA = {"workers": {"all": {"autoscaling": True}}, "autoscaling": {"source": "keda-postgres"}}
PROMETHEUS = {
    "workers": {"all": {"autoscaling": True}},
    "autoscaling": {"source": "keda-prometheus", "prometheus": {"serverAddress": "http://prometheus:9090"}},
}
CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": EVERYTHING,
    "keda": KEDA,
    "prometheus": PROMETHEUS,
    "little": {
        "migration": {"enabled": False},
        "backbone": {"name": "mini", "prepare": False},
        "serviceAccount": {"create": False},
        "secrets": {"keys": {"redisUrl": ""}},
        "api": {"podDisruptionBudget": {"enabled": False}},
        "workers": {"all": None},
    },
}


@pytest.mark.parametrize("case", CASES)
def test_helm_finds_nothing_to_complain_about(case: str) -> None:
    report = lint(CASES[case])
    assert report["errors"] == []
    assert [each["error"] for each in report["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("case", CASES)
def test_every_object_is_valid_by_the_schemas_of_kubernetes(case: str, release: str) -> None:
    for each in render(CASES[case]).objects:
        if each["kind"] not in NOT_KUBERNETES:
            kubernetes_validate.validate(each, release, strict=True)


def test_what_kubernetes_does_not_know_is_noticed() -> None:
    deployment = json.loads(json.dumps(render().one("Deployment", "api")))
    deployment["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(jsonschema.ValidationError, match="livenesProbe"):
        kubernetes_validate.validate(deployment, RELEASES[-1], strict=True)


def test_the_cases_make_every_kind_of_object_that_a_template_has() -> None:
    written = set(re.findall(r"^kind: (\w+)$", "\n".join(templates().values()), re.MULTILINE))
    assert set(chain.from_iterable(render(case).kinds() for case in CASES.values())) == written


def test_without_options_there_is_what_the_compose_file_has_and_a_budget() -> None:
    assert render().kinds() == {
        "Deployment": 2,
        "Service": 1,
        "Job": 1,
        "ServiceAccount": 1,
        "PodDisruptionBudget": 1,
    }


def test_names_do_not_collide_and_every_selector_finds_its_pods() -> None:
    rendered = render(EVERYTHING)
    names = [(each["kind"], each["metadata"]["name"]) for each in rendered.objects]
    assert len(names) == len(set(names))
    pods = pod_labels(rendered)
    for kind in ("Deployment", "PodDisruptionBudget", "Service"):
        for each in (found for found in rendered.objects if found["kind"] == kind):
            selector = each["spec"]["selector"]
            wanted = selector.get("matchLabels", selector)
            assert len([labels for labels in pods if wanted.items() <= labels.items()]) == 1, each["metadata"]["name"]


def test_the_migration_comes_before_installation_and_upgrade_and_needs_nothing_of_the_chart() -> None:
    job = render(EVERYTHING).one("Job", "migration")
    assert job["metadata"]["annotations"] == {
        "helm.sh/hook": "pre-install,pre-upgrade",
        "helm.sh/hook-weight": "0",
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
    }
    pod = job["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "default"
    assert [set(volume) for volume in pod["volumes"]] == [{"name", "emptyDir"}]


def test_nothing_runs_as_root_or_writes_beside_its_volumes() -> None:
    for name, pod in render(EVERYTHING).pods().items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in chain(pod["containers"], pod.get("initContainers", ())):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted <= {volume["name"] for volume in pod["volumes"]}


def test_a_variable_is_there_once_and_what_is_said_of_less_counts_over_what_is_said_of_more() -> None:
    """A second one of a name is refused where Kubernetes merges what Helm sends."""
    values = {
        "settings": {"api": {"LTP_MAX_TOKENS": "512"}},
        "workers": {"gpu": {"enabled": True, "settings": {"LTP_PRECISION": "bf16", "LTP_LOG_LEVEL": "debug"}}},
        "extraEnv": [{"name": "OTEL_SERVICE_NAME", "value": "judges"}],
    }
    pods = render(values).pods()
    for name, pod in pods.items():
        names = [each["name"] for each in pod["containers"][0]["env"]]
        assert len(names) == len(set(names)), name
        assert environment(pod["containers"][0])["OTEL_SERVICE_NAME"] == "judges"
    api, worker, gpu = (environment(pods[name]["containers"][0]) for name in ("api", "worker-all", "worker-gpu"))
    assert (api["LTP_MAX_TOKENS"], worker["LTP_MAX_TOKENS"]) == ("512", "8192")
    assert (gpu["LTP_PRECISION"], gpu["LTP_LOG_LEVEL"]) == ("bf16", "debug")


def test_secrets_are_named_and_never_given() -> None:
    with pytest.raises(ChartRefused, match=r"secrets\.existingSecret is empty: name the Secret"):
        render_bare()
    for case in CASES.values():
        for pod in render(case).pods().values():
            for container in chain(pod["containers"], pod.get("initContainers", ())):
                for each in container.get("env", ()):
                    if re.search("PASSWORD|KEY$|_URL$|TOKEN$", each["name"]):
                        assert each.keys() == {"name", "valueFrom"}, each["name"]


SECRET = ["LTP_ADMIN_KEY", "LTP_DATABASE_URL", "LTP_REDIS_URL", "LTP_API_KEY", "OTEL_EXPORTER_OTLP_HEADERS"]


@pytest.mark.parametrize("name", SECRET)
def test_a_secret_among_the_settings_is_refused(name: str) -> None:
    with pytest.raises(ChartRefused, match=name):
        render({"settings": {"api": {name: "plain text"}}})


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"replicas": 3}, "replicas"),
        ({"settings": {"api": {"LTP_MAX_PAIRS": 100}}}, "LTP_MAX_PAIRS"),
        ({"workers": {"all": {"queues": ["ticket"]}}}, "workers/all"),
        ({"rootPath": "ltp/"}, "rootPath"),
        ({"api": {"terminationGracePeriodSeconds": 30}}, "is 30, and LTP_DRAIN_S, LTP_GRACE_S and ten seconds .* 45"),
        (
            {"workers": {"all": {"resources": {"limits": {"memory": "8Gi"}}}}},
            "workers all may take 8Gi of memory, but LTP_JOB_MEMORY_MB lets a job take 19456 MiB",
        ),
        (
            {**PROMETHEUS, "autoscaling": {"source": "keda-prometheus"}},
            r"autoscaling\.prometheus\.serverAddress is empty",
        ),
        ({**KEDA, "secrets": {"keys": {"databasePassword": "p"}}}, "KEDA reads the password from the database's URL"),
        ({"ingress": {"enabled": True, "tlsSecret": "t"}}, r"ingress\.host is empty"),
        ({"settings": {"worker": {"LTP_DEVICE": "cuda"}}}, "LTP_DEVICE"),
        (
            {"workers": {"all": {"settings": {"LTP_JOB_MEMORY_MB": "40000"}}}},
            "workers all may take 20Gi of memory, but LTP_JOB_MEMORY_MB lets a job take 40000 MiB",
        ),
    ],
)
def test_values_that_cannot_be_are_refused_with_a_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ChartRefused, match=sentence):
        render(values)


def test_the_notes_name_a_queue_that_nobody_takes() -> None:
    assert "takes the queue" not in render().notes
    alone = render({"workers": {"all": {"enabled": False}, "tickets": {"enabled": True}}}).notes
    assert re.findall(r"takes the queue (\w+):", alone) == ["adapters", "predictions", "language_deltas"]


def test_the_notes_say_when_nobody_may_be_there_to_send_webhooks() -> None:
    told = {"settings": {"service": {"LTP_WEBHOOK_HOSTS": "hooks.example.org"}}}
    scaled = {"workers": {"all": {"autoscaling": True}}}
    assert "Workers send webhooks" in render({**told, **scaled}).notes
    for enough in (told, {**told, **scaled, "autoscaling": {"minReplicas": 1}}):
        assert "Workers send webhooks" not in render(enough).notes


def test_the_schema_knows_every_value_and_the_page_is_made_from_it() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    leaves = list(chart_page.leaves(schema, values, schema))
    assert not [path for path, default, _ in leaves if default is chart_page.MISSING and "<name>" not in path
                and path != "global"]  # fmt: skip
    assert all(meaning.endswith(".") for _, _, meaning in leaves)
    assert chart_page.PAGE.read_text("utf-8") == chart_page.page(), "run tests/support/chart_page.py"


def test_every_value_is_used() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    text = "\n".join(templates().values())
    unused = [path for path, *_ in chart_page.leaves(schema, values, schema) if path.rpartition(".")[2] not in text]
    assert unused == ["global"]


def pod_labels(rendered: Rendered) -> list[dict[str, str]]:
    """The labels of the pods of everything that runs."""
    running = (each for each in rendered.objects if each["kind"] in {"Deployment", "Job"})
    return [each["spec"]["template"]["metadata"]["labels"] for each in running]


def templates() -> dict[str, str]:
    """The chart's templates by name."""
    return {path.name: path.read_text("utf-8") for path in Path(CHART / "templates").iterdir()}
