"""`ltp adapter export` and `push`: whole models in folders, and in a repository of a hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cli_process import Done
from support.fake_hub import Hub, fake_hub
from support.needs import PROCESS, needs

from app.cli import exports
from app.cli.failure import Failure

Run = Callable[..., Done]
FILES = ["README.md", "answer.py", "config.json", "model.safetensors", "nli.json", "tokenizer.json"]


@pytest.fixture
@needs(PROCESS)
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub that a token is set for."""
    with fake_hub() as serving:
        monkeypatch.setenv("HF_ENDPOINT", serving.url)
        monkeypatch.setenv("HF_TOKEN", "hf_of_the_test")
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        yield serving


@pytest.mark.slow
def test_a_whole_model_comes_as_a_folder(ltp: Run, adapter: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "model"
    done = ltp("adapter", "export", "en@1", "--format", "hf", "-o", folder, "--json")
    assert done.code == 0, done.err
    assert done.json["files"] == sorted([*FILES, "tokenizer_config.json"])
    assert done.json["files"] == sorted(path.name for path in folder.iterdir())
    assert done.json["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert json.loads((folder / "nli.json").read_text(encoding="utf-8"))["targets"] == ["▁right", "▁maybe", "▁wrong"]
    again = ltp("adapter", "export", "en@1", "--format", "hf", "-o", folder, "--json")
    assert (again.code, again.json["error"]) == (1, "not_empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"], "nothing half made is left beside it"


def test_what_peft_cannot_hold_is_refused_with_the_reason(ltp: Run) -> None:
    done = ltp("adapter", "export", "en", "--format", "peft", "--json")
    assert (done.code, done.json["error"]) == (1, "not_exportable")
    assert "SHiRA" in done.json["detail"]
    assert "--format hf" in done.json["detail"]


@pytest.mark.slow
def test_an_adapter_is_pushed_to_a_hub_whole_or_not_at_all(
    ltp: Run, adapter: dict[str, Any], hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    hub.full = True
    refused = ltp("adapter", "push", "en@1", "someone/nli-en", "--private", "--json")
    assert (refused.code, refused.json["error"]) == (1, "hub_refused")
    assert "your storage is full" in refused.json["detail"]
    assert hub.files == {"someone/nli-en": {}}
    assert list((tmp_path / "temporary").glob("ltp-*")) == []

    hub.full = False
    hub.files["someone/nli-en"] = {"nli.json": b"{}", "model.onnx": b"of a version before", "notes.txt": b"mine"}
    done = ltp("adapter", "push", "en@1", "someone/nli-en", "--private", "--json")
    assert done.code == 0, done.err
    assert done.json["url"] == f"{hub.url}/someone/nli-en"
    pushed = hub.files["someone/nli-en"]
    assert set(pushed) == {*FILES, "tokenizer_config.json", "notes.txt"}
    assert sum(len(content) for content in pushed.values()) >= done.json["bytes"]
    assert hub.private == {"someone/nli-en": True}
    assert hub.tokens == {"Bearer hf_of_the_test"}


def test_what_a_hub_will_not_take_is_refused_before_it_is_made(
    ltp: Run, adapter: dict[str, Any], hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    nameless = ltp("adapter", "push", "en@1", "model", "--json")
    assert (nameless.code, nameless.json["error"]) == (1, "invalid_repository")
    hub.files["someone/nli-en"], hub.private["someone/nli-en"] = {}, False
    public = ltp("adapter", "push", "en@1", "someone/nli-en", "--private", "--json")
    assert (public.code, public.json["error"]) == (1, "repository_is_public")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    absent = ltp("adapter", "push", "en@1", "someone/nli-en", "--json")
    assert (absent.code, absent.json["error"]) == (1, "hub_refused")
    monkeypatch.delenv("HF_TOKEN")
    done = ltp("adapter", "push", "en@1", "someone/nli-en", "--json")
    assert (done.code, done.json["error"]) == (1, "no_hub_token")
    assert "HF_TOKEN" in done.json["detail"]
    assert hub.files == {"someone/nli-en": {}}


def test_what_is_no_archive_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    """As of a service that does not know the format, and sends its only one."""
    (tmp_path / "export.zip").write_bytes(b"a safetensors file")
    with pytest.raises(Failure, match="no whole archive"):
        exports._unpack(tmp_path / "export.zip", tmp_path / "model")
    assert not (tmp_path / "model").exists()
