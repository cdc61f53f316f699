"""An adapter leaves as a whole model: a zip archive, made once, streamed and removed; or a refusal before it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.elsewhere import answers_of, largest_difference
from support.running_service import Service, refused, wait_until

from app.api import exports
from app.storage.spool import PREFIX, Spool

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(1800)]

PAIRS = [("the dog runs.", "the cat is red"), ("A man reads", "he sees a book?"), ("the Ɛ horse", "x")]


def adapter_of(service: Service, lang: str, version: int) -> dict[str, Any]:
    listed = service.http.get("/adapters", params={"lang": lang}).json()["items"]
    return next(each for each in listed if each["version"] == version)


def judged(service: Service, adapter: str) -> list[dict[str, float]]:
    pairs = [{"premise": premise, "hypothesis": hypothesis} for premise, hypothesis in PAIRS]
    answer = service.http.post("/predict", json={"adapter": adapter, "pairs": pairs})
    return [each["probabilities"] for each in answer.json()["predictions"]]


def unpacked(service: Service, adapter: dict[str, Any], folder: Path, **query: Any) -> tuple[Path, dict[str, str]]:
    response = service.http.get(f"/adapters/{adapter['id']}/export", params=query, timeout=None)
    assert response.status_code == 200, response.text
    zipfile.ZipFile(io.BytesIO(response.content)).extractall(folder)
    (inner,) = folder.iterdir()
    return inner, dict(response.headers)


def on_the_spool(service: Service) -> list[Path]:
    return list(service.settings.spool.glob(f"{PREFIX}*"))


def test_a_checkpoint_of_transformers_answers_as_the_service(trained: Service, tmp_path: Path) -> None:
    adapter = adapter_of(trained, "en", 1)
    folder, headers = unpacked(trained, adapter, tmp_path / "zip", format="hf")
    assert (headers["content-type"], folder.name) == ("application/zip", "en-1-hf")
    assert 'filename="en-1-hf.zip"' in headers["content-disposition"]
    wait_until(lambda: not on_the_spool(trained), 120)
    found = answers_of({"en": folder}, PAIRS, cwd=tmp_path)["en"]
    assert largest_difference(found, judged(trained, adapter["id"])) < 1e-4

    card = (folder / "README.md").read_text(encoding="utf-8")
    whole = trained.http.get(f"/adapters/{adapter['id']}").json()
    low, high = (f"{100 * bound:.1f}" for bound in whole["metrics"]["dev"]["interval"])
    assert f"95 % interval {low} to {high}" in card
    assert whole["examples"]["sha256"] in card
    assert whole["backbone"] in card
    assert card.startswith("---\n")
    assert "language:" in card.partition("\n---\n")[0]


def test_a_graph_in_int8_says_what_that_changes_on_the_development_pairs(trained: Service, tmp_path: Path) -> None:
    adapter = adapter_of(trained, "sw", 1)
    folder, headers = unpacked(trained, adapter, tmp_path / "zip", format="onnx", int8="true")
    assert 'filename="sw-1-onnx-int8.zip"' in headers["content-disposition"]
    told = json.loads((folder / "nli.json").read_text(encoding="utf-8"))
    assert told["int8"]["pairs"] == trained.http.get(f"/adapters/{adapter['id']}").json()["examples"]["dev"]
    found = answers_of({"sw": folder}, PAIRS, cwd=tmp_path)["sw"]
    assert largest_difference(found, judged(trained, adapter["id"])) < 0.1


@pytest.mark.parametrize(
    ("query", "field"),
    [({"format": "peft"}, "format"), ({"format": "hf", "int8": "true"}, ""), ({"form": "hf"}, "form")],
    ids=["a format that is none", "int8 of a checkpoint", "an unknown parameter"],
)
def test_what_cannot_be_asked_for_is_named(trained: Service, query: dict[str, str], field: str) -> None:
    adapter = adapter_of(trained, "en", 1)
    answer = refused(trained.http.get(f"/adapters/{adapter['id']}/export", params=query), 422, "invalid_request")
    assert [fault["path"] for fault in answer["fields"]] == [field]


def test_one_export_is_made_at_a_time(trained: Service) -> None:
    adapter = adapter_of(trained, "en", 1)
    with exports._alone():
        response = trained.http.get(f"/adapters/{adapter['id']}/export", params={"format": "hf"})
    refused(response, 503, "export_busy")
    assert int(response.headers["Retry-After"]) > 0
    assert on_the_spool(trained) == []


def test_its_head_is_told_without_making_it(trained: Service) -> None:
    adapter = adapter_of(trained, "en", 1)
    response = trained.http.head(f"/adapters/{adapter['id']}/export", params={"format": "onnx"})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/zip")


@pytest.mark.parametrize("read", [0, 1], ids=["before its first byte", "after it"])
def test_an_archive_that_nobody_reads_on_leaves_nothing(tmp_path: Path, read: int) -> None:
    folder = Spool(tmp_path, most=1 << 20).folder("default")
    (folder.path / "export").mkdir()
    (folder.path / "export" / "model").write_bytes(b"x" * 100)
    pieces = exports.ExportedFolder(folder, folder.path / "export").zipped(name="en")
    for _ in range(read):
        assert next(pieces).startswith(b"PK")
    assert folder.path.is_dir()
    del pieces
    assert not folder.path.exists()


def test_a_process_that_fails_says_why(tmp_path: Path, trained: Service) -> None:
    backbone = trained.app.state.predictor.backbone.info
    (tmp_path / "adapter").write_bytes(b"no adapter")
    order = exports.Order(str(backbone.directory), str(tmp_path / "adapter"), str(tmp_path), "hf")
    with pytest.raises(exports.ltp.CorruptArtifact, match="adapter is not a safetensors file"):
        exports._carry_out(order)
