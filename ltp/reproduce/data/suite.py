"""A benchmark's folder: development files to draw shots from, test files to score on, checked against each other.

XNLI's layout is `dev-LL.tsv` and `test-LL.tsv`, AmericasNLI's `dev/LL.tsv` and `test/LL.tsv`, AfriXNLI's the same
with `.csv`; a user's own folder may have any of them. Rows are parallel across languages where both have them: the same
id carries the same label. Only what an experiment needs is read, and what is read is named with its SHA-256.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Literal

from ltp.errors import UnsoundData
from ltp.reproduce.data.rows import LabelledFile, read_rows

Part = Literal["dev", "test"]
PUBLISHED = {"xnli": {"dev": 2490, "test": 5010}}
"""Pairs a language in the benchmark as it was published; a folder that holds fewer is used, and the report says so."""
_LANGUAGE = r"(?P<language>[A-Za-z]{2,8}(?:-[A-Za-z0-9]{2,8})*)"
_FLAT, _NESTED = re.compile(rf"^(?P<part>dev|test)-{_LANGUAGE}\.tsv$"), re.compile(rf"^{_LANGUAGE}\.[ct]sv$")


class Suite:
    """One benchmark in the folder `data`/`name`."""

    def __init__(self, data: Path, name: str) -> None:
        """List the files. Raises UnsoundData when there is no such folder, or nothing of either layout in it."""
        self.name, self._folder = name, data / name
        if not self._folder.is_dir():
            raise UnsoundData(f"{data} holds no folder {name!r}")
        self._paths: dict[Part, dict[str, Path]] = {"dev": {}, "test": {}}
        for path in sorted(self._folder.iterdir()):
            if match := _FLAT.match(path.name):
                self._paths["test" if match["part"] == "test" else "dev"][match["language"]] = path
        self.flat = any(self._paths.values())
        if not self.flat:
            for part, paths in self._paths.items():
                nested = sorted((self._folder / part).glob("*.[ct]sv"))
                paths |= {match["language"]: path for path in nested if (match := _NESTED.match(path.name))}
        if not any(self._paths.values()):
            raise UnsoundData(
                f"{self._folder} holds neither dev-LL.tsv and test-LL.tsv nor dev/LL.tsv and test/LL.tsv, or .csv"
            )
        self._read: dict[tuple[Part, str], LabelledFile] = {}

    def languages(self, part: Part) -> list[str]:
        """The languages there is a file of, sorted."""
        return sorted(self._paths[part])

    def file(self, part: Part, language: str) -> LabelledFile:
        """Read a file, once, and compare it with those read before.

        Raises:
            UnsoundData: there is none, it cannot be read, or its rows contradict those of another language.
        """
        key: tuple[Part, str] = (part, language)
        if key not in self._read:
            if language not in self._paths[part]:
                known = ", ".join(self.languages(part)) or "none"
                raise UnsoundData(f"{self.name} has no {part} file of {language!r}; there is {known}")
            path = self._paths[part][language]
            opened = read_rows(path, name=f"{self.name}/{path.relative_to(self._folder)}", language=language)
            self._compare(part, opened)
            self._read[key] = opened
        return self._read[key]

    def _compare(self, part: Part, new: LabelledFile) -> None:
        """Refuse a file whose rows are not those of the part's other languages."""
        for other in (file for (read, _), file in self._read.items() if read == part):
            if self.flat and len(new) != len(other):
                raise UnsoundData(
                    f"{new.name} has {len(new)} rows and {other.name} {len(other)}; their rows must be parallel"
                )
            known = dict(zip(other.ids, other.labels, strict=True))
            for row_id, label in zip(new.ids, new.labels, strict=True):
                if known.get(row_id, label) != label:
                    raise UnsoundData(
                        f"row {row_id} is {label} in {new.name} and {known[row_id]} in {other.name};"
                        " their rows must be parallel"
                    )

    @property
    def files(self) -> list[LabelledFile]:
        """What was read so far, sorted by name."""
        return sorted(self._read.values(), key=lambda file: file.name)

    @property
    def fingerprints(self) -> dict[str, str]:
        """SHA-256 of each file that was read."""
        return {file.name: file.sha256 for file in self.files}

    def notes(self) -> list[str]:
        """What a reader has to know of the files that were read."""
        published = PUBLISHED.get(self.name, {})
        notes = []
        for part, count in published.items():
            sizes = {len(file) for (read, _), file in self._read.items() if read == part}
            if sizes and sizes != {count}:
                held = " or ".join(f"{size:,}" for size in sorted(sizes))
                notes.append(f"{self.name}: the {part} files hold {held} of the {count:,} pairs that were published.")
        blank = {file.name: file.facts()["blank"] for file in self.files}
        words = "pairs have a blank text; they are scored like every other."
        return notes + [f"{name}: {count} {words}" for name, count in blank.items() if count]


class DataFolder:
    """The folder of benchmarks, each opened when it is first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _suites(self) -> dict[str, Suite]:
        return {}

    def suite(self, name: str) -> Suite:
        """A benchmark by its folder's name. Raises UnsoundData."""
        if name not in self._suites:
            self._suites[name] = Suite(self.path, name)
        return self._suites[name]

    @property
    def opened(self) -> list[Suite]:
        """The benchmarks that were asked for, by name."""
        return [self._suites[name] for name in sorted(self._suites)]

    @property
    def fingerprints(self) -> dict[str, str]:
        """SHA-256 of each file that was read, of every benchmark."""
        return {name: sha256 for suite in self.opened for name, sha256 in suite.fingerprints.items()}
