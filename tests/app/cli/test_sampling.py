"""One sample of a corpus: the service, the command line, `ltp reproduce` and `train_drift` take the same lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from support.benchmarks import write_data
from support.cli_process import Done
from support.running_service import wait_until

from ltp.backbone.load import Backbone
from ltp.config import MLMConfig
from ltp.drift.train import train_drift
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.data.text import read_text
from ltp.reproduce.plan.cell import DriftCell
from ltp.reproduce.run.in_process import InProcessExecutor
from ltp.text.corpus import sha256_of_lines
from ltp.text.sampling import sample_lines

LINES = [
    f"the {who} is {what} in the {where}"
    for who in ("dog", "cat", "man")
    for what in ("red", "old")
    for where in ("house", "field", "road", "school", "market", "river")
]
SIZE = 12


def expected(seed: int) -> str:
    """The hash of the sample that every way has to take."""
    drawn = sample_lines(LINES, SIZE, seed)
    assert len(drawn) == SIZE
    return sha256_of_lines(drawn)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """The lines as a file from a spreadsheet may have them."""
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"\xef\xbb\xbf" + "".join(f"{line} \r\n\r\n" for line in LINES).encode())
    return path


@pytest.mark.parametrize("seed", [0, 5])
def test_the_command_line_takes_it(ltp: Callable[..., Done], service: str, corpus: Path, seed: int) -> None:
    bounds = ["--sample", str(SIZE), "--seed", str(seed), "--epochs", "1", "--ratio", "0.2"]
    made = ltp("ticket", "create", "--corpus", corpus, *bounds, "--json")
    assert made.code == 0, made.err
    drift = httpx.get(f"{service}/drifts/{made.json['ticket']['drift']}", trust_env=False).json()
    assert drift["corpus_sha256"] == expected(seed)


@pytest.mark.parametrize("seed", [0, 5])
def test_the_service_takes_it(service: str, seed: int) -> None:
    with httpx.Client(base_url=service, trust_env=False) as http:
        mlm = {"epochs": 1, "sample": SIZE, "seed": seed}
        accepted = http.post("/tickets", json={"corpus": {"texts": LINES}, "mlm": mlm, "active_ratio": 0.2})
        assert accepted.status_code == 202, accepted.text
        job = accepted.headers["Location"]
        wait_until(lambda: http.get(job).json()["status"] not in {"queued", "running"}, 60)
        assert http.get(job).json()["status"] == "succeeded", http.get(job).text
        ticket = http.get(f"/tickets/{accepted.json()['ticket']['id']}").json()
        assert http.get(f"/drifts/{ticket['drift']}").json()["corpus_sha256"] == expected(seed)


@pytest.mark.parametrize("seed", [0, 5])
def test_train_drift_takes_it(tiny_backbone: Backbone, seed: int) -> None:
    config = MLMConfig(epochs=1, sample=SIZE, seed=seed)
    for lines in (LINES, [f"  {line}\n\n" for line in LINES]):
        drift = train_drift(tiny_backbone, lines, strategy="decoupled", config=config)
        assert drift.report["corpus_sha256"] == expected(seed)


def test_a_reproduction_takes_it(tiny_backbone: Backbone, corpus: Path, tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    text = read_text(data, corpus, sentences=SIZE)
    cell = DriftCell("decoupled", MLMConfig(epochs=1, sample=SIZE), text.sha256)
    executor = InProcessExecutor(tiny_backbone, DataFolder(data), text.sentences, folder=tmp_path / "artefacts")
    assert executor.submit(cell, lambda _: None).result().outcome["corpus_sha256"] == expected(0)
