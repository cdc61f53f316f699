"""The notebooks run from their first cell to their last, and what is shown of each cell is what a run gave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from support.cli_process import serving
from support.needs import PROCESS, needs
from support.notebooks import FOLDER, ORDER, executed
from support.running_service import LINES

from ltp_client import Client

OF_A_MACHINE = re.compile(r"/(home|root|tmp|work|Users)/|127\.0\.0\.1:\d|localhost:\d")
SAID = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
@needs(PROCESS)
def service(tiny_backbone_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service without a starter, but with a ticket that adapters train on."""
    with serving("serve", backbone=tiny_backbone_dir, data=tmp_path_factory.mktemp("service") / "data") as url:
        with Client(url) as client:
            client.tickets.create(LINES, active_ratio=0.3, mlm={"epochs": 1, "batch_size": 8}).wait()
        yield url


def cells(name: str) -> list[Any]:
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.slow
def test_they_run_one_after_the_other(service: str) -> None:
    for name in ORDER:
        executed(name, service)


def test_all_of_them_are_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_what_is_shown_is_of_one_run_without_a_fault_and_names_no_machine(name: str) -> None:
    assert [cell.execution_count for cell in cells(name)] == list(range(1, len(cells(name)) + 1))
    outputs = [output for cell in cells(name) for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert len(outputs) >= 3
    for output in outputs:
        shown = output.get("text") or output.get("data", {}).get("text/plain", "")
        assert not OF_A_MACHINE.search(shown.replace(SAID, ""))
