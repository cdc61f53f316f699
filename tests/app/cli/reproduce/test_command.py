"""`ltp reproduce`: an experiment from the keyboard, gone on with, and refused where it cannot be meant."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from support.benchmarks import write_data, write_xnli
from support.running_service import Service
from typer.testing import CliRunner

from app import jobs
from app.cli.program import root
from app.cli.progress import progress_display
from app.cli.reproduce.command import carry_out
from ltp.backbone.load import Backbone
from ltp.reproduce.plan import catalogue
from ltp.reproduce.plan.bounds import Bounds
from ltp.reproduce.plan.variant import Variant
from ltp.reproduce.reproduction import plan
from ltp.reproduce.run.in_process import InProcessExecutor

runner = CliRunner()
LEAST = "--shots 2 --seeds 1 --pairs 6 --epochs 1 --rates none --sentences 40 --passes 1"
NOT_HERE = {"figure2a": "--methods ltp@20:tied,ltp@20:lower,ltp@20:upper"}
"""What two layers allow of an experiment on thirds of them."""
SMALL = "--methods pt,ltp@20 --shots 2 --seeds 1 --languages en --pairs 12 --epochs 1 --sentences 40 --passes 1"


@pytest.fixture
def arguments(tiny_backbone_dir: Path, tmp_path: Path) -> list[str]:
    """What every call here names."""
    data = write_data(tmp_path / "data")
    return [
        "--data",
        str(data),
        "--output",
        str(tmp_path / "out"),
        "--backbone",
        str(tiny_backbone_dir),
        *SMALL.split(),
    ]


@pytest.mark.slow
def test_an_experiment_is_run_reported_and_gone_on_with(arguments: list[str], tmp_path: Path) -> None:
    first = runner.invoke(root, ["reproduce", "table1", *arguments, "--rates", "none", "--json"])
    assert first.exit_code == 0, first.output
    said = json.loads(first.stdout)
    assert said["experiment"] == "table1"
    assert said["cells"] == 1 + 1 + 2 + 2
    assert [Path(path).name for path in said["report"]] == ["table1.md", "table1.html", "table1.json"]
    facts = json.loads(Path(said["report"][2]).read_text(encoding="utf-8"))
    assert facts["command"].startswith("ltp reproduce table1 --data ")
    assert (
        "--methods pt,ltp@20 --shots 2 --seeds 1 --languages en --pairs 12 --epochs 1 --rates none" in facts["command"]
    )
    cells = set((tmp_path / "out" / "ledger" / "cells").iterdir())

    more = runner.invoke(root, ["reproduce", "table1", *arguments, "--rates", "none", "--shots", "2,4"])
    assert more.exit_code == 0, more.output
    assert "PT" in more.stdout
    assert "table1.html" in more.stdout
    assert cells < set((tmp_path / "out" / "ledger" / "cells").iterdir())


@pytest.mark.slow
def test_memory_is_trimmed_all_along(tiny_backbone: Backbone, tmp_path: Path) -> None:
    bounds = Bounds(methods=(Variant.parse("pt"), Variant.parse("ltp@20")), shots=(2,), seeds=1, languages=("en",))
    bounds = replace(bounds, pairs=12, epochs=1, sentences=40, passes=1, rates=())
    data = write_data(tmp_path / "data")
    experiment, _ = catalogue.load("table1")
    planned = plan(experiment, bounds, backbone=tiny_backbone.info, data=data, output=tmp_path / "out")
    executor = InProcessExecutor(tiny_backbone, planned.grid.data, planned.sentences, folder=planned.artefacts)
    trimmed: list[float] = []

    with progress_display("reproduce") as shown:
        result = carry_out(planned, executor, shown, command="", trim=lambda: trimmed.append(time.monotonic()))

    assert result["cells"] == 6
    assert len(trimmed) > 6, "oftener than cells are begun"


@pytest.mark.parametrize("name", catalogue.shipped())
@pytest.mark.slow
def test_every_experiment_runs_to_its_report(name: str, arguments: list[str], tmp_path: Path) -> None:
    own = [*arguments[:6], *LEAST.split(), *NOT_HERE.get(name, "").split()]
    write_xnli(tmp_path / "data" / "xnli", test=("en", "sw"))
    done = runner.invoke(root, ["reproduce", name, *own, "--json"])
    assert done.exit_code == 0, done.output
    facts = json.loads((tmp_path / "out" / f"{name}.json").read_text(encoding="utf-8"))
    assert facts["cells"]["done"] == facts["cells"]["total"] == json.loads(done.stdout)["cells"] > 0
    assert "Unfinished" not in (tmp_path / "out" / f"{name}.md").read_text(encoding="utf-8")
    assert list((tmp_path / "out" / "figures" / name).glob("*.svg"))


@pytest.mark.slow
def test_experiments_share_a_folder_and_what_they_have_in_common(arguments: list[str], tmp_path: Path) -> None:
    cells = tmp_path / "out" / "ledger" / "cells"
    for name, bounds in (("table1", []), ("selection", []), ("table1", ["--epochs", "2", "--pairs", "6"])):
        done = runner.invoke(root, ["reproduce", name, *arguments, "--rates", "none", *bounds, "--json"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["cells"] == 6
    assert Counter(path.name.partition("-")[0] for path in cells.glob("*.json")) == {
        "drift": 1,
        "ticket": 1,
        "training": 4,
        "evaluation": 4,
    }
    assert (tmp_path / "out" / "selection.html").is_file()


@pytest.mark.slow
def test_results_on_other_data_are_not_mixed_in(arguments: list[str], tmp_path: Path) -> None:
    assert runner.invoke(root, ["reproduce", "table1", *arguments, "--rates", "none"]).exit_code == 0
    with (tmp_path / "data" / "wikitext2" / "valid.txt").open("a", encoding="utf-8") as text:
        text.write(" One sentence more than there was . \n")

    other = runner.invoke(root, ["reproduce", "table1", *arguments, "--rates", "none"])

    assert other.exit_code == 1
    assert "data unlabelled text wikitext2 was" in other.stderr


def test_layers_that_the_backbone_does_not_have_are_refused_before_any_work(
    arguments: list[str], tmp_path: Path
) -> None:
    refused = runner.invoke(root, ["reproduce", "figure2a", *arguments, "--methods", "ltp@20:middle"])
    assert refused.exit_code == 2
    assert "'middle'" in refused.stderr
    assert "this third is empty" in refused.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--shots", "a few"], 2, "is no list of numbers"),
        (["--methods", "lora"], 1, "'lora' is no method"),
        (["--languages", "xx"], 1, "there is no such language in it"),
        (["--shots", "500"], 1, "500 shots need 500"),
        (["--on-workers", "--threads", "2"], 2, "--threads are the workers' own"),
        (["--url", "http://127.0.0.1:9"], 2, "give --on-workers as well"),
        (["--on-workers", "--url", "http://127.0.0.1:9"], 1, "no service answers at http://127.0.0.1:9"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], options: list[str], code: int, words: str) -> None:
    refused = runner.invoke(root, ["reproduce", "table1", *arguments, *options])

    assert refused.exit_code == code
    assert words in " ".join(refused.stderr.replace("│", " ").split())


def test_work_is_done_by_a_services_workers(arguments: list[str], service: str) -> None:
    on = ["--on-workers", "--url", service, "--methods", "pt", "--rates", "none"]
    served = httpx.get(f"{service}/backbone", trust_env=False).json()["precision"]
    other = {"fp32": "bf16", "bf16": "fp32"}[served]
    refused = runner.invoke(root, ["reproduce", "table1", *arguments, *on, "--precision", other])
    assert f"answers in {served}; this experiment scores in {other}" in " ".join(refused.stderr.split())

    done = runner.invoke(root, ["reproduce", "table1", *arguments, *on, "--precision", served, "--json"])

    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["cells"] == 2
    facts = json.loads(Path(said["report"][2]).read_text(encoding="utf-8"))
    assert "--on-workers --data" in facts["command"]
    assert facts["machine"]["service"] == service
    assert f"worked on by | 1 worker of {service}" in Path(said["report"][0]).read_text(encoding="utf-8")


def test_a_worker_of_another_program_is_told_before_any_work_is_sent(
    arguments: list[str], empty_service: Service
) -> None:
    with empty_service.app.state.db.write() as session:
        jobs.see_worker(session, worker_id="w-2", host="there", device="cpu", job_id=None, code="0.0.1+0123456789ab")
    on = ["--on-workers", "--url", empty_service.url, "--methods", "pt", "--rates", "none", "--precision", "fp32"]
    refused = runner.invoke(root, ["reproduce", "table1", *arguments, *on])
    assert refused.exit_code == 1
    assert "runs other code, 0.0.1+0123456789ab; ours is" in " ".join(refused.stderr.split())
    assert empty_service.http.get("/jobs").json()["items"] == []


def test_languages_without_a_test_file_are_named(arguments: list[str]) -> None:
    done = runner.invoke(root, ["reproduce", "table1", *arguments, "--rates", "none", "--languages", "en,sw,zh"])

    assert done.exit_code == 0, done.output
    assert "zero-shot: no test file of sw, zh" in done.stderr


def test_an_unknown_experiment_names_those_there_are(arguments: list[str]) -> None:
    refused = runner.invoke(root, ["reproduce", "table9", *arguments])

    assert refused.exit_code == 1
    assert "table1, table2, table3" in refused.stderr


def test_help_names_every_experiment() -> None:
    said = " ".join(runner.invoke(root, ["reproduce", "--help"]).stdout.replace("│", " ").split())

    assert all(name in said for name in catalogue.shipped())
