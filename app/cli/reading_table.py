"""A reading as people read it: in full, and as the few lines that stand before a training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from app.cli.in_options import in_options
from app.cli.output import key_values, percent, table

if TYPE_CHECKING:
    from rich.console import Console

PARTS = ("premise", "hypothesis", "label", "lang", "adapter")
SEPARATORS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe"}
SHORTENED = 60
"""Characters of a text that are shown."""
_HEADINGS = {"label": "read as", "written": "in the file"}


def print_reading(console: Console, reading: Mapping[str, Any]) -> None:
    """Everything about one file."""
    from rich.markup import escape

    console.print(key_values(lines(reading)))
    if reading["labels"]:
        rows = [(written, label, f"{count:,}") for written, label, count in labels(reading)]
        console.print("", table(("in the file", "read as", "rows"), rows, numeric=1))
    if reading["left_out"]:
        left = [(each["reason"], f"{each['rows']:,}", str(each["first_line"] or "-")) for each in reading["left_out"]]
        console.print("", table(("left out", "rows", "first line"), left, flexible=0, numeric=2))
    if sample := [[short(value) for value in row.values()] for row in reading["sample"]]:
        names = [_HEADINGS.get(name, str(name)) for name in reading["sample"][0]]
        console.print("", table(names, sample, title="the first rows as read"))
    tabled = [each["reason"] for each in reading["left_out"]]
    for note in reading["notes"]:
        if not any(reason in note for reason in tabled):
            console.print(escape(in_options(note)))
    for warning in reading["warnings"]:
        console.print(f"[yellow]warning: {escape(in_options(warning))}[/yellow]")


def short_lines(reading: Mapping[str, Any]) -> Iterator[str]:
    """The reading in a few lines, without its warnings."""
    form = dict(lines(reading))
    yield f"{form['format']}; {form['columns']}" if form.get("columns") else form["format"]
    if reading["labels"]:
        yield "labels: " + ", ".join(f"{written} -> {label} {count:,}" for written, label, count in labels(reading))
        yield from _of_each_number(reading)
    yield f"rows: {form['rows']}"
    yield from map(in_options, reading["notes"])  # what is left out is said there


def _of_each_number(reading: Mapping[str, Any]) -> Iterator[str]:
    """A row for each label that is a number: the row tells people what the number does not."""
    first = {row["written"]: row for row in reversed(reading["sample"]) if row["written"].isdecimal()}
    for written, row in sorted(first.items()):
        premise, hypothesis = short(row["premise"]), short(row["hypothesis"])
        yield f"  {written} read as {row['label']}: {premise} / {hypothesis} (line {row['line']:,})"


def kept_lines(adapter: Mapping[str, Any]) -> Iterator[str]:
    """What an adapter keeps of the readings of its files."""
    for part, reading in _kept(adapter):
        yield f"read for {part}:"
        yield from (f"  {line}" for line in short_lines(reading))


def kept_warnings(adapter: Mapping[str, Any]) -> Iterator[str]:
    """What somebody should have looked at in the files of an adapter."""
    for _, reading in _kept(adapter):
        yield from map(in_options, reading["warnings"])


def _kept(adapter: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if adapter.get("reading"):
        yield "training", adapter["reading"]
    yield from (adapter.get("held_out_readings") or {}).items()


def labels(reading: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Each spelling, what it was read as, and its rows."""
    every = reading["labels"]
    for written in sorted(every, key=int) if all(map(str.isdecimal, every)) else every:
        meant = every[written]
        yield (written or "(empty)"), meant["label"] or "no label: left out", meant["rows"]


def lines(reading: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and values of what is said in one line each."""
    yield "format", _format(reading)
    columns = {part: name for part in PARTS if (name := reading["columns"].get(part))}
    if columns:
        yield "columns", ", ".join(f"{part} = {name}" for part, name in columns.items())
    if reading["label_space"]:
        yield "label space", reading["label_space"].replace("_", "-")
    left = sum(each["rows"] for each in reading["left_out"])
    yield "rows", f"{reading['rows']:,}, read {reading['read']:,}" + (f", left out {left:,}" if left else "")
    for name, words in (
        ("duplicates", "rows repeat an earlier pair"),
        ("conflicts", "pairs have different labels"),
        ("leaks", "pairs also stand in the training set"),
        ("shared_premises", "premises also stand in the training set"),
        ("truncated", "are cut to fit the model"),
    ):
        if reading[name]:
            yield name.replace("_", " "), f"{reading[name]:,} {words}"
    if unknown := reading["unknown"]:
        named = f" ({' '.join(unknown['characters'])})" if unknown["characters"] else ""
        yield (
            "unknown",
            f"{percent(unknown['tokens_share'])} of tokens, {percent(unknown['texts_share'])} of texts{named}",
        )
    if reading["languages"]:
        yield "languages", ", ".join(f"{lang} {count:,}" for lang, count in reading["languages"].items())


def _format(reading: Mapping[str, Any]) -> str:
    told = [reading["format"], *([reading["encoding"]] if reading["encoding"] else [])]
    if reading["compression"]:
        told.append(f"compressed ({reading['compression']})")
    if separator := reading["separator"]:
        told.append(f"separated by {SEPARATORS.get(separator, repr(separator))}")
    if reading["quoting"] is not None:
        told.append("quoted cells" if reading["quoting"] else "no quoted cells")
    return ", ".join(told)


def short(value: object) -> str:
    """A text of a sample on one line, cut."""
    text = " ".join(str("" if value is None else value).split())
    return text if len(text) <= SHORTENED else f"{text[: SHORTENED - 1]}…"
