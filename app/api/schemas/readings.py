"""What was understood of a file before anything is done with it, and the request that asks for it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from app.api.schemas.reading_options import LabelOptions
from app.api.schemas.scalars import Answer, Language
from ltp.config import Label, LabelSpace
from ltp.text.examples.reading import About, Why

CheckTask = Literal["train", "predict", "evaluate", "corpus"]


class CheckRequest(LabelOptions):
    """What the file is meant for, and how it is to be read where its own names do not say it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"task": "train"},
                {"task": "train", "lang": "sw", "lang_column": "language", "labels": "c,e,n"},
                {"task": "evaluate", "columns": {"premise": "sentence_A", "hypothesis": "sentence_B"}},
                {"task": "corpus"},
            ]
        }
    )

    task: CheckTask
    """`train`, `evaluate`: labelled pairs; `predict`: pairs, whose labels are not looked at; `corpus`: plain text."""
    lang: Language | None = None
    """The language asked for; of a file with a language column only its rows are read."""


class ReadColumns(Answer):
    """The column that was taken for each part; null where there is none."""

    premise: str | None = None
    hypothesis: str | None = None
    label: str | None = None
    lang: str | None = None
    adapter: str | None = None


class ReadLabel(Answer):
    """What one spelling was read as, and how many rows have it."""

    label: Annotated[Label | None, Field(examples=["entailment"])]
    """Null for one that marks a pair without an agreed label; its rows are left out."""
    rows: int


class LeftOut(Answer):
    """Rows that were not read, and why."""

    reason: str
    code: Annotated[Why | None, Field(examples=["undecided"])] = None
    """The same for programs; null for reasons that the file itself gives, and in what was read before it was told."""
    rows: int
    first_line: int | None = None
    """The line (or a table's row) of the first of them."""


class Disagreement(Answer):
    """One pair with different labels."""

    labels: dict[str, int]
    """Rows by label."""
    lines: list[int]


class UnknownTokens(Answer):
    """What the served backbone's vocabulary does not have of the texts."""

    tokens_share: Annotated[float, Field(ge=0, le=1)]
    """`<unk>`, of the tokens that carry letters."""
    texts_share: Annotated[float, Field(ge=0, le=1)]
    """Texts with at least one of them."""
    characters: list[str]
    """The characters behind them, the commonest first."""


class Reading(Answer):
    """What was understood of a file."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "format": "csv",
                    "encoding": "utf-8",
                    "separator": ",",
                    "quoting": True,
                    "compression": None,
                    "columns": {"premise": "sentence_A", "hypothesis": "sentence_B", "label": "gold", "lang": None},
                    "names": ["id", "sentence_A", "sentence_B", "gold"],
                    "labels": {"0": {"label": "entailment", "rows": 34}, "-": {"label": None, "rows": 2}},
                    "label_space": "three_way",
                    "rows": 104,
                    "read": 102,
                    "left_out": [{"reason": "no agreed label (-)", "code": "undecided", "rows": 2, "first_line": 17}],
                    "duplicates": 1,
                    "conflicts": 0,
                    "shared_premises": 0,
                    "tokens": 21.4,
                    "truncated": 0,
                    "unknown": {"tokens_share": 0.0, "texts_share": 0.0, "characters": []},
                    "languages": {},
                    "notes": ["the numbers were read in the order 0 entailment, 1 neutral, 2 contradiction"],
                    "note_codes": [None],
                    "warnings": [],
                    "warning_codes": [],
                    "sample": [{"line": 2, "premise": "Mbwa analala.", "hypothesis": "Mnyama analala.", "label": "0"}],
                }
            ]
        }
    )

    format: Annotated[str, Field(examples=["csv"])]
    """`jsonl`, `json`, `csv`, `tsv`, `xlsx`, `ods`, `parquet`, `feather`, `xml`; `text` for a corpus; `request` for
    examples that came in the request itself."""
    encoding: str | None = None
    """Null where the format is no text."""
    compression: str | None = None
    separator: str | None = None
    quoting: bool | None = None
    """Whether cells may be quoted; null where the format has no cells."""
    columns: ReadColumns = ReadColumns()
    """The column of each part, by its name in the file."""
    names: list[str] = Field(default=[])
    """The columns that the file has, two hundred at most: what `columns` may name. Empty where nobody noted them."""
    labels: dict[str, ReadLabel] = Field(default={})
    """By the spelling in the file; empty where labels are not looked at."""
    label_space: LabelSpace | None = None
    """The labels among which is chosen."""
    rows: int = 0
    """Rows of the file, or lines of a corpus."""
    read: int = 0
    left_out: list[LeftOut] = Field(default=[])
    """`rows` is `read` and these."""
    duplicates: int = 0
    """Rows whose pair stands in an earlier row."""
    conflicts: int = 0
    """Pairs with different labels."""
    disagreements: list[Disagreement] = Field(default=[])
    """The first of these pairs."""
    shared_premises: int = 0
    """Premises that stand in the training set, too."""
    leaks: int = 0
    """Pairs that stand in the training set, too: scores on them say little."""
    tokens: float | None = None
    """Mean tokens of both texts of a pair, as `POST /adapters/estimate` takes them; null where nobody counted."""
    truncated: int | None = None
    """Pairs (or lines of a corpus) that are cut to fit the model; null where nobody counted."""
    unknown: UnknownTokens | None = None
    """Null while the backbone is being loaded."""
    languages: dict[str, int] = Field(default={})
    """Rows of each language, as the file writes it; empty without a column that says."""
    notes: list[str] = Field(default=[])
    """What was decided that nobody needs to act on."""
    note_codes: list[About | None] = Field(default=[])
    """For each of `notes` what it is about, if other fields hold the same: a program need not show both."""
    warnings: list[str] = Field(default=[])
    """What somebody should look at."""
    warning_codes: list[About | None] = Field(default=[])
    """The same for each of `warnings`."""
    sample: list[dict[str, Any]] = Field(default=[])
    """The first rows as they were read; empty in what an adapter keeps."""
