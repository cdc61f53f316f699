"""Speed side by side with what a user would run instead: `make bench`, or

    python -m bench [--data DATA] [--lines 1,2] [--before COMMIT] [--sft CHECKOUT] [--out bench]

measures the numbered lines and writes `report.md` and `report.json` into `--out`. After each line both are written
anew, with the rows of lines that were not measured now kept. Needs `pip install '.[bench]'` for the peers.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from bench.lines import Options, lines
from bench.report import machine, markdown, merged, rows_of


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with xnli/ and wikitext2/; without it the shipped texts serve")
    parser.add_argument("--lines", default="", help="numbers, e.g. 1,2; all of them when left out")
    parser.add_argument("--before", help="commit, or folder with its tree, that a line compares this one with")
    parser.add_argument("--sft", help="checkout of composable-sft, by which a line checks how it stores what moved")
    parser.add_argument("--out", type=Path, default=Path("bench"))
    arguments = parser.parse_args()
    known = lines()
    wanted = [int(number) for number in arguments.lines.split(",") if number] or [line.number for line in known]
    if unknown := set(wanted) - {line.number for line in known}:
        parser.error(f"there is no line {min(unknown)}; there are {', '.join(str(line.number) for line in known)}")
    facts, began = machine(), time.monotonic()
    where = arguments.out / "report.json"
    for line in known:
        if line.number in wanted:
            print(f"{line.number}. {line.title}", file=sys.stderr, flush=True)
            started = time.monotonic()
            figures = list(line.figures(Options(data=arguments.data, before=arguments.before, sft=arguments.sft)))
            rows = merged(rows_of(where), figures, facts=facts)
            where.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
            text = markdown(rows, {each.number: each.title for each in known})
            where.with_suffix(".md").write_text(text, encoding="utf-8")
            print(f"{line.number}. took {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print(where.with_suffix(".md").read_text(encoding="utf-8"))
    print(f"Done in {(time.monotonic() - began) / 60:.1f} minutes.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
