"""The languages of a file's rows: which rows are wanted, and files that hold others than somebody thinks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ltp.errors import ExamplesError
from ltp.text.columns import fold
from ltp.text.examples.layout import Layout
from ltp.text.examples.options import ReadOptions, Task
from ltp.text.files.record import Record

MOST_SHOWN = 30


class Languages:
    """What the column of languages says, row by row."""

    def __init__(self, layout: Layout, options: ReadOptions, task: Task) -> None:
        self.column = layout.columns.get("lang") or layout.language
        self.options, self.task = options, task
        self.counts: Counter[str] = Counter()
        self._first: dict[str, int] = {}
        self._wanted = options.normalise(options.lang) if options.lang else None
        self._apart = bool(options.lang_column) and self._wanted is None
        self._unwanted: dict[str, str | None] = {}

    def of(self, record: Record) -> str | None:
        """The row's language, counted; None where nothing says it."""
        if self.column is None:
            return None
        value = record.value(self.column)
        lang = value.strip() if isinstance(value, str) else None
        if not lang:
            return None
        self.counts[lang] += 1
        self._first.setdefault(lang, record.line)
        return lang

    def unwanted(self, lang: str | None) -> str | None:
        """Why a row of this language is not read, or None: with `lang_column` only those of `lang` are."""
        if not self.options.lang_column or self._wanted is None:
            return None
        if lang is None:
            return None if self.task == "predict" else f"the language is not said, and {self.options.lang} is asked for"
        if lang not in self._unwanted:
            other = self.options.normalise(lang) != self._wanted
            self._unwanted[lang] = f"the language is {lang}, not {self.options.lang}" if other else None
        return self._unwanted[lang]

    def apart(self, lang: str | None) -> str | None:
        """What keeps equal pairs of two languages apart where rows of all languages are read."""
        return lang if self._apart else None

    def settle(self) -> Iterator[str]:
        """Yield warnings. Raises ExamplesError for rows of several languages, or of another one than wanted."""
        distinct: dict[str, str] = {}
        for lang in self.counts:
            distinct.setdefault(self.options.normalise(lang), lang)
        if not distinct or self.options.lang_column:
            if self._wanted and distinct and self._wanted not in distinct:
                raise self._refusal(
                    f"no row of the file is in {self.options.lang}; {self._shown()}. Say the language of rows"
                    " that there are with --lang, or write tags (sw, es, quy) into the column"
                )
            return
        routed = self.column is not None and fold(self.column) == "lang"
        if len(distinct) > 1:
            yield from self._several(routed)
        elif self._wanted and self._wanted not in distinct:
            message = f"the file's rows are in {next(iter(self.counts))}, as {self.column!r} says"
            if routed and self.task != "predict":
                raise self._refusal(f"{message}, not in {self.options.lang}")
            if not routed:
                yield f"{message}; they are read as {self.options.lang}"

    def _several(self, routed: bool) -> Iterator[str]:  # noqa: FBT001  private, one call
        if self.task == "train" or (self.task == "evaluate" and not routed):
            ways = (
                "one adapter learns one language. Say"
                f" --lang-column {self.column} with --lang for the rows of one, or with --each for an adapter of each"
                if self.task == "train"
                else f"say --lang-column {self.column} to have each judged by its language's adapter, with --lang for"
                " the rows of one alone"
            )
            raise self._refusal(f"the file holds rows of several languages: {self._shown()}; {ways}")
        if not routed:
            yield (
                f"the file holds rows of several languages, which all go to one adapter: {self._shown()}; to send each"
                f" to its own say --lang-column {self.column}"
            )

    def _shown(self) -> str:
        shown = ", ".join(f"{lang} {rows:,}" for lang, rows in self.counts.most_common(MOST_SHOWN))
        return f"{self.column!r} has {shown}" + (", ..." if len(self.counts) > MOST_SHOWN else "")

    def _refusal(self, message: str) -> ExamplesError:
        line = sorted(self._first.values())[min(1, len(self._first) - 1)]
        return ExamplesError(message, line=line, column=1)
