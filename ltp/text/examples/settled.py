"""What a whole file comes to: what its labels mean, which judgements are read, and the reading that says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.text.examples.judged import CODES, REASONS, WHY, Resolved, resolve
from ltp.text.examples.label_map import LabelMap, settle
from ltp.text.examples.options import Conflicts, ReadOptions
from ltp.text.examples.reading import Keys, LabelReading, LeftOut, Reading, Told
from ltp.text.examples.tally import Tally

_RULES = {
    "drop": "none of their rows is read; --conflicts majority takes the label that most rows have, keep takes all",
    "majority": "the label that most of their rows have is taken, and none where as many have another",
    "keep": "all their rows are read",
}


@dataclass(frozen=True)
class Settled:
    """A file's reading, and its judgements in order: the number of each one's label in CODES; -1 is not read."""

    reading: Reading
    codes: NDArray[np.int8]


def settle_file(tally: Tally, options: ReadOptions, like: Reading | None) -> Settled:
    """Settle what the rows of a file say. Raises ExamplesError where they cannot be told or nothing is left."""
    warnings = [*tally.rows.layout.warnings, *tally.languages.settle()]
    tally.refuse_blanks()
    tally.refuse_empty()
    if tally.task == "predict":
        codes = np.zeros(len(tally.said), np.int8)
        reading = _reading(tally, warnings, resolve(tally.pairs, codes, tally.lines, rule="keep", merged=False))
        return Settled(replace(reading, keys=_keys(tally, codes)), codes)
    rows = np.bincount(np.frombuffer(tally.said, np.int32), minlength=len(tally.spellings))
    labels = _labels(tally, rows.tolist(), options, like)
    of_spelling = [CODES.index(label) if label else -1 for label in _by_number(tally, labels)]
    codes = np.array(of_spelling, np.int8)[np.frombuffer(tally.said, np.int32)]
    rule: Conflicts = options.conflicts or ("drop" if tally.task == "train" else "keep")
    found = resolve(tally.pairs, codes, tally.lines, rule=rule, merged=tally.rows.layout.annotators)
    for one in (*_undecided(tally, labels), *_unread(tally, found)):
        tally.left[one.reason] = one
    codes = np.where(found.why == 0, codes, -1).astype(np.int8)
    if not (codes >= 0).any():
        tally.refuse(tally.left.values())
    warnings += [*labels.warnings, *_conflict_warning(found, rule)]
    reading = _reading(tally, warnings, found, labels)
    return Settled(replace(reading, keys=_keys(tally, codes)), codes)


def _labels(tally: Tally, rows: Sequence[int], options: ReadOptions, like: Reading | None) -> LabelMap:
    for spelling, count in zip(tally.spellings.values(), rows, strict=True):
        spelling.rows = count
    return settle(
        {written: spelling for written, spelling in tally.spellings.items() if spelling.rows},
        column=tally.columns.get("label", "label"),
        said=options.labels,
        known={written: one.label for written, one in like.labels.items()} if like else None,
        space=options.label_space or (like.label_space if like else None),
        scored=tally.rows.layout.score,
        names=tally.rows.source.label_names.get(tally.columns.get("label", ""), ()),
    )


def _by_number(tally: Tally, labels: LabelMap) -> Iterator[Any]:
    return (labels.labels.get(spelling) for spelling in tally.spellings)


def _undecided(tally: Tally, labels: LabelMap) -> Iterator[LeftOut]:
    for written, label in labels.labels.items():
        if label is None:
            spelling = tally.spellings[written]
            yield LeftOut(
                f"{written!r} marks a pair without an agreed label", spelling.rows, spelling.line, "undecided"
            )


def _unread(tally: Tally, found: Resolved) -> Iterator[LeftOut]:
    for why, reason in REASONS.items():
        at = np.flatnonzero(found.why == why)
        if len(at):
            yield LeftOut(reason, len(at), tally.lines[int(at[0])], WHY[why])


def _conflict_warning(found: Resolved, rule: Conflicts) -> Iterator[str]:
    if found.conflicts:
        first = found.disagreements[0]
        where = " and ".join(f"{line:,}" for line in first.lines[:3])
        said = ", ".join(f"{label} {count}" for label, count in first.labels.items())
        pairs = "1 pair stands" if found.conflicts == 1 else f"{found.conflicts:,} pairs stand"
        lines = "line" if len(first.lines) == 1 else "lines"
        told = f"{pairs} with different labels (the first in {lines} {where}: {said}); {_RULES[rule]}"
        yield Told(told, "conflicts")


def _reading(tally: Tally, warnings: list[str], found: Resolved, labels: LabelMap | None = None) -> Reading:
    source, layout = tally.rows.source, tally.rows.layout
    left = sorted(tally.left.values(), key=lambda one: one.first_line)
    means = labels.labels if labels else {}
    written = [f"the text is written in {source.encoding}"] if source.encoding not in {None, "utf-8"} else []
    notes = [*written, *layout.notes, *(labels.notes if labels else ()), *map(_left_out_note, left)]
    if blank := [one for one in left if one.reason.endswith("is blank")]:
        warnings += map(_left_out_note, blank)
        notes = [note for note in notes if note not in warnings]
    return Reading(
        format=source.format.name,
        encoding=source.encoding,
        compression=source.compression,
        separator=source.format.separator,
        quoting=getattr(source.format, "quoted", None),
        columns=layout.columns,
        names=layout.names,
        labels={written: LabelReading(label, tally.spellings[written].rows) for written, label in means.items()},
        label_space=labels.space if labels else None,
        rows=tally.count,
        read=tally.count - sum(one.rows for one in left),
        left_out=left,
        duplicates=found.duplicates,
        conflicts=found.conflicts if labels else 0,
        disagreements=found.disagreements,
        languages=dict(tally.languages.counts),
        notes=notes,
        warnings=warnings,
        sample=list(_sample(tally, labels)),
    )


def _left_out_note(one: LeftOut) -> Told:
    rows = "1 row is" if one.rows == 1 else f"{one.rows:,} rows are"
    return Told(f"{rows} left out: {one.reason} (first in line {one.first_line:,})", "left_out")


def _sample(tally: Tally, labels: LabelMap | None) -> Iterator[dict[str, Any]]:
    written = list(tally.spellings)
    for shown, number in sorted(tally.sample, key=lambda one: int(one[0]["line"])):
        if labels is None:
            yield shown
        elif (spelling := written[number]) in labels.labels:
            yield {**shown, "label": labels.labels[spelling], "written": spelling}


def _keys(tally: Tally, codes: NDArray[np.int8]) -> Keys:
    kept = codes >= 0
    pairs, premises = (np.frombuffer(hashes, np.int64)[kept] for hashes in (tally.pairs, tally.premises))
    return Keys(np.unique(pairs), np.unique(premises))
