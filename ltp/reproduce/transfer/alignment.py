"""Which rows of XNLI's development set AmericasNLI's and AfriXNLI's development sets translate.

A row of AmericasNLI is known by its id, one of AfriXNLI by its English text. Shots that come from XNLI itself are drawn
from these rows alone, so that a starter which never saw them never saw a shot in any language.
"""

from __future__ import annotations

from ltp.errors import UnsoundData
from ltp.reproduce.data.rows import LabelledFile
from ltp.reproduce.data.suite import DataFolder

XNLI, AMERICAS, AFRI = "xnli", "americasnli", "afrixnli"
FIRST_ID = 12450
"""An AmericasNLI development row's id less that is the number of its XNLI row, the first being 1."""
ENGLISH, ENGLISH_AFRI = "en", "eng"


def translated_rows(data: DataFolder) -> frozenset[int]:
    """Ids of the XNLI development rows whose premise stands in a row that one of the two translates.

    Raises:
        UnsoundData: a file is missing, or a row's label is not that of the row it translates.
    """
    english = data.suite(XNLI).file("dev", ENGLISH)
    rows = _of_americas(data, english) | _of_afri(data, english)
    premises = {example.premise_key for row, example in zip(english.ids, english.examples, strict=True) if row in rows}
    pairs = zip(english.ids, english.examples, strict=True)
    return frozenset(row for row, example in pairs if example.premise_key in premises)


def _of_americas(data: DataFolder, english: LabelledFile) -> set[int]:
    suite, known = data.suite(AMERICAS), dict(zip(english.ids, english.labels, strict=True))
    rows = set()
    for language in suite.languages("dev"):
        file = suite.file("dev", language)
        for own, label in zip(file.ids, file.labels, strict=True):
            row = own - FIRST_ID
            if known.get(row) != label:
                raise UnsoundData(f"{file.name}: id {own} is {label}, and row {row} of {english.name} {known.get(row)}")
            rows.add(row)
    return rows


def _of_afri(data: DataFolder, english: LabelledFile) -> set[int]:
    file = data.suite(AFRI).file("dev", ENGLISH_AFRI)
    by_text = {
        (example.premise, example.hypothesis): row for row, example in zip(english.ids, english.examples, strict=True)
    }
    rows = set()
    for number, example in zip(file.ids, file.examples, strict=True):
        row = by_text.get((example.premise, example.hypothesis))
        if row is None:
            raise UnsoundData(f"{file.name}: row {number} is no row of {english.name}; texts must be equal")
        rows.add(row)
    return rows
