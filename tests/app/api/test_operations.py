"""Operations: health, readiness, version, backbone, figures, and documentation that needs no internet."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.registry_rows import make_ticket
from support.running_service import Service, refused, running, settings_for, wait_until

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[3]
METHODS_WITH_BODY = {"post", "put"}


def test_importing_the_application_leaves_torch_alone() -> None:
    code = (
        "import sys; from app.main import create_app; from app.settings import Settings; "
        "create_app(Settings(database_url='sqlite:///unused')); "
        "sys.exit(', '.join({'torch', 'transformers', 'tokenizers'} & set(sys.modules)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == 0, result.stderr


def test_health_and_version(shared: Service) -> None:
    assert shared.http.get("/healthz").json() == {"status": "ok"}
    assert set(shared.http.get("/version").json()) == {"version", "api", "python", "code", "packages"}


def test_the_served_backbone_is_described(shared: Service) -> None:
    body = shared.http.get("/backbone").json()
    assert (body["layers"], body["hidden"], body["max_positions"]) == (2, 32, 512)
    assert re.fullmatch(r"[0-9a-f]{64}", body["fingerprint"])
    shared.wait_ready()
    body = shared.http.get("/backbone").json()
    assert (body["precision"], body["precision_reason"]) == ("fp32", "set by PRECISION")


@pytest.mark.parametrize(
    ("asked", "taken", "because"),
    [("auto", {"fp32", "bf16"}, "bf16"), ("int8", {"int8"}, "whether its int8_agreement passed or not")],
)
def test_the_arithmetic_is_measured_unless_it_is_named(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path, asked: str, taken: set[str], because: str
) -> None:
    with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, precision=asked)) as service:
        service.wait_ready()
        body = service.http.get("/backbone").json()
    assert body["precision"] in taken
    assert because in body["precision_reason"]


def test_the_lag_of_the_event_loop_is_felt_all_the_time(shared: Service) -> None:
    def felt() -> float:
        text = shared.http.get("/metrics").text
        return float(re.findall(r"^ltp_event_loop_lag_seconds_count (\S+)$", text, re.MULTILINE)[0])

    before = felt()
    wait_until(lambda: felt() > before + 3, 20)


def test_a_backbone_that_cannot_be_loaded_is_named_by_readyz(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_bytes((tiny_backbone_dir / "config.json").read_bytes())
    with running(settings_for(tmp_path / "data", migrated_sqlite, broken)) as service:
        assert service.http.get("/healthz").status_code == 200, "the port answers all the same"
        wait_until(lambda: service.app.state.predictor.backbone.state == "failed", 60)
        response = service.http.get("/readyz")
        body = refused(response, 503, "not_ready")
        assert "model.safetensors" in body["detail"]
        assert int(response.headers["Retry-After"]) >= 1
        pairs = [{"premise": "A.", "hypothesis": "B."}]
        refused(service.http.post("/tickets", json={"corpus": {"builtin": "demo"}}), 503, "not_ready")
        refused(service.http.post("/predict", json={"lang": "en", "pairs": pairs}), 404, "no_adapter_for_language")


def test_figures_name_routes_and_no_ids(service: Service) -> None:
    _, _, job = make_ticket(service.app.state.db)
    service.http.get(f"/jobs/{job.id}")
    service.http.get("/nowhere")
    response = service.http.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain")
    assert 'ltp_request_seconds_count{method="GET",route="/jobs/{job_id}",status="200"} 1.0' in response.text
    assert 'route="other",status="404"' in response.text
    assert 'ltp_jobs{kind="ticket",status="queued"} 1.0' in response.text
    assert "ltp_queue_pairs 0.0" in response.text
    assert 'ltp_oldest_queued_job_seconds{kind="ticket"} 0.0\n' not in response.text
    assert "ltp_database_up 1.0" in response.text
    assert job.id not in response.text


def test_figures_of_the_process_are_given_while_the_database_is_down(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> None:
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=2"
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, database_url=nowhere)
    with running(settings) as service:
        service.wait_ready()
        text = service.http.get("/metrics").text
    assert "ltp_database_up 0.0" in text
    assert "ltp_ready 1.0" in text
    assert 'ltp_request_seconds_count{method="GET",route="/readyz"' in text
    assert 'ltp_engine_adapters{cache="fused"} 0.0' in text
    assert "ltp_jobs{" not in text, "what is not known is not made up"


def test_the_documentation_loads_nothing_from_elsewhere(shared: Service) -> None:
    page = shared.http.get("/docs").text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(sources) >= 3
    assert all(source.startswith("/") for source in sources), sources
    for source in sources:
        assert shared.http.get(source).status_code == 200
    assert b"swagger" in shared.http.get("/docs/assets/swagger-ui-bundle.js").content[:200_000].lower()


@pytest.fixture(scope="module")
def schema(shared: Service) -> dict[str, Any]:
    document: dict[str, Any] = shared.http.get("/openapi.json").json()
    return document


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, operation) for path, found in schema["paths"].items() for method, operation in found.items()]


def test_every_operation_is_explained(schema: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(schema)]
    assert len(names) == len(set(names)) >= 30
    for path, method, operation in operations(schema):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        assert operation["tags"], where
        assert {"403", "503"} <= set(operation["responses"]), where
        if operation.get("requestBody"):
            assert {"413", "415", "422"} <= set(operation["responses"]), where
            assert method in METHODS_WITH_BODY
        if "{" in path:
            assert {"404", "422"} & set(operation["responses"]), where
        for status, response in operation["responses"].items():
            assert "X-Request-ID" in response["headers"], where
            if status[0] in "45":
                assert response["content"]["application/json"]["schema"]["$ref"].endswith("/Refusal"), where


def test_every_request_field_is_described_and_bounded(schema: dict[str, Any]) -> None:
    requests = [name for name in schema["components"]["schemas"] if name.endswith(("Request", "Config"))]
    assert {"TicketRequest", "AdapterRequest", "PredictRequest", "MLMConfig", "AdapterConfig"} <= set(requests)
    for name in requests:
        found = schema["components"]["schemas"][name]
        assert found["additionalProperties"] is False, name
        for field, described in found["properties"].items():
            assert described.get("description") or field in ("premise", "hypothesis"), f"{name}.{field}"


def test_defaults_are_those_of_the_method(schema: dict[str, Any]) -> None:
    ticket = schema["components"]["schemas"]["TicketRequest"]["properties"]
    assert (ticket["active_ratio"]["default"], ticket["rule"]["default"], ticket["layers"]["default"]) == (
        0.2, "global", "all"
    )  # fmt: skip
    assert (ticket["active_ratio"]["exclusiveMinimum"], ticket["active_ratio"]["maximum"]) == (0, 1)
    assert schema["components"]["schemas"]["AdapterConfig"]["properties"]["batch_size"]["default"] == 32


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in references(value)]
        return [found for value in node for found in references(value)] if isinstance(node, list) else []

    for reference in set(references(schema)):
        assert reference.removeprefix("#/components/schemas/") in schema["components"]["schemas"], reference
