"""The Grafana dashboard asks for figures that /metrics gives, by labels they have, and leaves none out."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.needs import PROCESS, needs
from support.registry_rows import reap
from support.running_service import Service, running, settings_for
from support.servers import sqlite_template

from app import jobs

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "ltp.json").read_text("utf-8"))
SAMPLES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
ADDED = {"job", "instance", "le"}
"""Labels that Prometheus adds to what it scrapes, or a histogram to its buckets."""
NAME = r"(?:ltp|process)_[a-z_]+"


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


@pytest.fixture(scope="module")
@needs(PROCESS)
def exported(tiny_backbone_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, set[str]]]:
    """What /metrics gives once everything has happened: sample names with their labels."""
    directory = tmp_path_factory.mktemp("dashboard")
    settings = settings_for(directory / "data", sqlite_template(directory), tiny_backbone_dir)
    with running(settings) as service:
        service.make_ticket()
        service.train("en")
        pair = {"premise": "the dog runs", "hypothesis": "the dog is red"}
        service.wait_ready()
        assert service.http.post("/predict", json={"lang": "en", "pairs": [pair]}).status_code == 200
        lose_a_job(service)
        yield samples(service.http.get("/metrics").text)


def lose_a_job(service: Service) -> None:
    """Claim a job with a lease that is over at once, and take it back."""
    body = {"corpus": {"texts": ["one sentence .", "another one ."]}}
    assert service.http.post("/tickets", json=body).status_code == 202
    with service.app.state.db.write() as session:
        assert jobs.claim(session, owner="gone", lease_s=-1)
    with service.app.state.db.write() as session:
        jobs.see_worker(session, worker_id="other", host="other", device="cpu", job_id=None)
    assert reap(service.app.state.db)


def samples(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for ending in SAMPLES[family.type]:
            found[family.name + ending] = set()
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_it_is_complete_for_an_import() -> None:
    assert (DASHBOARD["uid"], DASHBOARD["title"]) == ("ltp", "LTP")
    assert DASHBOARD["schemaVersion"] >= 36
    assert "id" not in DASHBOARD  # a dashboard of another Grafana would be overwritten
    first = DASHBOARD["templating"]["list"][0]
    assert (first["name"], first["type"], first["query"]) == ("datasource", "datasource", "prometheus")


def test_every_panel_asks_the_data_source_that_the_reader_chose() -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels():
        assert panel["datasource"] == chosen
        assert panel["targets"]
        assert all(target["datasource"] == chosen for target in panel["targets"])


def test_panels_have_a_number_and_a_place_of_their_own() -> None:
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in itertools.combinations(places, 2):
        side_by_side = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert side_by_side or below, (one, other)


@pytest.mark.parametrize("expression", expressions())
def test_what_it_asks_for_is_exported_by_these_labels(exported: dict[str, set[str]], expression: str) -> None:
    asked = re.findall(rf"({NAME})\{{([^}}]*)\}}", expression)
    assert [name for name, _ in asked] == re.findall(NAME, expression)
    assert asked
    for name, selectors in asked:
        assert name in exported
        known = exported[name] | ADDED
        assert set(re.findall(r"([a-z]+)=", selectors)) <= known, name
        grouped = {label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")}
        assert grouped <= known, name


def test_no_figure_of_the_service_is_left_out(exported: dict[str, set[str]]) -> None:
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(NAME, " ".join(expressions()))}
    given = {
        re.sub(r"_(bucket|count|sum)$", "", name)
        for name in exported
        if name.startswith("ltp_") and not name.endswith("_created")
    }
    assert given <= shown


def test_legends_name_labels_the_query_keeps() -> None:
    for panel in panels():
        for target in panel["targets"]:
            kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", target["expr"])))) | ADDED
            assert set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", ""))) <= kept, panel["title"]
