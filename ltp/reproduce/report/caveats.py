"""What limits the figures: bounds, data that differ from the paper's, files that are missing."""

from __future__ import annotations

from collections.abc import Iterator

from ltp.reproduce.data.text import WIKITEXT
from ltp.reproduce.plan.bounds import differences
from ltp.reproduce.plan.cell import EvaluationCell
from ltp.reproduce.plan.rates import format_rate
from ltp.reproduce.plan.variant import Variant
from ltp.reproduce.report import formats, paper
from ltp.reproduce.report.document import Items, Section, Table, TableCell, Text
from ltp.reproduce.report.report_source import ReportSource
from ltp.text.examples import shared_premises

MINI = "mini"
FEW_SEEDS = 3
SATURATED = 0.9
"""A ticket with this share of all that moved has hardly selected anything."""


def sections(source: ReportSource) -> Iterator[Section]:
    """Bounds, then everything else, then how rates were chosen."""
    bounded = differences(source.full, source.experiment)
    if bounded:
        lead = Text("This run does less than the experiment as it is written:")
        yield Section("What was bounded", [lead, Items(bounded)])
    yield Section("Before reading the figures", [Items([*_caveats(source)])])
    if rates := _rates(source):
        lead = Text(
            "Each method was trained at every rate of the grid at one K with seed 0; the rate with the highest accuracy"
            " on the development examples was chosen, of equals the one with the lower loss. Test pairs played no part."
            " The development set is as small as the training set, so the choice is a noisy one."
        )
        yield Section("Learning rates", [lead, rates])


def _caveats(source: ReportSource) -> Iterator[str]:
    if len(source.done) < source.total:
        yield f"Unfinished: {len(source.done)} of {source.total} cells are done; figures may still change."
    yield from _on_backbone(source)
    yield from _on_training_data(source)
    yield from _on_scoring(source)
    yield from _on_tickets(source)
    yield f"The paper is {paper.source()}. It prints no standard deviations."
    for name in dict.fromkeys(setting.paper for setting in source.experiment.settings if setting.paper):
        yield from (f"{paper.table(name).caption}: {note}" for note in paper.table(name).notes)
    if source.experiment.settings and source.experiment.seeds < FEW_SEEDS:
        yield f"{formats.count(source.experiment.seeds, 'seed')}: no order of methods can be founded on so few."


def _on_backbone(source: ReportSource) -> Iterator[str]:
    name = source.backbone.name
    if not source.is_paper_backbone:
        yield (
            f"The paper's figures are of XLM-R base and these of {name}: a difference between them is one between two"
            " models, and says nothing on whether the paper can be reproduced."
        )
    if name == MINI:
        yield (
            "mini's MLM adaptation has seen the sentences of XNLI's development sets and of WikiText-2, without labels."
            " The model it comes from was trained for sentence embeddings, also on labelled pairs."
        )


def _on_training_data(source: ReportSource) -> Iterator[str]:
    settings = source.experiment.settings
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
    text = source.text
    if text and source.grid.tickets:
        used = min(text.count, source.experiment.sentences)
        held = "WikiText-2" if text.name == WIKITEXT else text.name
        yield (
            f"Drifts are measured on {used:,} of the {text.count:,} sentences of {held}; the paper takes 300,000"
            " sentences of English Wikipedia. On a small text few embedding rows move, so small ratios tell the most."
        )


def _on_scoring(source: ReportSource) -> Iterator[str]:
    for setting in source.experiment.settings:
        if missing := source.grid.missing[setting.name]:
            count = len(source.grid.scored[setting.name])
            yield (
                f"{setting.title}: no test file of {', '.join(missing)}; averages, the paper's among them, cover the"
                f" other {count}."
            )
    if any(setting.test == "americasnli" for setting in source.experiment.settings):
        yield "AmericasNLI is scored on its test files only: its development files translate XNLI's development set."
        quoted = paper.table("table2-reference")
        row = ", ".join(f"{language} {quoted.figure(None, 'ft', language):.2f}" for language in quoted.languages)
        yield f"The paper quotes beside its own: {quoted.caption}: {row}; average {quoted.averages[None, 'ft']:.2f}."
    yield from _on_pairs(source)
    yield from _on_overlap(source)
    yield from (note for suite in source.grid.data.opened for note in suite.notes())


LOSSES = {"truncated": "that were cut to fit", "unknown": "with words that are not in the backbone's vocabulary"}
"""What an evaluation's outcome counts of what is lost of the texts."""


def _on_pairs(source: ReportSource) -> Iterator[str]:
    """What the scored pairs are, and whether any was cut."""
    if not source.experiment.settings:
        return
    yield "With three labels, guessing is right in 33.3 % of the pairs on average."
    if source.experiment.pairs is not None:
        yield "The test pairs are the first of each file and no random sample of it; pairs of a premise stand together."
    outcomes = [record.outcome for record in source.done if record.kind == EvaluationCell.kind]
    answers = sum(score["pairs"] for outcome in outcomes for score in outcome["languages"].values())
    for name, words in LOSSES.items():
        if lost := sum(outcome.get(name, 0) for outcome in outcomes):
            yield f"{lost:,} of {answers:,} answers are to texts {words}."


def _on_overlap(source: ReportSource) -> Iterator[str]:
    """Premises that are in the file shots are drawn from and in the test file of the same language."""
    data = source.grid.data
    files = {
        (draw.suite, setting.test, draw.language)
        for setting in source.experiment.settings
        for draw in source.grid.draws
        if draw.suite == setting.pool and draw.language in source.grid.scored[setting.name]
    }
    for pool, test, language in sorted(files):
        dev, scored = data.suite(pool).file("dev", language), data.suite(test).file("test", language)
        if shared := shared_premises(dev.examples, scored.examples):
            yield f"{formats.count(len(shared), 'premise')} of {scored.name} stand in {dev.name}, too."


def _on_tickets(source: ReportSource) -> Iterator[str]:
    for variant, cell in source.grid.tickets.items():
        outcome = source.results.outcomes.get(cell.id, {})
        if outcome.get("zero_drift"):
            yield (
                f"{variant.label}: {outcome['zero_drift']:,} of {outcome['active']:,} active parameters never moved in"
                " the MLM run; they fill the ticket up by order. It holds everything that moved and selects nothing."
            )
        elif outcome and outcome["active"] >= SATURATED * outcome["moved"]:
            yield (
                f"{variant.label} takes {formats.percent(outcome['active'] / outcome['moved'])} % of all that moved in"
                " the MLM run: it selects next to nothing, and is where the text reached rather than a winning ticket."
            )


def _rates(source: ReportSource) -> Table | None:
    choices = source.results.choices
    if not any(choice.scores for choice in choices.values()):
        return None
    rates = source.experiment.rates
    rows = []
    for search in source.grid.searches:
        choice = choices.get((search.setting, search.variant))
        if choice is None:
            continue
        tried = {score.rate: score for score in choice.scores}
        cells = [_tried(tried[rate].accuracy if rate in tried else None) for rate in rates]
        rows.append(
            [*_words(search.setting, search.variant, search.shots), *cells, TableCell(format_rate(choice.rate))]
        )
    columns = ["setting", "method", "K", *(f"dev. accuracy at {format_rate(rate)}" for rate in rates), "chosen"]
    return Table(columns, rows, words=3)


def _words(setting: str, variant: Variant, shots: int) -> list[TableCell]:
    return [TableCell(setting), TableCell(variant.label), TableCell(str(shots))]


def _tried(accuracy: float | None) -> TableCell:
    return TableCell("diverged" if accuracy is None else formats.percent(accuracy))
