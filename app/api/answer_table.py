"""An adapter's answers as CSV: for spreadsheets, and to be corrected and trained on again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from app.registry.answers import Answers
from ltp.config import LABEL_SPACES

COLUMNS = ("line", "premise", "hypothesis", "label", "predicted")
AT_ONCE = 500
"""Rows in one chunk."""
MARK = "\ufeff"
"""Tells Excel that it is UTF-8."""


def table(answers: Answers, places: Sequence[int]) -> Iterator[bytes]:
    """Write the answers at these places, chunk by chunk, the header first; a column `lang` where pairs say theirs."""
    labels = LABEL_SPACES[answers.label_space]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write(MARK)
    writer.writerow([*COLUMNS, *labels, *(["lang"] if answers.has_langs else [])])
    for start in range(0, max(1, len(places)), AT_ONCE):
        for answer in map(answers.__getitem__, places[start : start + AT_ONCE]):
            row = [answer.line, answer.premise, answer.hypothesis, answer.label, answer.predicted]
            writer.writerow([*row, *answer.probabilities, *([answer.lang] if answers.has_langs else [])])
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
