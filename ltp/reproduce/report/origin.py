"""Everything needed to do it again: backbone, data, program, machine and samples."""

from __future__ import annotations

from collections.abc import Iterator

from ltp.reproduce.report import wording
from ltp.reproduce.report.document import Section, Table, TableCell
from ltp.reproduce.report.subject import Subject


def sections(subject: Subject) -> Iterator[Section]:
    """Identity, data and samples."""
    pairs = [[TableCell(name), TableCell(value)] for name, value in _identity(subject)]
    yield Section("To repeat it", [Table(["", ""], pairs, words=2)])
    files = [file.facts() for suite in subject.grid.data.opened for file in suite.files]
    rows = [
        [TableCell(str(file["file"])), TableCell(str(file["sha256"])), *_numbers(file["pairs"], file["premises"])]
        for file in files
    ]
    if rows:
        yield Section("Data", [Table(["file", "SHA-256", "pairs", "premises"], rows, words=2)])
    if subject.grid.draws:
        yield Section("Samples", [_samples(subject)])


def _identity(subject: Subject) -> Iterator[tuple[str, str]]:
    info, identity, machine = subject.backbone, subject.identity, subject.machine
    yield "experiment", subject.experiment.name
    if subject.command:
        yield "command", subject.command
    yield "backbone", f"{info.name}: {info.layers} layers, {info.hidden} hidden, {info.parameters:,} parameters"
    yield "backbone's fingerprint", info.fingerprint
    yield "program", identity.code
    versions = machine.get("versions", {})
    yield "packages", ", ".join(f"{name} {number}" for name, number in versions.items())
    yield "Python", str(machine.get("python", ""))
    memory = machine.get("memory_gb")
    yield (
        "machine",
        f"{machine.get('processor')}, {wording.count(machine.get('cores') or 1, 'core')}"
        + (f", {memory} GB" if memory else ""),
    )
    if workers := machine.get("workers"):
        yield "worked on by", f"{wording.count(len(workers), 'worker')} of {machine['service']}: {', '.join(workers)}"
    else:
        yield "device and threads", f"{machine.get('device', '–')}, {machine.get('threads', '–')}"
    if subject.experiment.settings:
        yield "seeds", ", ".join(map(str, range(subject.experiment.seeds)))
    yield "precision", subject.experiment.precision
    if subject.text:
        yield "unlabelled text", f"{subject.text.name}, SHA-256 {subject.text.sha256}"
    if finished := sorted(record.finished_at for record in subject.done):
        yield "cells finished", f"{finished[0]} to {finished[-1]}"
    yield "wall time of the cells", wording.duration(subject.seconds)
    yield "peak memory", f"{subject.peak_rss_mb:,.0f} MB" if subject.peak_rss_mb else "not measured"


def _numbers(*values: object) -> list[TableCell]:
    return [TableCell(f"{value:,}" if isinstance(value, int) else str(value)) for value in values]


def _samples(subject: Subject) -> Table:
    """Each sample's hash; the rows themselves are in the JSON."""
    rows = [
        [
            TableCell(f"{draw.suite}, {draw.language}"),
            TableCell(draw.sha256),
            *_numbers(draw.shots, draw.seed, len(draw.train), len(draw.dev)),
        ]
        for draw in subject.grid.draws
    ]
    columns = ["drawn from", "SHA-256", "K", "seed", "training", "development"]
    return Table(columns, rows, "Their rows are in the JSON beside this report.", words=2)
