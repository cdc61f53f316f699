"""Names that only later rows of a file have, where each row has its own: they count as if they stood in the first rows.

A rejected row may be the first that says `answer`, thousands of rows behind those that the columns are told by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ltp.text.columns import find_columns, fold, language_column
from ltp.text.examples.annotations import has_annotators, says_nothing_of_tools, tool_names
from ltp.text.files.record import Record

MOST_LATE = 100
"""Late rows that are kept, each for a name of its own."""
_MOST_KNOWN = 10_000
"""Names that are remembered as known: rows may have an id for a key."""


class LateNames(Exception):
    """A row has a name that may change what the columns are, and was not known when they were told."""


class KnownNames:
    """The names that a file's columns were told by."""

    def __init__(self, head: Iterable[Record]) -> None:
        self.names: set[str] = set()
        for record in head:
            self.names.update(name for name, value in record.fields.items() if not says_nothing_of_tools(name, value))

    def tells_more(self, fields: Mapping[str, Any]) -> bool:
        """Whether a row has a name that counts and is not known; names that do not count are known from then on."""
        for name, value in fields.items():
            if name in self.names or says_nothing_of_tools(name, value):
                continue
            if _counts(name):
                return True
            if len(self.names) < _MOST_KNOWN:
                self.names.add(name)
        return False

    def late(self, records: Iterable[Record]) -> list[Record]:
        """The rows that are the first to have a name that counts."""
        return list(islice(self._late(records), MOST_LATE))

    def _late(self, records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            if not self.names.issuperset(record.fields) and self.tells_more(record.fields):
                self.names.update(record.fields)
                yield record


def _counts(name: str) -> bool:
    """Whether a name may say what a column is, who judged a row, or which tool wrote it."""
    known = tool_names(name) or language_column((name,)) is not None or has_annotators((fold(name),))
    return known or bool(find_columns((name,)))
