"""What the README shows is run as it stands: its `ltp` commands, its Python, the files and targets it names."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable

from support.cli_process import ROOT, Done

README = (ROOT / "README.md").read_text(encoding="utf-8")
URL = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands(program: str) -> list[list[str]]:
    lines = [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith(f"{program} ")]


def test_every_command_runs_and_then_the_python_does(ltp: Callable[..., Done], service: str) -> None:
    assert len(commands("ltp")) > 5
    for arguments in commands("ltp"):
        done = ltp(*arguments)
        assert done.code == 0, (arguments, done.err)

    (code,) = blocks("python")
    assert URL in code
    done = subprocess.run(
        [sys.executable, "-c", code.replace(URL, service)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("succeeded ")
    assert re.search(r"\[\('\w+', 'es', .*\('\w+', 'sw', ", done.stdout.splitlines()[-1])


def test_every_target_and_file_it_names_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target, *_ in commands("make"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    for path in re.findall(r"\]\((?!https?:)([^)]+)\)", README) + re.findall(r"\bexamples/[\w.-]+", README):
        assert (ROOT / path).is_file(), path
