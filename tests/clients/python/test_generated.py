"""What is written by no hand is what `make client` would write now, and every operation of the service has a method."""

from __future__ import annotations

import importlib.util
import inspect
import shutil
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import ltp_client
from app.main import create_app
from app.settings import Settings

ROOT = Path(__file__).parents[3]
PROJECT = ROOT / "clients" / "python"
PACKAGE = PROJECT / "ltp_client"
WRITTEN = {"models.py", "requests.py"} | {f"sync/{path.name}" for path in (PACKAGE / "aio").glob("*.py")}
METHODS = {
    "create_ticket": "tickets.create",
    "list_tickets": "tickets.list",
    "get_ticket": "tickets.get",
    "delete_ticket": "tickets.delete",
    "download_mask": "tickets.save_mask",
    "share_ticket": "tickets.share",
    "list_drifts": "drifts.list",
    "get_drift": "drifts.get",
    "preview_ticket": "drifts.preview",
    "delete_drift": "drifts.delete",
    "compose_adapter": "adapters.compose",
    "create_adapter": "adapters.train",
    "estimate_training": "adapters.estimate",
    "list_answers": "adapters.answers",
    "compare_adapters": "adapters.compare",
    "download_examples": "adapters.save_examples",
    "list_adapters": "adapters.list",
    "get_adapter": "adapters.get",
    "delete_adapter": "adapters.delete",
    "export_adapter": "adapters.export",
    "import_adapter": "adapters.import_file",
    "suggest_pairs": "adapters.suggest",
    "list_languages": "languages.list",
    "set_alias": "languages.set_alias",
    "delete_alias": "languages.delete_alias",
    "adapt_language": "languages.adapt",
    "list_language_deltas": "language_deltas.list",
    "get_language_delta": "language_deltas.get",
    "delete_language_delta": "language_deltas.delete",
    "export_language_delta": "language_deltas.export",
    "check_data": "data.check",
    "predict": "predict",
    "create_prediction": "predictions.submit",
    "list_predictions": "predictions.list",
    "get_prediction": "predictions.get",
    "delete_prediction": "predictions.delete",
    "download_result": "predictions.save",
    "list_jobs": "jobs.list",
    "get_job": "jobs.get",
    "cancel_job": "jobs.cancel",
    "watch_job": "jobs.events",
    "list_workers": "workers.list",
    "create_key": "keys.create",
    "list_keys": "keys.list",
    "revoke_key": "keys.revoke",
    "list_audit_events": "audit.list",
    "create_webhook": "webhooks.create",
    "list_webhooks": "webhooks.list",
    "list_deliveries": "webhooks.deliveries",
    "delete_webhook": "webhooks.delete",
    "readyz": "ready",
    "version": "version",
    "get_backbone": "backbone",
    "get_caller": "caller",
    "get_quota": "quota",
}
"""The method for each operation of the OpenAPI document."""
FOR_MACHINES = {"healthz", "metrics"}
"""What no client asks: a supervisor's probe, and Prometheus."""
NOT_SAID = {"cursor", "format"}
"""Lists are read to their end, as JSON; a file is of the kind that its name says."""
SPELT = {"as": "answered_as"}
"""A field whose name is no name in Python."""
OPTIONS = "options"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    settings = Settings(_env_file=None, data_dir=tmp_path_factory.mktemp("data"), auth="off")
    return create_app(settings).openapi()


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_client", PROJECT / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.process
@pytest.mark.slow
def test_what_is_written_is_what_the_service_says(
    document: dict[str, Any], generator: ModuleType, tmp_path: Path
) -> None:
    copy = tmp_path / "ltp_client"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(copy / "sync")
    written = {str(path.relative_to(copy)) for path in generator.write(document, copy)}
    assert written == WRITTEN
    assert {str(path.relative_to(PACKAGE)) for path in PACKAGE.glob("sync/*.py")} == WRITTEN - {
        "models.py",
        "requests.py",
    }
    differ = [
        name for name in sorted(written) if (copy / name).read_text("utf-8") != (PACKAGE / name).read_text("utf-8")
    ]
    assert not differ, "`make client` writes them"


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["operationId"]: each for methods in document["paths"].values() for each in methods.values()}


def method(operation: str) -> Any:
    found: Any = ltp_client.Client("http://127.0.0.1:1")
    for name in METHODS[operation].split("."):
        found = getattr(found, name)
    return found


def test_every_operation_has_a_method(document: dict[str, Any]) -> None:
    assert set(operations(document)) == set(METHODS) | FOR_MACHINES
    assert all(callable(method(operation)) for operation in METHODS)


@pytest.mark.parametrize("operation", METHODS)
def test_every_field_of_a_request_can_be_given(document: dict[str, Any], operation: str) -> None:
    """As a parameter; or as one of the options, which are typed as the document has them."""
    told = operations(document)[operation]
    parameters = inspect.signature(method(operation)).parameters
    fields = {each["name"] for each in told.get("parameters", ()) if each["in"] == "query"} - NOT_SAID
    for content in told.get("requestBody", {}).get("content", {}).values():
        (name,) = {ref.rpartition("/")[2] for ref in references(content["schema"])} or {""}
        options = getattr(ltp_client.requests, name, None) if OPTIONS in parameters else None
        typed = set() if options is None else set(options.__annotations__)
        fields |= set(document["components"]["schemas"][name]["properties"]) - typed
    missing = {SPELT.get(field, field) for field in fields} - set(parameters)
    assert not missing


def references(schema: dict[str, Any]) -> set[str]:
    """The request's schema: of a multipart body its part `request`."""
    inner = schema.get("properties", {}).get("request", schema)
    return {inner["$ref"]} if "$ref" in inner else {each["$ref"] for each in inner.get("allOf", ())}


def test_it_is_of_the_services_release() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert ltp_client.__version__ == project["version"]


def test_both_clients_have_the_same_methods() -> None:
    with ltp_client.Client("http://127.0.0.1:1") as client:
        asynchronous = ltp_client.AsyncClient("http://127.0.0.1:1")
        for name in {each.partition(".")[0] for each in METHODS.values() if "." in each}:
            both = [vars(type(getattr(each, name))) for each in (client, asynchronous)]
            assert set(both[0]) == set(both[1]), name
