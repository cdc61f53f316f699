"""The notebooks of examples/, run from their first cell to their last on a service.

`.venv/bin/python tests/support/notebooks.py` starts one on `mini` and writes what each cell gives into them; some ten
minutes on 2 cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples"
ORDER = ("first-classifier", "judging-a-table", "comparing-methods", "label-next")
"""Later ones go on where the first ended."""
LONGEST_CELL_S = 1800


def executed(name: str, url: str) -> NotebookNode:
    """A notebook with its outputs on the service at `url`. Raises CellExecutionError."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"LTP_URL": url, "PYTHONPATH": paths, "PYTHONWARNINGS": "ignore"}
    client = NotebookClient(
        notebook,
        timeout=LONGEST_CELL_S,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(FOLDER)}},
    )
    client.execute(env=environment)
    return notebook


@contextmanager
def service() -> Iterator[str]:
    """`ltp serve` on `mini`, with nothing in it, on a port of its own."""
    from support.servers import free_port

    from ltp_client import Client

    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).with_name("ltp")), "serve", "--data-dir", folder, "--port", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with Client(f"http://127.0.0.1:{port}") as client:
                client.wait_until_up(timeout_s=300)
                yield client.url
        finally:
            process.terminate()
            process.wait(60)


def main() -> None:
    """Write the outputs into the notebooks."""
    with service() as url:
        for name in ORDER:
            nbformat.write(executed(name, url), FOLDER / f"{name}.ipynb")
            sys.stdout.write(f"examples/{name}.ipynb\n")


if __name__ == "__main__":
    sys.path.append(str(ROOT / "tests"))
    main()
