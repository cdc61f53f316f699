"""The rows of a recipe's sources: read, and known by the premise that all translations of a pair share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ltp.errors import ExamplesError, UnsoundData
from ltp.starter.making.recipe import Recipe, Source, Test
from ltp.tensorfile import file_sha256
from ltp.text.examples import Example, read_examples
from ltp.text.files.record_file import RecordFile

ID = "id"


@dataclass(frozen=True)
class SourceRow:
    """One labelled pair in one language."""

    source: str
    number: int
    """Its place in its file, from 0; the same in every language of a parallel source."""
    premise: str
    """The premise it is known by: its own, or of what is translated the pivot's."""
    example: Example
    """With its language."""


@dataclass
class Sources:
    """The files of a recipe in a folder of data, each read once."""

    data: Path
    recipe: Recipe
    files: dict[str, str] = field(default_factory=dict)
    """What was read: path in the folder, and SHA-256."""

    @cached_property
    def _read(self) -> dict[Path, list[Example]]:
        return {}

    def rows(self, source: Source) -> dict[str, list[SourceRow]]:
        """Every row of a source that has both texts and a label, by language.

        Raises:
            UnsoundData: a file is missing, cannot be read, or is not what the recipe says of it.
        """
        found = {language: self._examples(source, language) for language in source.languages}
        if source.parallel and len({len(examples) for examples in found.values()}) > 1:
            told = ", ".join(f"{language} {len(examples):,}" for language, examples in found.items())
            raise UnsoundData(f"{source.name}: the files should hold the same pairs, and have {told}")
        return {language: self._known(source, language, examples) for language, examples in found.items()}

    def examples(self, test: Test, language: str) -> list[Example]:
        """The pairs of a test file, blank texts and all. Raises UnsoundData."""
        return self._at(self._path(test, language))

    def has(self, test: Test, language: str) -> bool:
        """Whether there is a test file of a language."""
        return any((self.data / name.format(lang=language)).is_file() for name in test.file)

    def premises(self, source: Source) -> set[str]:
        """The premises by which the rows of a source are known."""
        return {row.premise for rows in self.rows(source).values() for row in rows}

    def _known(self, source: Source, language: str, examples: Sequence[Example]) -> list[SourceRow]:
        premises = self._premises(source, language, examples)
        return [
            SourceRow(source.name, number, premise, replace(example, lang=language))
            for number, (premise, example) in enumerate(zip(premises, examples, strict=True))
            if example.label and example.premise.strip() and example.hypothesis.strip()
        ]

    def _premises(self, source: Source, language: str, examples: Sequence[Example]) -> list[str]:
        if source.translates and source.first_id is not None:
            return self._by_id(source, language)
        if not source.pivot:
            return [example.premise_key for example in examples]
        pivot = self._examples(source, source.pivot)
        if len(pivot) != len(examples):
            told = f"{len(examples):,} rows in {language} and {len(pivot):,} in {source.pivot}"
            raise UnsoundData(f"{source.name} has {told}; they should be the same pairs")
        return [example.premise_key for example in pivot]

    def _by_id(self, source: Source, language: str) -> list[str]:
        """The original's premises by the number in the column `id`."""
        original = next(each for each in self.recipe.sources if each.name == source.translates)
        pivot = self._examples(original, str(original.pivot))
        path = self._path(source, language)
        found = []
        for record in RecordFile(path):
            told = str(record.value(ID))
            number = int(told) - int(source.first_id or 0) if told.isdecimal() else -1
            if not 0 <= number < len(pivot):
                raise UnsoundData(f"{path}, line {record.line}: id {told:.40} is no row of {original.name}")
            found.append(pivot[number].premise_key)
        return found

    def _examples(self, source: Source, language: str) -> list[Example]:
        return self._at(self._path(source, language))

    def _at(self, path: Path) -> list[Example]:
        if path not in self._read:
            try:
                self._read[path] = read_examples(path)
            except ExamplesError as error:
                raise UnsoundData(f"{path}: {error}") from error
            self.files[str(path.relative_to(self.data))] = file_sha256(path)
        return self._read[path]

    def _path(self, of: Source | Test, language: str) -> Path:
        names = [name.format(lang=language) for name in of.file]
        if there := [self.data / name for name in names if (self.data / name).is_file()]:
            return there[0]
        raise UnsoundData(f"{self.data} holds no {' or '.join(names)}, which the recipe takes {of.name} from")
