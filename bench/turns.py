"""Two sides that take turns, each in a process of its own: what one took is held against what the other took just then.

    python -m bench.turns bench.lines.product_share:step '{"stage": "drift"}'

calls `step(stage="drift")` of that module, which yields once when it is ready and then the seconds of a piece of work
each time it is asked. Machines whose speed drifts from minute to minute slow both sides of a turn alike.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

Side = Iterator[float]


def take_turns(first: str, second: str, *, turns: int, warmup: int = 1, **options: Any) -> list[tuple[float, float]]:
    """Seconds of both sides, turn by turn; `warmup` turns before them do not count."""
    with ExitStack() as stack:
        sides = [stack.enter_context(_started(function, options)) for function in (first, second)]
        for side in sides:
            _answer(side)
        taken = []
        for number in range(warmup + turns):
            seconds = tuple(_ask(side) for side in sides)
            print(f"    turn {number}: {seconds[0]:.3f} and {seconds[1]:.3f} s", file=sys.stderr, flush=True)
            taken.append((seconds[0], seconds[1]))
        for side in sides:
            assert side.stdin is not None
            side.stdin.close()
    return taken[warmup:]


def _started(function: str, options: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.turns", function, json.dumps(options)]
    print(f"  {function} {json.dumps(options)}", file=sys.stderr, flush=True)
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ask(side: subprocess.Popen[str]) -> float:
    assert side.stdin is not None
    side.stdin.write("go\n")
    side.stdin.flush()
    return _answer(side)


def _answer(side: subprocess.Popen[str]) -> float:
    assert side.stdout is not None
    line = side.stdout.readline()
    if not line:
        raise RuntimeError(f"the process of {side.args!r} ended before its turn")
    return float(json.loads(line))


def main() -> None:
    """Be one side: a line for each turn."""
    function, options = sys.argv[1:]
    module, name = function.split(":")
    side: Side = getattr(importlib.import_module(module), name)(**json.loads(options))
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever a library prints is no answer
    print(next(side), file=answers, flush=True)
    for _ in sys.stdin:
        print(next(side), file=answers, flush=True)


if __name__ == "__main__":
    main()
