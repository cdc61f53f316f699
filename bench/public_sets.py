"""What the reader makes of public sets of sentence pairs, beside a reading of its own:

    python -m bench.public_sets FOLDER...

Each folder holds a folder a set, as `bench/sources.py` names them; no data comes with the project. Every file is read
as `ltp adapter train FILE --lang LANG` would, then with the options that a person would add, for evaluation, and for
prediction. Writes `bench/public_sets.md`, and fails when a row is lost or a label is another one than the source's.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.errors import InvalidLanguage
from app.registry.language_tags import normalise
from bench.sources import THREE, Source, source_of
from ltp.config import Label
from ltp.errors import LTPError
from ltp.text.examples import (
    Example,
    PairFile,
    Reading,
    ReadOptions,
    check_trainable,
    parse_columns_option,
    parse_labels_option,
    read,
)

REPORT = Path(__file__).with_suffix(".md")
PAGE = """# Public sets

What the reader makes of {files} files of {repositories} repositories: `python -m bench.public_sets FOLDER...`. No data
comes with the project. Rows are counted, and labels and texts compared row by row, by a reading that shares no code
with the product's (`bench/sources.py`).

- {unchanged} files train unchanged (`ltp adapter train FILE --lang LANG`), {helped} with what their refusal names,
  {refused} are refused. All files of {whole} of the {repositories} repositories train unchanged.
- {rows:,} rows in the files, {trained:,} read to train with; {differing:,} labels, texts or rows differ.

Rows are the source's; those read to train with and those left out are together the rows. Evaluation keeps pairs that
stand with different labels, and prediction reads every row.

| file | trains | format | encoding | columns | rows | train | left out | evaluation | prediction | labels | differ |
| --- | --- | --- | --- | --- | ---: | ---: | --- | ---: | ---: | --- | ---: |
{table}

## What is typed besides, and why

{told}

## Sources

| set | repository | licence as its files say |
| --- | --- | --- |
{sources}
"""
Row = tuple[str, str, Label | None]
UNTOUCHED, HELPED, REFUSED = "unchanged", "with options", "refused"


@dataclass
class Outcome:
    """What became of one file."""

    name: str
    source: Source
    how: str
    refusal: str = ""
    """What the file alone is refused with."""
    readings: list[Reading] = field(default_factory=list)
    """One a language."""
    trained: int = 0
    evaluated: int | None = None
    predicted: int | None = None
    rows: int = 0
    """By the independent reading."""
    wrong: int = 0
    """Rows with another label or text than the source has, and rows with a label that evaluation does not read."""


def options_of(text: str, lang: str) -> ReadOptions:
    """What somebody types, as the reader takes it."""
    parser = argparse.ArgumentParser()
    for name in ("--columns", "--labels", "--lang-column", "--conflicts", "--label-space"):
        parser.add_argument(name)
    typed = parser.parse_args(shlex.split(text))
    return ReadOptions(
        columns=parse_columns_option(typed.columns) if typed.columns else {},
        labels=parse_labels_option(typed.labels) if typed.labels else None,
        lang=lang,
        lang_column=typed.lang_column,
        conflicts=typed.conflicts,
        label_space=typed.label_space,
        normalise=_normalised,
    )


def _normalised(tag: str) -> str:
    try:
        return normalise(tag)
    except InvalidLanguage:
        return tag.casefold()


def rows_of(path: Path, source: Source, lang: str | None = None) -> Iterator[Row]:
    """The rows as the source has them; of one language where a column says it."""
    assert source.rows
    premise, hypothesis, label = source.columns
    words = source.words or THREE
    for row in source.rows(path):
        if lang is None or source.language is None or row[source.language] == lang:
            written = str(row.get(label, "")).strip() if label else ""
            lowered = {word.casefold(): meaning for word, meaning in words.items()}
            yield row[premise] or "", row[hypothesis] or "", lowered.get(written.casefold())


def differing(examples: Iterable[Example], rows: Sequence[Row]) -> int:
    """Examples that are not, in the same order, rows of the source with its label."""
    at, wrong = 0, 0
    for example in examples:
        texts = example.premise.strip(), example.hypothesis.strip()
        found = at
        while found < len(rows) and (rows[found][2] is None or _texts(rows[found]) != texts):
            found += 1
        if found == len(rows):
            wrong += 1  # not in the source, or not here
            continue
        wrong += rows[found][2] != example.label
        at = found + 1
    return wrong


def _texts(row: Row) -> tuple[str, str]:
    return row[0].strip(), row[1].strip()


def look_at(path: Path, name: str, source: Source) -> Outcome:
    """Read one file in every way."""
    langs = source.lang.format(stem=path.stem.split("-")[-1]).split()
    outcome = Outcome(name, source, UNTOUCHED, rows=sum(1 for _ in rows_of(path, source)) if source.rows else 0)
    try:
        for lang in langs:
            _train(path, lang, "", outcome)
    except LTPError as error:
        outcome.how, outcome.refusal = HELPED, str(error)
        outcome.readings, outcome.trained, outcome.wrong = [], 0, 0
    if outcome.how == HELPED:
        try:
            for lang in langs:
                _train(path, lang, source.options, outcome)
        except LTPError as error:
            outcome.how = REFUSED
            outcome.readings, outcome.trained = [], 0
            outcome.refusal = str(error)
    typed = source.options if outcome.refusal else ""
    _evaluate(path, langs, typed, outcome)
    _predict(path, langs[0], typed, outcome)
    return outcome


def _train(path: Path, lang: str, typed: str, outcome: Outcome) -> None:
    examples, reading = read(path, options=options_of(typed, lang))
    check_trainable(examples, reading.label_space)
    outcome.readings.append(reading)
    outcome.trained += len(examples)
    if outcome.source.rows:
        rows = list(rows_of(path, outcome.source, lang))
        outcome.wrong += differing(examples, rows) + (reading.read != len(examples))
        outcome.wrong += abs(reading.rows - sum(1 for _ in rows_of(path, outcome.source)))


def _evaluate(path: Path, langs: Sequence[str], typed: str, outcome: Outcome) -> None:
    """Every row that has a label and both texts must be there."""
    total = 0
    for lang in langs:
        try:
            examples, _ = read(path, options=options_of(typed, lang), task="evaluate")
        except LTPError as error:
            outcome.refusal = outcome.refusal or str(error)
            return
        total += len(examples)
        if outcome.source.rows:
            rows = list(rows_of(path, outcome.source, lang))
            scorable = sum(1 for row in rows if all(_texts(row)) and row[2])
            outcome.wrong += differing(examples, rows) + abs(scorable - len(examples))
    outcome.evaluated = total


def _predict(path: Path, lang: str, typed: str, outcome: Outcome) -> None:
    """Every row must be there, with its texts."""
    options = replace(options_of(typed, lang), lang_column=None)
    try:
        found = [
            (pair.premise.strip(), pair.hypothesis.strip())
            for pair in PairFile(path, options=options, allow_blank=True)
        ]
    except LTPError:
        return
    outcome.predicted = len(found)
    if outcome.source.rows:
        expected = list(map(_texts, rows_of(path, outcome.source)))
        outcome.wrong += sum(one != other for one, other in zip(found, expected, strict=False))
        outcome.wrong += abs(len(found) - len(expected))


def files_in(folders: Iterable[Path]) -> Iterator[tuple[Path, str, Source]]:
    """Every file that belongs to a known set, with its name below its folder; each set once."""
    seen = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if path.is_file() and name not in seen and (source := source_of(name)):
                seen.add(name)
                yield path, name, source


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Everything as tables."""
    counts = Counter(outcome.how for outcome in outcomes)
    sets = {outcome.source.repository for outcome in outcomes}
    by_set = {name: {one.how for one in outcomes if one.source.repository == name} for name in sets}
    whole = sum(how == {UNTOUCHED} for how in by_set.values())
    told = [line for one in outcomes if one.refusal for line in _explained(one)]
    licences = dict.fromkeys(
        f"| {one.name.split('/')[0].split('-')[0]} | {one.source.repository} | {one.source.licence} |"
        for one in outcomes
    )
    return PAGE.format(
        files=len(outcomes),
        repositories=len(sets),
        whole=whole,
        unchanged=counts[UNTOUCHED],
        helped=counts[HELPED],
        refused=counts[REFUSED],
        rows=sum(one.rows for one in outcomes),
        trained=sum(one.trained for one in outcomes),
        differing=sum(one.wrong for one in outcomes),
        table="\n".join(map(_line, outcomes)),
        told="\n".join(told),
        sources="\n".join(licences),
    )


def _line(one: Outcome) -> str:
    first = one.readings[0] if one.readings else None
    left: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    for reading in one.readings:
        left.update({each.reason: each.rows for each in reading.left_out if not each.reason.startswith("the language")})
        labels.update(
            {f"{written} → {meant.label}": meant.rows for written, meant in reading.labels.items() if meant.label}
        )
    separator = {"\t": "tab"}.get(first.separator or "", first.separator) if first else ""
    form = f"{first.format}{f' ({separator})' if separator else ''}" if first else ""
    columns = ", ".join(first.columns[role] for role in ("premise", "hypothesis", "label")) if first else ""
    cells = (
        one.name,
        one.how,
        form,
        (first.encoding or "") if first else "",
        columns,
        f"{one.rows:,}" if one.rows else "",
        f"{one.trained:,}" if first else "",
        "; ".join(f"{rows:,}: {reason}" for reason, rows in left.items()),
        "" if one.evaluated is None else f"{one.evaluated:,}",
        "" if one.predicted is None else f"{one.predicted:,}",
        ", ".join(f"{what} {rows:,}" for what, rows in labels.items()),
        f"{one.wrong:,}",
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _explained(one: Outcome) -> Iterator[str]:
    yield f"- **{one.name}** ({one.how}): {one.refusal.replace(chr(10), ' ')}"
    if one.how == HELPED:
        yield f"  Typed: `{one.source.options}`"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    outcomes = []
    for path, name, source in files_in(arguments.folders):
        outcomes.append(look_at(path, name, source))
        one = outcomes[-1]
        print(f"{one.how:12} {name}: {one.rows:,} rows, {one.trained:,} read, {one.wrong:,} differ", flush=True)
    REPORT.write_text(markdown(outcomes), encoding="utf-8")
    return 1 if any(one.wrong for one in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
