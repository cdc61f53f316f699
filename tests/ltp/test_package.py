"""`import ltp`: what one begins with is there by its name, cheap to import, and does what docs/python.md shows."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import ltp

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ltp.__all__)
def test_each_name_is_there_shown_and_described(name: str) -> None:
    assert getattr(ltp, name).__name__ == name
    assert name in dir(ltp)
    assert f"`{name}`" in PAGE


def test_what_is_not_there_is_said_as_python_says_it() -> None:
    with pytest.raises(AttributeError, match="module 'ltp' has no attribute 'train'"):
        _ = ltp.train


@pytest.mark.process
def test_importing_it_and_looking_at_it_loads_no_torch() -> None:
    code = "import sys, ltp; dir(ltp); ltp.AdapterConfig; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_page_runs(
    tiny_backbone_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a tiny backbone, in a folder with the clone's examples."""
    (tmp_path / "build").mkdir()
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert '"mini"' in code
    (tmp_path / "page.py").write_text(code.replace('"mini"', repr(str(tiny_backbone_dir))), encoding="utf-8")
    runpy.run_path(str(tmp_path / "page.py"))
    score, answer = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"0\.\d+ [\[(]0\.\d+, 0\.\d+[\])]", score)
    assert answer.split()[0] in {"entailment", "neutral", "contradiction"}
    assert ltp.Adapter.load(tmp_path / "build" / "sw.safetensors").prompt.shape[0] == 4
    assert ltp.Ticket.load(tmp_path / "build" / "ticket.safetensors").active > 0
