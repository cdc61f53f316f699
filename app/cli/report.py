"""`ltp adapter report`: how good an adapter is and where it errs, as one page to send to a colleague."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.adapter_display import begun, label_of, start_of
from app.cli.command import Json, Key, Session, Url, service_session
from app.cli.failure import Failure
from app.cli.label_spaces import short
from app.cli.output import accuracy, percent, size
from app.cli.target import Force, check_target
from ltp import atomic_file

if TYPE_CHECKING:
    from ltp.reproduce.report.document import Block, Document, Section, Table

SHOWN = 30
"""Wrong and unsure pairs on the page."""
REFERENCE = typer.Argument(metavar="ADAPTER", help="sw, sw@3, sw@production, or an id.", show_default=False)


def report_adapter(
    *,
    adapter: Annotated[str, REFERENCE],
    to: Annotated[
        Path | None, typer.Option("--output", "-o", help="The page; default: LANG-VERSION.html.", show_default=False)
    ] = None,
    force: Force = False,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Write a page with an adapter's accuracy, curves, confusion, certainty, and the pairs that it got wrong.

    It is one HTML file that needs no other and fetches nothing. It holds pairs of your data: mind whom you send it to.
    """
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_adapter
        from ltp.reproduce.report.html import render

        known = session.client.get(f"/adapters/{find_adapter(session.client, adapter)['id']}")
        target = to or Path(f"{known['lang']}-{known['version']}.html")
        check_target(target, force=force)
        atomic_file.write_text(target, render(document_of(known, *_pairs_of(session, known))))
        told = {"adapter": known["id"], "file": str(target), "bytes": target.stat().st_size}
        session.output.show(told, lambda console: console.print(f"Wrote {target} ({size(told['bytes'])})"))


def _pairs_of(session: Session, adapter: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The surest of its wrong answers, and those that it was least sure of; none where answers were not kept."""
    path = f"/adapters/{adapter['id']}/answers"
    try:
        wrong = session.client.items(path, limit=SHOWN, wrong=True, sort="certainty")
        return wrong, session.client.items(path, limit=SHOWN, sort="uncertainty")
    except Failure as failure:
        if failure.code != "pairs_not_kept":
            raise
        return [], []


def document_of(
    adapter: dict[str, Any], wrong: Sequence[dict[str, Any]] = (), unsure: Sequence[dict[str, Any]] = ()
) -> Document:
    """The page, of an adapter as the API describes it and some of its answers."""
    from ltp.reproduce.report.document import Document, Items, Section

    metrics = adapter["metrics"] or {}
    sections = [Section("What it is", [_facts(adapter)])]
    sections += [section for part in ("dev", "test") if metrics.get(part) for section in _scored(metrics, part)]
    if adapter["courses"]:
        sections.append(Section("How it learnt", list(_courses(adapter["courses"]))))
    if certainty := metrics.get("certainty"):
        sections.append(Section("How far its probabilities can be trusted", list(_certainty(certainty))))
    if wrong:
        sections.append(Section("Pairs that it got wrong, the surest first", [_pairs(wrong)]))
    if unsure:
        sections.append(Section("Pairs that it was least sure of", [_pairs(unsure)]))
    if adapter["advice"]:
        sections.append(Section("No better than guessing: what to try next", [Items(adapter["advice"])]))
    name = f", {adapter['name']}" if adapter["name"] else ""
    lead = f"{accuracy(metrics.get('dev'))} on {_judges(metrics)}." if metrics.get("dev") else "It has no scores."
    return Document(f"{label_of(adapter)}{name}", lead, sections)


def _judges(metrics: dict[str, Any]) -> str:
    """Which pairs the first figure is of, and how it was come by."""
    if metrics["dev"].get("estimated"):
        return "its training pairs, each answered by a model that never saw its premise (95 % interval)"
    return "the development pairs that chose its epoch, which flatters (95 % interval)"


def _facts(adapter: dict[str, Any]) -> Table:
    examples = {part: count for part, count in (adapter["examples"] or {}).items() if isinstance(count, int) and count}
    facts = [
        ("id", adapter["id"]),
        ("made by", begun(adapter)),
        ("began from", start_of(adapter)),
        ("labels", short(adapter["label_space"])),
        ("pairs", ", ".join(f"{count} {part}" for part, count in examples.items()) or "-"),
        ("ticket", adapter["ticket"] or "-"),
        ("size", "-" if adapter["bytes"] is None else size(adapter["bytes"])),
        ("made", adapter["created_at"]),
    ]
    return _table(("", ""), facts, words=2)


def _scored(metrics: dict[str, Any], part: str) -> Iterator[Section]:
    """Accuracy beside what stands beside it, per label, and what was taken for what."""
    from app.cli import beside
    from ltp.reproduce.report.document import Section

    scores = metrics[part]
    labels = list(scores["per_label"])
    lines = [("accuracy", accuracy(scores)), *((name.strip(), told) for name, told in beside.lines(metrics, part))]
    lines += [("macro F1", percent(scores["macro_f1"])), ("calibration error (ECE)", percent(scores["ece"]))]
    each = [
        (label, *(percent(of[figure]) for figure in ("precision", "recall", "f1")), str(of["support"]))
        for label, of in scores["per_label"].items()
    ]
    taken = [(label, *map(str, row)) for label, row in zip(labels, scores["confusion"], strict=True)]
    title = "How good it is" if part == "dev" else "On the test pairs"
    yield Section(
        title,
        [
            _table(("", ""), lines, words=2),
            _table(("label", "precision", "recall", "F1", "pairs"), each),
            _table(("truth", *labels), taken, caption="What was taken for what: truth down, answer across"),
        ],
    )


def _courses(courses: Sequence[dict[str, Any]]) -> Iterator[Block]:
    """Accuracy by epoch as a drawing, a line a seed; and the losses of the first seed."""
    from ltp.reproduce.report.document import Figure
    from ltp.reproduce.report.figures import Curve, curves

    drawn = []
    for course in courses:
        x = [float(epoch["epoch"]) for epoch in course["epochs"]]
        y = [epoch["dev_accuracy"] for epoch in course["epochs"]]
        nothing = [None] * len(x)
        drawn.append(Curve(f"seed {course['seed']}", x, y, nothing, nothing))
    caption = "Accuracy on the pairs that judge, after each epoch"
    yield Figure("accuracy", curves("accuracy", drawn, x="epoch", doubling=False), caption)
    losses = [
        (str(epoch["epoch"]), f"{epoch['train_loss']:.3f}", f"{epoch['dev_loss']:.3f}", percent(epoch["dev_accuracy"]))
        for epoch in courses[0]["epochs"]
    ]
    columns = ("epoch", "training loss", "loss of those that judge", "their accuracy")
    yield _table(columns, losses, caption=f"Seed {courses[0]['seed']}, best epoch {courses[0]['best_epoch'] or '-'}")


def _certainty(certainty: dict[str, Any]) -> Iterator[Block]:
    """How sure and how right answers are, and what leaving unsure ones open gives."""
    rows = [
        (
            f"{percent(each['low'], digits=0)} to {percent(each['high'], digits=0)}",
            str(each["pairs"]),
            percent(each["confidence"]),
            percent(each["accuracy"]),
        )
        for each in certainty["reliability"]
    ]
    yield _table(("as sure as", "pairs", "mean certainty", "right"), rows)
    points = [
        (percent(each["threshold"]), percent(each["answered"]), percent(each["accuracy"]))
        for each in certainty["curve"][:: max(1, len(certainty["curve"]) // 12)]
    ]
    columns = ("answers below are left open", "answered", "of these right")
    yield _table(columns, points, caption="What `--min-confidence` gives on these pairs")


def _pairs(items: Sequence[dict[str, Any]]) -> Table:
    rows = [
        (
            item["premise"],
            item["hypothesis"],
            item["label"],
            item["predicted"],
            percent(max(item["probabilities"].values())),
        )
        for item in items
    ]
    return _table(("premise", "hypothesis", "label", "it said", "as sure as"), rows, words=4)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str = "", words: int = 1) -> Table:
    from ltp.reproduce.report.document import Table, TableCell

    return Table(columns, [[TableCell(text) for text in row] for row in rows], caption, words)
