"""Readings of files: taken here, completed by the service where one answers, and compared with each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from app.cli import options
from app.cli.command import Session
from app.cli.failure import Failure
from app.cli.reading_options import TypedReading

if TYPE_CHECKING:
    from ltp.text.examples import Reading
    from ltp.text.examples.reading import Keys

CheckTask = Literal["train", "evaluate", "predict", "corpus"]
UNCOUNTED = "what is cut to fit, and what the vocabulary does not have, was not counted"


@dataclass(frozen=True)
class Checked:
    """One file, and its reading or why there is none."""

    path: Path
    reading: Mapping[str, Any] | None = None
    failure: Failure | None = None
    keys: Keys | None = None
    """Of what was read, to compare files by."""

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        told = self.failure.as_dict() if self.failure else dict(self.reading or {})
        return {"file": str(self.path), **told}


class Checker:
    """Reads files as one command was told to."""

    def __init__(self, session: Session, *, task: CheckTask, lang: str | None, typed: TypedReading) -> None:
        self._session, self.task, self._lang, self._typed = session, task, lang, typed
        self._alone = False
        """The service could not be asked, and that was said."""

    def __call__(self, path: Path) -> Checked:
        """Read one file; a refusal is kept, so that the other files are read too."""
        try:
            with options.reading(path):
                reading = self._here(path)
            return Checked(path, self._served(path) or reading.as_dict(), keys=reading.keys)
        except Failure as failure:
            return Checked(path, failure=failure)

    def _here(self, path: Path) -> Reading:
        from ltp.text.corpus_reading import check_corpus
        from ltp.text.examples import check

        if self.task == "corpus":
            return check_corpus(path, vocabulary=None)
        return check(path, options=self._typed.options(self._lang), task=self.task)

    def _served(self, path: Path) -> dict[str, Any] | None:
        """The service's reading, which knows the backbone's vocabulary; None where it cannot be asked."""
        if self._alone:
            return None
        body = options.without_missing(task=self.task, lang=self._lang) | self._typed.body()
        try:
            return self._session.client.post("/data/check", body, files={"file": path})
        except Failure as failure:
            if failure.code == "invalid_request":
                detail = f"{path}: {failure.detail.removeprefix('file: ')}"
                raise Failure("invalid_file", detail, request_id=failure.request_id) from failure
            self._alone = True
            self._session.output.note(f"{UNCOUNTED}: {failure.detail}")
            return None


def between(checked: Sequence[Checked]) -> list[str]:
    """Sentences about what stands in two of the files."""
    read = [each for each in checked if each.keys is not None]
    return [sentence for first, second in combinations(read, 2) for sentence in _shared(first, second)]


def _shared(first: Checked, second: Checked) -> Iterator[str]:
    import numpy as np

    if first.keys is None or second.keys is None:
        return
    if count := len(np.intersect1d(first.keys.pairs, second.keys.pairs, assume_unique=True)):
        yield f"{count:,} pairs of {second.path} also stand in {first.path}: scores on them say little"
    if count := len(np.intersect1d(first.keys.premises, second.keys.premises, assume_unique=True)):
        yield f"{count:,} premises of {second.path} also stand in {first.path}"
