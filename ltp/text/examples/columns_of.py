"""Which column of a file holds which part of a pair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from ltp.errors import ExamplesError
from ltp.text.columns import AmbiguousColumns, Role, find_columns
from ltp.text.files.delimited import Delimited
from ltp.text.files.detection import Format
from ltp.text.files.record import Record

_WITHOUT_HEADER: dict[Role, str] = {"premise": "1", "hypothesis": "2", "label": "3"}


class ColumnsOf:
    """The column of each role, by name: one answer for a table, a row's own for JSON."""

    def __init__(self, form: Format, required: Iterable[Role]) -> None:
        """Look at the header. Raises ExamplesError when two columns claim a role or a required one has none."""
        self._table = form if isinstance(form, Delimited) else None
        self._settled: Mapping[Role, str] | None = None
        if self._table is None:
            return
        if self._table.header_row is None:
            self._settled = {role: name for role, name in _WITHOUT_HEADER.items() if name in self._table.keys}
            return
        try:
            found = find_columns(self._table.names)
        except AmbiguousColumns as fault:
            raise ExamplesError(str(fault), line=self._table.first_line, column=1) from fault
        self._settled = {role: self._table.keys[at] for role, at in found.items()}
        for role in required:
            self.require(role)

    def of(self, record: Record) -> Mapping[Role, str]:
        """The name under which the record has each role. Raises ExamplesError."""
        if self._settled is not None:
            return self._settled
        try:
            return _of_keys(tuple(record.fields))
        except AmbiguousColumns as fault:
            raise record.refuse(str(fault), None) from fault

    def require(self, role: Role) -> None:
        """Refuse a table whose header names no column for the role."""
        table = self._table
        if table and table.header_row is not None and self._settled is not None and role not in self._settled:
            names = ", ".join(map(repr, table.names))
            message = f"no column for the {role}; the first row names {names}"
            raise ExamplesError(message, line=table.first_line, column=1)


@lru_cache(maxsize=256)
def _of_keys(keys: tuple[str, ...]) -> Mapping[Role, str]:
    return {role: keys[at] for role, at in find_columns(keys).items()}
