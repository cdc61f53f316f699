"""What annotation tools export: where the texts are, what each annotator said, and which rows nobody judged.

Label Studio (JSON, JSON_MIN, CSV, TSV), Doccano, Prodigy, Argilla (2: records as JSON and flat; 1: flat). A task that
was rejected, ignored, skipped, discarded or left as a draft has no label, whatever stands in its label field.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ltp.text.files.record import Record
from ltp.text.label_words import label_of_word

UNJUDGED = "nobody has judged the row"
_PRODIGY_ANSWERS = {"accept": None, "reject": "the annotator rejected it", "ignore": "the annotator ignored it"}
_WITHOUT_STATUS = (
    "Argilla's JSON does not say which responses were discarded or are drafts; all were read. Export the records with"
    " flatten=True to leave those out"
)
_TOOL_NAMES = {"answer", "annotations", "completions", "responses", "annotation", "status"}
_ONE_ANNOTATORS = ("annotator", "annotationid", "annotatorid", "sessionid", "completedby", "inputhash", "taskhash")


@dataclass(frozen=True)
class Judgements:
    """What was said of one pair: a value for each annotator who did, and a reason for each who did not."""

    values: Sequence[Any] = ()
    reasons: Sequence[str] = ()


class Tool(Protocol):
    """The export of one annotation tool."""

    @property
    def name(self) -> str:
        """As its makers write it."""

    @property
    def label(self) -> str | None:
        """Where labels are, to be shown; None where an ordinary column holds them."""

    @property
    def within(self) -> str:
        """What stands before the names of the texts: `data.`, or nothing."""

    @property
    def warnings(self) -> Sequence[str]:
        """What the export does not say, and somebody should know."""

    def judgements(self, record: Record, label: str | None) -> Judgements:
        """What was said of a row."""


def plain_judgements(value: object) -> Judgements:
    """What a label cell says: one value, a list of several, or nothing."""
    values = list(_values(value))
    return Judgements(values, () if values else (UNJUDGED,))


def _values(value: object) -> Iterator[Any]:
    """Every label in a cell: `neutral`, `["neutral"]`, `{"choices": ["neutral"]}`, and those written as text."""
    if isinstance(value, str):
        text = value.strip()
        unpacked = _unpacked(text) if text[:1] in {"[", "{"} else None
        if unpacked is not None:
            yield from _values(unpacked)
        elif "#" in text and all(map(label_of_word, text.split("#"))):
            yield from text.split("#")  # as Doccano's CSV joins several
        elif text:
            yield value
    elif isinstance(value, Mapping):
        inner = next((value[key] for key in ("choices", "value", "label", "text") if key in value), None)
        if inner is None and value:
            yield value
        yield from _values(inner)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _values(one)
    elif value is not None:
        yield value


def _unpacked(text: str) -> Any:
    """The list or object that a cell holds as text, as pandas writes it; None when it is no such text."""
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return value if isinstance(value, list | dict) else None
    return None


@dataclass(frozen=True)
class LabelStudio:
    """Tasks with their annotations, as Label Studio's JSON has them."""

    tag: str | None
    """The name of the choices that are the label."""
    name: str = "Label Studio"
    within: str = "data."
    warnings: Sequence[str] = ()

    @property
    def label(self) -> str:
        """Where the choices are."""
        return f"annotations.{self.tag or 'choices'}"

    def judgements(self, record: Record, label: str | None) -> Judgements:
        """One for each annotation that was not cancelled."""
        del label
        values: list[Any] = []
        reasons: list[str] = []
        for annotation in _annotations(record.fields):
            if annotation.get("was_cancelled"):
                reasons.append("the annotator skipped it")
                continue
            said = [value for tag, value in _choices(annotation) if tag == self.tag]
            values.extend(said)
            if not said:
                reasons.append(UNJUDGED)
        return Judgements(values, reasons or (() if values else (UNJUDGED,)))


def _annotations(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = fields.get("annotations", fields.get("completions"))
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def _choices(annotation: Mapping[str, Any]) -> Iterator[tuple[str | None, Any]]:
    results = annotation.get("result")
    for result in results if isinstance(results, list) else ():
        value = result.get("value") if isinstance(result, Mapping) else None
        if isinstance(value, Mapping) and "choices" in value:
            for choice in _values(value["choices"]):
                yield result.get("from_name"), choice


@dataclass(frozen=True)
class Prodigy:
    """Rows with an `answer`; the label is a column, or the option that was accepted."""

    label: str | None
    name: str = "Prodigy"
    within: str = ""
    warnings: Sequence[str] = ()

    def judgements(self, record: Record, label: str | None) -> Judgements:
        """What was accepted."""
        answer = str(record.fields.get("answer") or "").strip().casefold()
        reason = _PRODIGY_ANSWERS.get(answer, UNJUDGED) if answer else None
        if reason:
            return Judgements((), (reason,))
        said = plain_judgements(record.value(self.label or label))
        texts = _option_texts(record.fields.get("options"))
        return Judgements([_option(value, texts) for value in said.values], said.reasons)


def _option_texts(options: Any) -> dict[str, str]:
    """What each option that could be accepted says, by its id."""
    listed = options if isinstance(options, list) else []
    texts = {str(one.get("id")): one.get("text") for one in listed if isinstance(one, Mapping)}
    return {name: text for name, text in texts.items() if isinstance(text, str) and text.strip()}


def _option(value: Any, texts: Mapping[str, str]) -> Any:
    """What an accepted option means: its id where that is a label's word, else what the annotator read."""
    return value if label_of_word(str(value)) else texts.get(str(value), value)


@dataclass(frozen=True)
class Argilla:
    """Records with responses of users: flat (`label.responses`), or nested as its JSON has them."""

    question: str
    flat: bool
    name: str = "Argilla"

    @property
    def label(self) -> str:
        """Where the responses are."""
        return f"{self.question}.responses" if self.flat else f"responses.{self.question}"

    @property
    def within(self) -> str:
        """Nested records have their texts under `fields`."""
        return "" if self.flat else "fields."

    @property
    def warnings(self) -> Sequence[str]:
        """Argilla's nested JSON gives every response without its status."""
        return () if self.flat else (_WITHOUT_STATUS,)

    def judgements(self, record: Record, label: str | None) -> Judgements:
        """One for each response that was submitted."""
        del label
        said = list(self._responses(record))
        values = [value for value, status in said if status == "submitted" and value is not None]
        words = {"discarded": "the annotator discarded it", "draft": "the response is a draft"}
        reasons = [words.get(status, UNJUDGED) for value, status in said if status != "submitted" or value is None]
        return Judgements(values, reasons or (() if values else (UNJUDGED,)))

    def _responses(self, record: Record) -> Iterator[tuple[Any, str]]:
        if not self.flat:
            responses = record.value("responses")
            listed = responses.get(self.question) if isinstance(responses, Mapping) else None
            for response in listed or ():
                yield response.get("value"), str(response.get("status") or "submitted")
            return
        values, statuses = (_listed(record.fields.get(name)) for name in (self.label, f"{self.label}.status"))
        for index, value in enumerate(values):
            yield value, str(statuses[index]) if index < len(statuses) else "submitted"


def _listed(value: Any) -> Sequence[Any]:
    """A list, which may stand in a cell as text."""
    unpacked = _unpacked(value.strip()) if isinstance(value, str) else value
    return unpacked if isinstance(unpacked, list | tuple) else ()


@dataclass(frozen=True)
class OlderArgilla:
    """Argilla 1: one `annotation`, with the record's status."""

    within: str
    label: str | None = "annotation"
    name: str = "Argilla"
    warnings: Sequence[str] = ()

    def judgements(self, record: Record, label: str | None) -> Judgements:
        """The annotation, unless the record was discarded."""
        del label
        if str(record.fields.get("status") or "").casefold() == "discarded":
            return Judgements((), ("the annotator discarded it",))
        return plain_judgements(record.fields.get("annotation"))


def find_tool(head: Sequence[Record], names: Sequence[str], wanted: str | None) -> Tool | None:
    """The tool that wrote the file, by its first rows; `wanted` is the label column that somebody named."""
    first = head[0].fields
    if isinstance(first.get("data"), Mapping) and not {"annotations", "completions"}.isdisjoint(names):
        return LabelStudio(_tag(head, wanted))
    answers = {str(answer).casefold() for record in head if (answer := record.fields.get("answer")) not in (None, "")}
    if answers and answers <= set(_PRODIGY_ANSWERS):
        return Prodigy("accept" if "accept" in names and "options" in names else None)
    if flat := [name.removesuffix(".responses") for name in names if name.endswith(".responses")]:
        return Argilla(_question(flat, wanted), flat=True)
    if isinstance(first.get("responses"), Mapping) and isinstance(first.get("fields"), Mapping):
        questions = [name for record in head for name in record.fields.get("responses") or {}]
        return Argilla(_question(questions or ["label"], wanted), flat=False)
    if "annotation" in names and "status" in names and {"prediction", "annotation_agent", "inputs"} & set(names):
        return OlderArgilla("inputs." if isinstance(first.get("inputs"), Mapping) else "")
    return None


def tool_names(name: str) -> bool:
    """Whether a key is one by which `find_tool` knows a tool."""
    return name in _TOOL_NAMES or name.endswith(".responses")


def says_nothing_of_tools(name: str, value: Any) -> bool:
    """Whether what stands under a tool's key leaves open what other rows say: no answer, choice or response."""
    if name == "answer":
        return value is None or value == ""
    if name in {"annotations", "completions"}:
        return not any(True for one in _annotations({name: value}) for _ in _choices(one))
    return name == "responses" and not value


def _tag(head: Iterable[Record], wanted: str | None) -> str | None:
    """The choices that are the label: those somebody named, else the first that hold labels' words, else the first."""
    said = [pair for record in head for one in _annotations(record.fields) for pair in _choices(one)]
    tags = [tag for tag, _ in said]
    named = (wanted or "").removeprefix("annotations.")
    if named in tags:
        return named
    return next((tag for tag, choice in said if label_of_word(str(choice))), tags[0] if tags else None)


def _question(questions: Sequence[str], wanted: str | None) -> str:
    named = (wanted or "").removeprefix("responses.").removesuffix(".responses")
    return named if named in questions else questions[0]


def has_annotators(folded: Iterable[str]) -> bool:
    """Whether the columns, as `fold` leaves their names, say who judged a row; one pair may then stand repeatedly."""
    return not set(_ONE_ANNOTATORS).isdisjoint(folded)
