"""What has to be known before a figure is believed: bounds, where the data differ from the paper's, what is missing."""

from __future__ import annotations

from collections.abc import Iterator

from ltp.reproduce.data.text import WIKITEXT
from ltp.reproduce.plan.bounds import differences
from ltp.reproduce.plan.cell import EvaluationCell
from ltp.reproduce.plan.rates import written
from ltp.reproduce.plan.variant import Variant
from ltp.reproduce.report import paper, wording
from ltp.reproduce.report.document import Items, Section, Table, TableCell, Text
from ltp.reproduce.report.subject import Subject
from ltp.text.examples import shared_premises

MINI = "mini"
FEW_SEEDS = 3
SATURATED = 0.9
"""A ticket with this share of all that moved has hardly selected anything."""


def sections(subject: Subject) -> Iterator[Section]:
    """Bounds, then everything else, then how rates were chosen."""
    bounded = differences(subject.full, subject.experiment)
    if bounded:
        lead = Text("This run does less than the experiment as it is written:")
        yield Section("What was bounded", [lead, Items(bounded)])
    yield Section("Before reading the figures", [Items([*_notes(subject)])])
    if rates := _rates(subject):
        lead = Text(
            "Each method was trained at every rate of the grid at one K with seed 0; the rate with the highest accuracy"
            " on the development examples was chosen, of equals the one with the lower loss. Test pairs played no part."
            " The development set is as small as the training set, so the choice is a noisy one."
        )
        yield Section("Learning rates", [lead, rates])


def _notes(subject: Subject) -> Iterator[str]:
    if len(subject.done) < subject.total:
        yield f"Unfinished: {len(subject.done)} of {subject.total} cells are done; figures may still change."
    yield from _on_backbone(subject)
    yield from _on_training_data(subject)
    yield from _on_scoring(subject)
    yield from _on_tickets(subject)
    yield f"The paper is {paper.source()}. It prints no standard deviations."
    for name in dict.fromkeys(setting.paper for setting in subject.experiment.settings if setting.paper):
        yield from (f"{paper.table(name).caption}: {note}" for note in paper.table(name).notes)
    if subject.experiment.settings and subject.experiment.seeds < FEW_SEEDS:
        yield f"{wording.count(subject.experiment.seeds, 'seed')}: no order of methods can be founded on so few."


def _on_backbone(subject: Subject) -> Iterator[str]:
    name = subject.backbone.name
    if not subject.is_paper_backbone:
        yield (
            f"The paper's figures are of XLM-R base and these of {name}: a difference between them is one between two"
            " models, and says nothing on whether the paper can be reproduced."
        )
    if name == MINI:
        yield (
            "mini's MLM adaptation has seen the sentences of XNLI's development sets and of WikiText-2, without labels."
            " The model it comes from was trained for sentence embeddings, also on labelled pairs."
        )


def _on_training_data(subject: Subject) -> Iterator[str]:
    settings = subject.experiment.settings
    if any(setting.pool == "xnli" for setting in settings):
        yield (
            "Shots are drawn from XNLI's development set, in English or as translated. The paper draws them from"
            " MultiNLI's training set; it is another sample of another collection."
        )
    if settings:
        yield (
            "Each seed draws its own sample, the same for every method: whole premises are dealt to training and"
            " development by seed, then K of each label are taken from each side; no premise is on both."
        )
    text = subject.text
    if text and subject.grid.tickets:
        used = min(text.count, subject.experiment.sentences)
        held = "WikiText-2" if text.name == WIKITEXT else text.name
        yield (
            f"Drifts are measured on {used:,} of the {text.count:,} sentences of {held}; the paper takes 300,000"
            " sentences of English Wikipedia. On a small text few embedding rows move, so small ratios tell the most."
        )


def _on_scoring(subject: Subject) -> Iterator[str]:
    for setting in subject.experiment.settings:
        if missing := subject.grid.missing[setting.name]:
            count = len(subject.grid.scored[setting.name])
            yield (
                f"{setting.title}: no test file of {', '.join(missing)}; averages, the paper's among them, cover the"
                f" other {count}."
            )
    if any(setting.test == "americasnli" for setting in subject.experiment.settings):
        yield "AmericasNLI is scored on its test files only: its development files translate XNLI's development set."
        quoted = paper.table("table2-reference")
        row = ", ".join(f"{language} {quoted.figure(None, 'ft', language):.2f}" for language in quoted.languages)
        yield f"The paper quotes beside its own: {quoted.caption}: {row}; average {quoted.averages[None, 'ft']:.2f}."
    yield from _on_pairs(subject)
    yield from _on_overlap(subject)
    yield from (note for suite in subject.grid.data.opened for note in suite.notes())


def _on_pairs(subject: Subject) -> Iterator[str]:
    """What the scored pairs are, and whether any was cut."""
    if not subject.experiment.settings:
        return
    yield "With three labels, guessing is right in 33.3 % of the pairs on average."
    if subject.experiment.pairs is not None:
        yield "The test pairs are the first of each file and no random sample of it; pairs of a premise stand together."
    outcomes = [record.outcome for record in subject.done if record.kind == EvaluationCell.kind]
    if cut := sum(outcome.get("truncated", 0) for outcome in outcomes):
        answers = sum(score["pairs"] for outcome in outcomes for score in outcome["languages"].values())
        yield f"{cut:,} of {answers:,} answers are to texts that were cut to fit."


def _on_overlap(subject: Subject) -> Iterator[str]:
    """Premises that are in the file shots are drawn from and in the test file of the same language."""
    data = subject.grid.data
    files = {
        (draw.suite, setting.test, draw.language)
        for setting in subject.experiment.settings
        for draw in subject.grid.draws
        if draw.suite == setting.pool and draw.language in subject.grid.scored[setting.name]
    }
    for pool, test, language in sorted(files):
        dev, scored = data.suite(pool).file("dev", language), data.suite(test).file("test", language)
        if shared := shared_premises(dev.examples, scored.examples):
            yield f"{wording.count(len(shared), 'premise')} of {scored.name} stand in {dev.name}, too."


def _on_tickets(subject: Subject) -> Iterator[str]:
    for variant, cell in subject.grid.tickets.items():
        outcome = subject.results.outcomes.get(cell.id, {})
        if outcome.get("zero_drift"):
            yield (
                f"{variant.label}: {outcome['zero_drift']:,} of {outcome['active']:,} active parameters never moved in"
                " the MLM run; they fill the ticket up by order. It holds everything that moved and selects nothing."
            )
        elif outcome and outcome["active"] >= SATURATED * outcome["moved"]:
            yield (
                f"{variant.label} takes {wording.percent(outcome['active'] / outcome['moved'])} % of all that moved in"
                " the MLM run: it selects next to nothing, and is where the text reached rather than a winning ticket."
            )


def _rates(subject: Subject) -> Table | None:
    choices = subject.results.choices
    if not any(choice.scores for choice in choices.values()):
        return None
    rates = subject.experiment.rates
    rows = []
    for search in subject.grid.searches:
        choice = choices.get((search.setting, search.variant))
        if choice is None:
            continue
        tried = {score.rate: score for score in choice.scores}
        cells = [_tried(tried[rate].accuracy if rate in tried else None) for rate in rates]
        rows.append([*_words(search.setting, search.variant, search.shots), *cells, TableCell(written(choice.rate))])
    columns = ["setting", "method", "K", *(f"dev. accuracy at {written(rate)}" for rate in rates), "chosen"]
    return Table(columns, rows, words=3)


def _words(setting: str, variant: Variant, shots: int) -> list[TableCell]:
    return [TableCell(setting), TableCell(variant.label), TableCell(str(shots))]


def _tried(accuracy: float | None) -> TableCell:
    return TableCell("diverged" if accuracy is None else wording.percent(accuracy))
