"""Options that say how a file of pairs is to be read, and the same as the service wants them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli import options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ltp.config import Label
    from ltp.text.columns import Role
    from ltp.text.examples import ReadOptions

PANEL = "Reading (see what was understood with: ltp data check FILE)"
Conflicts = Literal["drop", "majority", "keep"]

Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="PART=NAME,...",
        help="Which column holds what: premise=text_a,hypothesis=text_b,label=gold; repeatable.",
        rich_help_panel=PANEL,
        show_default=False,
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="ORDER|SPELLING=LABEL,...",
        help="What the labels mean: c,e,n is the order of 0, 1, 2; or 0=contradiction,si=entailment.",
        rich_help_panel=PANEL,
        show_default=False,
    ),
]
LangColumn = Annotated[
    str | None,
    typer.Option("--lang-column", metavar="NAME", help="The column with each row's language.", rich_help_panel=PANEL),
]
ConflictsRule = Annotated[
    Conflicts | None,
    typer.Option(
        "--conflicts",
        help="One pair, different labels: drop all its rows, take the majority's label, or keep every row.",
        rich_help_panel=PANEL,
        show_default=False,
    ),
]
IgnoreRowLang = Annotated[
    bool,
    typer.Option("--ignore-row-lang", help="--adapter judges every row, whatever its lang or adapter column names."),
]


@dataclasses.dataclass(frozen=True)
class TypedReading:
    """What was typed about how files are to be read."""

    columns: Mapping[Role, str] = dataclasses.field(default_factory=dict)
    labels: Mapping[str, Label] | None = None
    lang_column: str | None = None
    conflicts: Conflicts | None = None

    def options(self, lang: str | None = None) -> ReadOptions:
        """What the reader wants."""
        from app.registry.language_tags import same_language
        from ltp.text.examples import ReadOptions

        return ReadOptions(
            columns=self.columns,
            labels=self.labels,
            lang=lang,
            lang_column=self.lang_column,
            conflicts=self.conflicts,
            normalise=same_language,
        )

    def body(self) -> dict[str, Any]:
        """The fields of a request."""
        labels = None if self.labels is None else dict(self.labels)
        return options.without_missing(
            columns=dict(self.columns), labels=labels, lang_column=self.lang_column, conflicts=self.conflicts
        )


def typed(
    columns: Sequence[str] | None = None,
    labels: str | None = None,
    lang_column: str | None = None,
    conflicts: Conflicts | None = None,
) -> TypedReading:
    """Read what was typed. Raises typer.BadParameter for what cannot be meant."""
    if columns is None and labels is None:
        return TypedReading(lang_column=lang_column, conflicts=conflicts)
    from ltp.errors import InvalidConfig
    from ltp.text.examples import parse_columns_option, parse_labels_option

    try:
        found = parse_columns_option(",".join(columns)) if columns else {}
        meant = None if labels is None else parse_labels_option(labels)
    except InvalidConfig as error:
        raise typer.BadParameter(f"--{error}") from error
    return TypedReading(found, meant, lang_column, conflicts)
