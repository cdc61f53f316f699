"""XML of textual entailment: the PASCAL challenges (RTE-1 to RTE-7) and ASSIN, `<pair ...><t>..</t><h>..</h></pair>`.

The text is the premise. Nothing outside the file is looked up, and a file that declares entities is refused: they can
unfold without end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NoReturn
from xml.parsers import expat

from ltp.errors import ExamplesError
from ltp.text.files.table import Row, Table

_NAMES = {"t": "premise", "h": "hypothesis", "entailment": "label", "value": "label", "judgment": "label"}
_PIECE = 2**16


def xml_pairs(source: Callable[[], BinaryIO]) -> Table:
    """The table in an XML file. Raises ExamplesError when it holds no pairs or is malformed."""
    keys = tuple(dict.fromkeys(key for _, fields in _rows(source) for key in fields))  # not every pair has every one
    if not keys:
        raise ExamplesError(
            "the XML file holds no <pair> elements, which RTE and ASSIN files have; save the pairs as CSV or JSON lines"
        )
    return Table("xml", "csv", keys, keys, lambda: _rows(source))


def _rows(source: Callable[[], BinaryIO]) -> Iterator[Row]:
    pairs = _Pairs()
    with source() as stream:
        try:
            while piece := stream.read(_PIECE):
                pairs.parser.Parse(piece)
                yield from pairs.take()
            pairs.parser.Parse(b"", True)  # noqa: FBT003  expat knows it by its place alone
        except expat.ExpatError as fault:
            what = f"malformed XML: {expat.errors.messages[fault.code]}"
            raise ExamplesError(what, line=fault.lineno, column=fault.offset + 1) from fault
        yield from pairs.take()


class _Pairs:
    """Gathers the pairs that the parser meets."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._refuse_entity
        self._done: list[Row] = []
        self._pair: dict[str, str] | None = None
        self._line = 0
        self._part: str | None = None
        self._texts: list[str] = []

    def take(self) -> list[Row]:
        """The pairs that are whole by now, once."""
        done, self._done = self._done, []
        return done

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name.lower() == "pair":
            self._pair = {_NAMES.get(key.lower(), key): value for key, value in attributes.items()}
            self._line = self.parser.CurrentLineNumber
        elif self._pair is not None and self._part is None:
            self._part, self._texts = name, []

    def _end(self, name: str) -> None:
        if self._pair is None:
            return
        if name.lower() == "pair":
            self._done.append((self._line, self._pair))
            self._pair = None
        elif name == self._part:
            self._pair[_NAMES.get(name.lower(), name)] = "".join(self._texts).strip()
            self._part = None

    def _text(self, text: str) -> None:
        if self._part is not None:
            self._texts.append(text)

    def _refuse_entity(self, *_: Any) -> NoReturn:
        line, column = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
        raise ExamplesError(
            "the XML file declares entities, which are not read; write them out", line=line, column=column
        )
