"""Everything needed to repeat the run: backbone, data, program, machine and samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ltp.reproduce.data.draw import FewShotSample
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.report import formats
from ltp.reproduce.report.document import Section, Table, TableCell
from ltp.reproduce.report.report_source import ReportSource

TEXT_FORMS = {0: "0: texts as they are", 1: "1: composed, blanks as one, unknown characters replaced by known ones"}


def sections(source: ReportSource) -> Iterator[Section]:
    """Identity, data and samples."""
    pairs = [[TableCell(name), TableCell(value)] for name, value in _identity(source)]
    yield Section("To repeat it", [Table(["", ""], pairs, words=2)])
    yield from data_and_samples(source.grid.data, source.grid.draws)


def data_and_samples(data: DataFolder, draws: Sequence[FewShotSample]) -> Iterator[Section]:
    """The files that were read, and the samples that were drawn of them."""
    files = [file.facts() for suite in data.opened for file in suite.files]
    rows = [
        [TableCell(str(file["file"])), TableCell(str(file["sha256"])), *_numbers(file["pairs"], file["premises"])]
        for file in files
    ]
    if rows:
        yield Section("Data", [Table(["file", "SHA-256", "pairs", "premises"], rows, words=2)])
    if draws:
        yield Section("Samples", [_samples(draws)])


def _identity(source: ReportSource) -> Iterator[tuple[str, str]]:
    info, identity, machine = source.backbone, source.identity, source.machine
    yield "experiment", source.experiment.name
    if source.command:
        yield "command", source.command
    yield "backbone", f"{info.name}: {info.layers} layers, {info.hidden} hidden, {info.parameters:,} parameters"
    yield "backbone's fingerprint", info.fingerprint
    yield "program", identity.code
    versions = machine.get("versions", {})
    yield "packages", ", ".join(f"{name} {number}" for name, number in versions.items())
    yield "Python", str(machine.get("python", ""))
    memory = machine.get("memory_gb")
    yield (
        "machine",
        f"{machine.get('processor')}, {formats.count(machine.get('cores') or 1, 'core')}"
        + (f", {memory} GB" if memory else ""),
    )
    if workers := machine.get("workers"):
        yield (
            "worked on by",
            f"{formats.count(len(workers), 'worker')} of {machine['service']}: {', '.join(workers)}",
        )
    else:
        yield "device and threads", f"{machine.get('device', '–')}, {machine.get('threads', '–')}"
    if source.experiment.settings:
        yield "seeds", ", ".join(map(str, range(source.experiment.seeds)))
    yield "precision", source.experiment.precision
    yield "text form", TEXT_FORMS[source.experiment.text_form]
    if source.text:
        yield "unlabelled text", f"{source.text.name}, SHA-256 {source.text.sha256}"
    if finished := sorted(record.finished_at for record in source.done):
        yield "cells finished", f"{finished[0]} to {finished[-1]}"
    yield "wall time of the cells", formats.duration(source.seconds)
    yield "peak memory", f"{source.peak_rss_mb:,.0f} MB" if source.peak_rss_mb else "not measured"


def _numbers(*values: object) -> list[TableCell]:
    return [TableCell(f"{value:,}" if isinstance(value, int) else str(value)) for value in values]


def _samples(draws: Sequence[FewShotSample]) -> Table:
    """Each sample's hash; the rows themselves are in the JSON."""
    rows = [
        [
            TableCell(f"{draw.suite}, {draw.language}"),
            TableCell(draw.sha256),
            *_numbers(draw.shots, draw.seed, len(draw.train), len(draw.dev)),
        ]
        for draw in draws
    ]
    columns = ["drawn from", "SHA-256", "K", "seed", "training", "development"]
    return Table(columns, rows, "Their rows are in the JSON beside this report.", words=2)
