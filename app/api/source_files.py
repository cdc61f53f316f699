"""Sources: files of several languages that one adapter is trained on together, each a part of the multipart body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.api.multipart import Part, invalid_part
from app.api.refusals import refusal, refusing
from app.api.schemas.reading_options import read_options
from app.api.schemas.training import AdapterRequest, SourceFile
from ltp.text.examples import Example, Reading
from ltp.text.examples import read as read_pairs


@dataclass(frozen=True)
class ReadSource:
    """What was read of one source; every example says its language."""

    source: SourceFile
    examples: Sequence[Example]
    reading: Reading

    def counted(self) -> dict[str, Any]:
        """What the adapter keeps of it."""
        return {"lang": self.source.lang, "weight": self.source.weight, "pairs": len(self.examples)}


def read_sources(
    request: AdapterRequest, files: Mapping[str, Part], known: Sequence[str], *, longest: int
) -> list[ReadSource]:
    """Read the sources of a request. `known` are the parts that are no sources.

    Raises:
        InvalidRequest: a part is missing, or no source names it; or a file is no labelled examples.
    """
    sources = request.sources or []
    named = [source.part for source in sources]
    for part in files:
        if part not in known and part not in named:
            expected = ", ".join(map(repr, (*known, *named)))
            raise invalid_part(part, f"there is no part of this name here; expected {expected}, or one in `sources`")
    for place, source in enumerate(sources):
        if source.part not in files or source.part in known:
            message = f"there is no file in a part named {source.part!r}; send it beside the part `request`"
            raise refusal(f"sources.{place}.part", message)
    return [_read(request, source, files[source.part], longest=longest) for source in sources]


def _read(request: AdapterRequest, source: SourceFile, file: Part, *, longest: int) -> ReadSource:
    options = replace(read_options(request, lang=source.lang), label_space=request.label_space)
    named = file.filename or None
    with refusing(source.part):
        examples, reading = read_pairs(file.path, filename=named, options=options, task="train", longest=longest)
    return ReadSource(source, [replace(example, lang=source.lang) for example in examples], reading)
