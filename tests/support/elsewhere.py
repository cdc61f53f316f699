"""Answers of exported folders, in a process that has no `ltp`: whoever gets such a folder has none either."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ASKING = """
import importlib.util, json, sys
sys.modules["ltp"] = sys.modules["app"] = None  # an import of them fails

def answers(folders, pairs):
    answers = {}
    for key, folder in folders.items():
        spec = importlib.util.spec_from_file_location("answer", folder + "/answer.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        answers[key] = [module.probabilities(*pair) for pair in pairs]
    return answers
"""
"""The beginning of a script."""
ASK = ASKING + "json.dump(answers(*json.load(sys.stdin)), sys.stdout)"


def answers_of(
    folders: Mapping[str, Path], pairs: Sequence[tuple[str, str]], *, cwd: Path
) -> dict[str, list[dict[str, float]]]:
    """What `answer.py` in each folder gives for each pair."""
    answers: dict[str, list[dict[str, float]]] = json.loads(outside(ASK, [named(folders), pairs], cwd=cwd))
    return answers


def outside(script: str, given: Any, *, cwd: Path) -> str:
    """Run a script in an isolated process that gets `given` as JSON; return what it prints."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-IB", "-c", script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def named(folders: Mapping[str, Path]) -> dict[str, str]:
    """As a script gets them."""
    return {key: str(folder) for key, folder in folders.items()}


def largest_difference(answers: Sequence[Mapping[str, float]], expected: Sequence[Mapping[Any, float]]) -> float:
    """Between two lists of probabilities by label, which must have the same labels."""
    found = [dict(each) for each in answers]
    assert [each.keys() for each in found] == [each.keys() for each in map(dict, expected)]
    return max(abs(mine[label] - each[label]) for mine, each in zip(found, expected, strict=True) for label in mine)
