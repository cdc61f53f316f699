"""Reading a file of pairs of a gigabyte, and a workbook of 200 MB as CSV, beside pandas.

`rows` is what both sides do: premise, hypothesis and label of every row, one after the other; pandas reads in chunks of
`CHUNK` rows, which takes it the least memory. `reading` is what `ltp data check` does besides: what the labels mean,
what repeats and contradicts itself, what is left out. A workbook is read whole by either, through calamine.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from bench.figure import Figure
from bench.lines import Options
from bench.material import BUILD
from bench.side import Measured, run, timed

NUMBER, TITLE = 13, "Reading files of pairs, beside pandas"
Kind = Literal["jsonl", "csv", "xlsx"]
SIZES: dict[Kind, int] = {"jsonl": 10**9, "csv": 10**9, "xlsx": 2 * 10**8}
"""Bytes of the file; of a workbook, those of the same rows as CSV."""
LIMIT, MEMORY_MB = 1.5, 200
CHUNK = 10_000
RUNS = 3
NAMES = ("premise", "hypothesis", "label")
SYLLABLES = [
    "ka",
    "ri",
    "mbo",
    "ña",
    "tu",
    "le",
    "shi",
    "wà",
    "né",
    "du",
    "fa",
    "zi",
    "ko",
    "pe",
    "ɛ",
    "ŋu",
    "ha",
    "yi",
]


def figures(_: Options) -> Iterator[Figure]:
    """Time and peak memory of each file."""
    for kind in SIZES:
        path = str(material(kind))
        ours, peer = (run(f"bench.lines.reading:{side}", path=path) for side in ("ours", "pandas"))
        named = f"{kind}, {ours.units / 1e6:.2f} million rows"
        yield _time(f"{named}: rows", ours, peer, met=None if kind == "xlsx" else LIMIT)
        yield Figure(
            NUMBER,
            f"{named}: rows, peak memory",
            ours.peak_rss_mb,
            peer.peak_rss_mb,
            "MB",
            ours.peak_rss_mb / peer.peak_rss_mb,
            "reported" if kind == "xlsx" else f"at most {MEMORY_MB} MB",
            kind == "xlsx" or ours.peak_rss_mb <= MEMORY_MB,
        )
        checked = run("bench.lines.reading:reading", path=path)
        yield _time(f"{named}: the whole reading", checked, peer, met=None)


def _time(name: str, ours: Measured, peer: Measured, *, met: float | None) -> Figure:
    detail = {"our_runs": ours.summary(), "peer_runs": peer.summary(), "peer": "pandas"}
    ratio = ours.median / peer.median
    goal = "reported" if met is None else f"at most {met:g}x"
    return Figure(NUMBER, name, ours.median, peer.median, "s", ratio, goal, met is None or ratio <= met, detail)


def ours(path: str) -> Measured:
    """Every row of the file, as the reader streams it."""
    from ltp.text.files.record_file import RecordFile

    count = 0

    def work() -> None:
        nonlocal count
        count = sum(len(row) == len(NAMES) for row in _rows(RecordFile(Path(path))))

    seconds = timed(work, runs=RUNS, warmup=0)
    return Measured(seconds, units=count)


def _rows(file: Any) -> Iterator[tuple[Any, ...]]:
    for record in file:
        yield tuple(record.fields[name] for name in NAMES)


def reading(path: str) -> Measured:
    """What is understood of the file as a whole."""
    from ltp.text.examples import check

    count = 0

    def work() -> None:
        nonlocal count
        count = check(Path(path)).rows

    seconds = timed(work, runs=1, warmup=0)
    return Measured(seconds, units=count)


def pandas(path: str) -> Measured:
    """Every row of the file, by pandas."""
    import pandas as pd

    count = 0

    def frames() -> Iterator[Any]:
        match Path(path).suffix:
            case ".jsonl":
                yield from pd.read_json(path, lines=True, chunksize=CHUNK)
            case ".csv":
                yield from pd.read_csv(path, chunksize=CHUNK)
            case _:
                yield pd.read_excel(path, engine="calamine")

    def work() -> None:
        nonlocal count
        count = sum(len(row) == len(NAMES) for frame in frames() for row in frame.itertuples(index=False, name=None))

    seconds = timed(work, runs=RUNS, warmup=0)
    return Measured(seconds, units=count, detail={"version": pd.__version__})


def material(kind: Kind) -> Path:
    """The file, written once: made-up sentences of usual length, some with commas, quotes and letters beyond ASCII."""
    path = BUILD / "reading" / f"pairs.{kind}"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    if kind == "xlsx":
        _write_workbook(aside)
    else:
        with aside.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            if kind == "csv":
                table.writerow(NAMES)
            for row in _pairs(SIZES[kind]):
                if kind == "csv":
                    table.writerow(row)
                else:
                    file.write(json.dumps(dict(zip(NAMES, row, strict=True)), ensure_ascii=False) + "\n")
    aside.rename(path)
    return path


def _write_workbook(path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("pairs")
    sheet.append(NAMES)
    for row in _pairs(SIZES["xlsx"]):
        sheet.append(row)
    book.save(path)


def _pairs(size: int) -> Iterator[tuple[str, str, str]]:
    rng = random.Random(0)
    written, labels = 0, ("entailment", "neutral", "contradiction")
    while written < size:
        premise = _sentence(rng, 18)
        for label in labels:
            row = (premise, _sentence(rng, 9), label)
            written += sum(len(cell.encode()) for cell in row) + 8
            yield row


def _sentence(rng: random.Random, words: int) -> str:
    made = ["".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(words)]
    if rng.random() < 0.3:
        made[words // 2] += ","
    if rng.random() < 0.1:
        made[0] = f'"{made[0]}"'
    return " ".join(made).capitalize() + "."
