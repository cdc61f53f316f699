"""The files of one training, read before they travel: every fault is named here, by line and column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli import options
from app.cli.failure import Failure
from app.cli.reading_options import TypedReading

if TYPE_CHECKING:
    from ltp.config import LabelSpace
    from ltp.text.examples import Example, Reading, ReadOptions, Settled, Task
    from ltp.text.examples.findings import Part

PARTS: dict[Part, str] = {"train": "examples", "dev": "dev_examples", "test": "test_examples"}
"""What requests call the parts of a set."""


@dataclass(frozen=True)
class Source:
    """A file of one language among several, and the part that it is sent in."""

    part: str
    lang: str
    path: Path
    weight: float

    def body(self) -> dict[str, Any]:
        """The same as a request says it."""
        return {"part": self.part, "lang": self.lang, "weight": self.weight}


@dataclass(frozen=True)
class ReadSets:
    """What was read of one training's files."""

    examples: Mapping[Part, Sequence[Example]]
    readings: Sequence[tuple[Path, Reading]]
    notes: Sequence[str]

    def sentences(self) -> list[str]:
        """What people should know of the examples, before they are trained on."""
        from ltp.text.examples import examine

        return [*self.notes, *examine(self.examples).sentences()]


@dataclass(frozen=True)
class TrainingSets:
    """The files of a training, and how they are to be read."""

    paths: Mapping[Part, Path]
    typed: TypedReading
    label_space: LabelSpace | None = None
    """The one asked for; None: told from the labels."""
    sources: Sequence[Source] = ()

    def read(self, lang: str) -> ReadSets:
        """Read every file for one language. Raises Failure."""
        from ltp.text.examples import read

        examples: dict[Part, list[Example]] = {}
        readings: dict[Part, Reading] = {}
        for part, path in self.paths.items():
            with options.reading(path):
                task: Task = "train" if part == "train" else "evaluate"
                like = readings.get("train")
                examples[part], readings[part] = read(path, options=self._options(lang), task=task, like=like)
        told = [(self.paths[part], reading) for part, reading in readings.items()]
        for source in self.sources:
            with options.reading(source.path):
                found, reading = read(source.path, options=self._options(source.lang), task="train")
            examples["train"] = [*examples.get("train", ()), *found]
            told.append((source.path, reading))
        settled = self._settled(examples)
        return ReadSets(settled.parts, told, settled.notes)

    def _options(self, lang: str | None = None) -> ReadOptions:
        return replace(self.typed.options(lang), label_space=self.label_space)

    def _settled(self, parts: Mapping[Part, list[Example]]) -> Settled[Part]:
        """Bring the parts into one label space, and see that training has all of its labels."""
        from ltp.text.examples import check_trainable, settle

        with options.reading(self.paths.get("train") or self.sources[0].path):
            settled = settle(parts, self.label_space, train="train")
            check_trainable(settled.parts["train"], settled.label_space)
        return settled

    def files(self) -> dict[str, Path]:
        """The files by the names of the request's parts."""
        return {PARTS[part]: path for part, path in self.paths.items()} | {
            source.part: source.path for source in self.sources
        }

    def languages(self) -> list[str]:
        """The languages of the training file. Raises Failure where there is no column that says."""
        return self._languages("train")

    def of(self, lang: str) -> TrainingSets:
        """The files that hold rows of a language: a set of other languages is no set of this one."""
        from app.registry.language_tags import same_language

        def holds(part: Part) -> bool:
            return part == "train" or same_language(lang) in self._languages(part)

        return replace(self, paths={part: path for part, path in self.paths.items() if holds(part)})

    def _languages(self, part: Part) -> list[str]:
        from app.registry.language_tags import same_language
        from ltp.text.examples import check

        path = self.paths[part]
        with options.reading(path):
            languages = check(path, options=self._options(), task="evaluate").languages
        if not languages:
            raise Failure("invalid_file", f"{path}: no column says its rows' languages; name it with --lang-column")
        return list(dict.fromkeys(map(same_language, languages)))


def said_before(sets: ReadSets) -> Iterator[str]:
    """The readings in short, with what people should look at."""
    from app.cli.reading_table import short_lines

    for path, reading in sets.readings:
        yield f"{path}:"
        yield from (f"  {line}" for line in short_lines(reading.as_dict()))
        yield from (f"  warning: {warning}" for warning in reading.warnings)
