"""What an adapter answered to the pairs that it is scored on."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.predictions import PROBABILITIES, ThreeWay, TwoWay
from app.api.schemas.scalars import Answer, PageQuery
from app.registry import answers
from ltp.config import Label, LabelSpace


class AnswersQuery(PageQuery):
    """Which of an adapter's answers, in which order, and as what."""

    wrong: bool | None = None
    """Only those that are wrong (`true`), or right (`false`)."""
    label: Label | None = None
    """Only pairs with this label."""
    predicted: Label | None = None
    """Only pairs that the adapter took for this."""
    sort: answers.Sort = "file"
    """In the order of the file, or by the probability of the answer: the surest first, or the least sure."""
    format: Literal["json", "csv"] | None = None
    """`csv`: all of them as a table, whatever `limit` and `cursor` say. Default: what the header `Accept` asks for."""

    @property
    def wanted(self) -> answers.Wanted:
        """The same for the registry."""
        return answers.Wanted(self.wrong, self.label, self.predicted, self.sort)


class ExamplesQuery(BaseModel):
    """Which pairs, and as what."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    part: Literal["train", "dev", "test"] = "train"
    """`train`: those of `examples` and `sources`, also where some of them were held out; else what was given as
    `dev_examples` or `test_examples`."""
    format: Literal["csv", "jsonl"] = "csv"
    """A table, or a JSON object a line."""


class AnswerPublic(Answer):
    """One pair, and what the adapter took it for."""

    line: Annotated[int | None, Field(examples=[17])]
    """Line of the uploaded file, or its place in the request, from 1."""
    lang: Annotated[str | None, Field(examples=[None])]
    """Its language, where the pairs are of several."""
    premise: Annotated[str, Field(examples=["Mbwa analala."])]
    hypothesis: Annotated[str, Field(examples=["Mnyama anapumzika."])]
    label: Annotated[Label, Field(examples=["entailment"])]
    predicted: Annotated[Label, Field(examples=["neutral"])]
    probabilities: ThreeWay | TwoWay

    @classmethod
    def of(cls, kept: answers.Answer, space: LabelSpace) -> Self:
        """Describe one that was kept."""
        shares = {str(label): share for label, share in kept.by_label(space).items()}
        return cls(
            line=kept.line,
            lang=kept.lang,
            premise=kept.premise,
            hypothesis=kept.hypothesis,
            label=kept.label,
            predicted=kept.predicted,
            probabilities=PROBABILITIES[space](**shares),
        )


class AnswersPage(Answer):
    """Some of the pairs that an adapter is scored on, with its answers."""

    items: list[AnswerPublic]
    """At most `limit` of them."""
    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one."""
    total: Annotated[int, Field(examples=[23])]
    """How many there are of those asked for, on all pages."""
    kept: Annotated[int, Field(examples=[96])]
    """Of how many pairs the answers were kept: of very many the first 16 MiB."""
    judged: Annotated[int, Field(examples=[96])]
    """How many pairs it is scored on."""
    part: Literal["train", "dev"]
    """Whose lines these are: of `examples`, or of `dev_examples`."""
    estimated: Literal["cross_fitted"] | None
    """`cross_fitted`: each was answered by a model that never saw its premise. Null: a set apart, which chose the
    epoch."""
