"""What each column of a file is: told from the names there are, from the first rows, and from what somebody said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ltp.errors import ExamplesError, FileFault
from ltp.text.columns import (
    NAMES,
    TEXTS,
    AmbiguousColumns,
    Role,
    columns_by_language,
    find_columns,
    fold,
    half_columns,
    language_column,
    lesser_columns,
)
from ltp.text.examples.annotations import Tool, find_tool, has_annotators
from ltp.text.examples.header import Header
from ltp.text.examples.options import ReadOptions
from ltp.text.examples.reading import Told
from ltp.text.examples.values import is_label, is_label_word, is_parted, nested_names, translations, value_at
from ltp.text.files.record import Record
from ltp.text.label_words import label_of_word

_OTHERS = re.compile(r"pred|model|suggest|annotator|worker|rater|coder|old|guess|^label\d|\dlabel")
"""In the names, as `fold` leaves them, of columns of labels that are not the row's: of models, of single annotators."""
_SCORES = {"relatednessscore", "similarity", "similarityscore", "relatedness"}
MOST_NAMED = 200
"""Columns that a reading names."""
MOST_VARIANTS = 20
"""Languages of a file that has every pair in several that a refusal names."""
NO_LABELS = "; if there is none, no row of this file has a label; to predict it use ltp predict"
_LABEL_NAMES = {fold(name) for name in NAMES["label"]}
_BY_PLACE: dict[Role, str] = {"premise": "1", "hypothesis": "2", "label": "3"}


@dataclass(frozen=True)
class Layout:
    """Where the parts of a pair are."""

    columns: Mapping[Role, str]
    names: Sequence[str] = ()
    """The columns that there are, as many as are named."""
    both: bool = False
    """Whether one column holds premise and hypothesis, parted by one of SEPARATORS."""
    language: str | None = None
    """The column that says which language a row is in."""
    companions: Sequence[str] = ()
    """Columns of label words beside the label."""
    score: str | None = None
    """A column of numbers that say how near the texts are."""
    tool: Tool | None = None
    annotators: bool = False
    """Whether one pair may stand once for each of several annotators."""
    notes: Sequence[str] = field(default_factory=list)
    warnings: Sequence[str] = field(default_factory=list)


def find_layout(head: Sequence[Record], header: Header, options: ReadOptions, *, labelled: bool) -> Layout:
    """Tell what each column is from the first rows. Raises ExamplesError with the columns that there are."""
    return _Finder(head, header, options).layout(labelled=labelled)


class _Finder:
    def __init__(self, head: Sequence[Record], header: Header, options: ReadOptions) -> None:
        self.head, self.options, self.header, self.named = head, options, header, header.named
        own = () if header.line else (name for record in head for name in record.fields)
        self.names: list[str] = list(dict.fromkeys([*header.names, *own]))
        self.tool = find_tool(head, self.names, options.columns.get("label"))
        self.said = {role: self._existing(role, name) for role, name in options.columns.items()}
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def layout(self, *, labelled: bool) -> Layout:
        columns, both = self._texts()
        label = self.said.get("label") or (self.tool and self.tool.label) or self._label(columns, required=labelled)
        if label:
            columns["label"] = label
        for role in ("lang", "adapter"):
            if name := self.said.get(role) or self._by_name().get(role):
                columns[role] = name
        language = self._language()
        if self.options.lang_column and language:
            columns["lang"] = language
        if self.tool:
            self.notes.append(f"read as an export of {self.tool.name}")
            self.warnings += self.tool.warnings
        folded = {fold(name): name for name in self.names}
        return Layout(
            columns,
            self.names[:MOST_NAMED],
            both,
            language,
            companions=self._companions(columns),
            score=next((folded[name] for name in sorted(_SCORES) if name in folded), None),
            tool=self.tool,
            annotators=self.tool is not None or has_annotators(folded),
            notes=self.notes,
            warnings=self.warnings,
        )

    def _texts(self) -> tuple[dict[Role, str], bool]:
        """The columns of the texts; and whether it is one column for both."""
        texts: dict[Role, str] = {role: self.said[role] for role in TEXTS if role in self.said}
        if len(texts) < len(TEXTS):
            found = self._found_texts(texts)
            texts = {role: texts.get(role, found.get(role, "")) for role in TEXTS}
        if not all(texts.values()) and (parted := self._parted(texts)):
            return {"premise": parted, "hypothesis": parted}, True
        for role in TEXTS:
            if not texts[role]:
                raise self._refusal(f"no column for the {role}", [role], fault="no_text_columns")
        return dict(texts), texts["premise"] == texts["hypothesis"]

    def _found_texts(self, said: Mapping[Role, str]) -> Mapping[Role, str]:
        prefix = self.tool.within if self.tool else ""
        by_name = self._by_name()
        variants = self._variants() if not said else {}
        if len(variants) > 1:
            return self._chosen(variants)
        if variants and not set(TEXTS) <= set(by_name):
            lang, only = next(iter(variants.items()))
            if self.options.lang and not self._same(lang, self.options.lang):
                self.warnings.append(
                    f"the texts are read from {only['premise']!r} and {only['hypothesis']!r}, and their names say"
                    f" {lang}, not {self.options.lang}"
                )
            return only
        if not self.named:
            return by_name
        lesser = lesser_columns(name.removeprefix(prefix) for name in self._paths() if name.startswith(prefix))
        return {**{role: prefix + name for role, name in lesser.items()}, **by_name}

    def _by_name(self) -> dict[Role, str]:
        """The columns that the names alone tell."""
        if not self.named:
            return self._by_place()
        prefix = self.tool.within if self.tool else ""
        found: dict[Role, str] = {}
        top: dict[Role, str] = {}
        for paths in (self.names, self._paths()):
            within = tuple(path.removeprefix(prefix) for path in paths if path.startswith(prefix))
            written = self.header.written if paths is self.names and self.header.written else ()
            # "example.premise" goes by its last part, where no column of the row itself is called so
            last = within if paths is self.names or prefix else tuple(path.rpartition(".")[2] for path in within)
            try:
                found = {role: prefix + within[at] for role, at in find_columns(tuple(written) or last).items()}
            except AmbiguousColumns as fault:
                if paths is not self.names or set(TEXTS) <= set(self.said):
                    break
                raise self._at(str(fault)) from fault
            if set(TEXTS) <= set(found):
                return found
            top = top or found
        return found if prefix else top

    def _by_place(self) -> dict[Role, str]:
        """The columns of a file without names: premise, hypothesis, label, or two texts around a column of labels."""
        labels = [name for name in self.names if self._all(name, is_label)]
        texts = [name for name in self.names if name not in labels]
        if len(labels) == 1 and len(texts) == 2 and labels != ["3"]:
            return {"premise": texts[0], "hypothesis": texts[1], "label": labels[0]}
        if len(labels) == 1 and len(texts) == 1 and self._all(texts[0], is_parted):
            return {"label": labels[0]}
        return {role: name for role, name in _BY_PLACE.items() if name in self.names}

    def _variants(self) -> dict[str, dict[Role, str]]:
        """The pair in several languages or versions, by what tells them apart."""
        variants = columns_by_language(self.names)
        by_name = self._by_name()
        if not set(TEXTS) <= set(by_name):
            return variants
        translated = [name for name in self.names if "transl" in fold(name)]
        if len(translated) == len(TEXTS) and not variants:
            if re.search(r"hyp|[2b]$", fold(translated[0])):
                translated.reverse()
            variants = {"the translation": dict(zip(TEXTS, translated, strict=True))}
        inner = [set(translations(value_at(self.head[0], by_name[role]))) for role in TEXTS]
        if shared := sorted(inner[0] & inner[1]):
            return {lang: {role: f"{by_name[role]}.{lang}" for role in TEXTS} for lang in shared}
        original = {role: by_name[role] for role in TEXTS}
        for lang, half in half_columns(self.names).items():
            if not variants and self.options.lang and self._same(lang, self.options.lang):
                variants = {f"the pair with {half[1]!r}": {**original, half[0]: half[1]}}
        return {"the original": original, **variants} if variants else {}

    def _chosen(self, variants: Mapping[str, dict[Role, str]]) -> Mapping[Role, str]:
        asked = self.options.lang
        fitting = [lang for lang in variants if asked and self._same(lang, asked)]
        if len(fitting) == 1:
            return variants[fitting[0]]
        ways = "; or ".join(
            "--columns " + ",".join(f"{role}={name}" for role, name in variant.items()) + f" for {lang}"
            for lang, variant in islice(variants.items(), MOST_VARIANTS)
        )
        more = "; and so on" if len(variants) > MOST_VARIANTS else ""
        labels = [name for name in self._label_columns({}) if not _OTHERS.search(fold(name))]
        untold = len(labels) > 1 and not all("label" in variant for variant in variants.values())
        also = f"; and the label with label={' or label='.join(labels)}" if untold else ""
        raise self._at(f"every row holds the pair {len(variants)} times; say which to read: {ways}{more}{also}")

    def _parted(self, found: Mapping[Role, str]) -> str | None:
        """The column that holds both texts."""
        named = [name for name in found.values() if name]
        return next((name for name in named or self._paths() if self._all(name, is_parted)), None)

    def _label(self, texts: Mapping[Role, str], *, required: bool) -> str | None:
        by_name = self._by_name()
        for role_names in (columns_by_language(self.names).values(), (by_name,)):
            for roles in role_names:
                fits = roles is by_name or roles.get("premise") == texts.get("premise")
                if fits and "label" in roles and roles["label"] not in texts.values():
                    return roles["label"]
        told = self._label_columns(texts)
        candidates = [name for name in told if not _OTHERS.search(fold(name))] or told
        if len(candidates) == 1:
            self.notes.append(
                Told(f"{candidates[0]!r} was taken for the label, because it holds labels", "label_column")
            )
            return candidates[0]
        lesser = lesser_columns(self.names).get("label") if self.named else None
        if not candidates and lesser:
            return lesser
        if not required:
            return None
        if candidates:
            ways = " or ".join(f"--columns label={name}" for name in candidates)
            raise self._at(f"several columns hold labels; say which is the label: {ways}", "no_label_column")
        raise self._refusal("no column for the label", ["label"], NO_LABELS, fault="no_label_column")

    def _label_columns(self, texts: Mapping[Role, str]) -> list[str]:
        """The columns whose first values are all words that stand for labels."""
        taken = set(texts.values())
        return [name for name in self._paths() if name not in taken and self._all(name, is_label_word)]

    def _companions(self, columns: Mapping[Role, str]) -> list[str]:
        """The columns whose words may say what labels mean: those called so, and those that mostly hold such words."""
        others = [name for name in self._paths() if not (name in columns.values() or _OTHERS.search(fold(name)))]
        return [
            name
            for name in others
            if fold(name) in _LABEL_NAMES or self._all(name, is_label_word) or self._mostly(name)
        ]

    def _mostly(self, name: str) -> bool:
        """Whether at least half of a column's first values are labels' words, of different labels."""
        values = self._values(name)
        words = [label for value in values if isinstance(value, str) and (label := label_of_word(value))]
        return 2 * len(words) >= len(values) and len(set(words)) > 1

    def _all(self, name: str, holds: Any) -> bool:
        values = self._values(name)
        return bool(values) and all(map(holds, values))

    def _values(self, name: str) -> list[Any]:
        return [value for record in self.head if (value := record.value(name)) not in (None, "")]

    def _language(self) -> str | None:
        if self.options.lang_column:
            return self._existing("lang", self.options.lang_column)
        return language_column(self.names) if self.named else None

    def _paths(self) -> list[str]:
        """The names, and those of what the first rows hold nested one or two levels deep."""
        nested = (path for record in self.head[:5] for path in nested_names(record.fields, 2))
        return list(dict.fromkeys([*self.names, *nested]))

    def _existing(self, role: str, name: str) -> str:
        known = name in self.names or (self.tool is not None and f".{self.tool.label}".endswith(f".{name}"))
        if known or any(value_at(record, name) is not None for record in self.head):
            return name
        alike = [known for known in self.names if fold(known) == fold(name)]
        if len(alike) == 1:
            return alike[0]
        raise self._at(f"there is no column {name!r} for the {role}; {self._there_are()}")

    def _same(self, one: str, other: str) -> bool:
        return self.options.normalise(one) == self.options.normalise(other)

    def _refusal(self, message: str, roles: Iterable[str], more: str = "", *, fault: FileFault) -> ExamplesError:
        options = ",".join(f"{role}=NAME" for role in roles)
        return self._at(f"{message}; {self._there_are()}. Say which it is with --columns {options}{more}", fault)

    def _there_are(self) -> str:
        where = "the first row names" if self.named else "without a header the columns are called"
        return f"{where} {', '.join(map(repr, self._paths()[:40]))}"

    def _at(self, message: str, fault: FileFault | None = None) -> ExamplesError:
        line, column = self.head[0].where(None)
        column = 1 if self.header.line else column
        return ExamplesError(message, line=self.header.line or line, column=column, fault=fault)
