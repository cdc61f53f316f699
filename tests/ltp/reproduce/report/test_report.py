"""The report: the figures of the ledger beside the paper's, nothing unsaid, and no text taken for markup."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Protocol
from xml.etree import ElementTree as ET

import pytest
from support.reproducing import IDENTITY, MadeUpExecutor, grid_of, setting, small

from ltp.backbone.load import Backbone
from ltp.reproduce.data.text import read_text
from ltp.reproduce.plan.bounds import Bounds
from ltp.reproduce.plan.cell import EvaluationCell
from ltp.reproduce.plan.experiment import Experiment
from ltp.reproduce.plan.variant import Variant
from ltp.reproduce.report import contents, figures, html, markdown, ranking
from ltp.reproduce.report.folder import write
from ltp.reproduce.report.report_source import ReportSource
from ltp.reproduce.report.results import Results
from ltp.reproduce.report.statistics import Interval
from ltp.reproduce.run.ledger import CellRecord, Ledger
from ltp.reproduce.run.runner import ExperimentRunner

pytestmark = pytest.mark.slow
BASE = {
    "name": "FacebookAI/xlm-roberta-base@" + "e" * 40,
    "layers": 12,
    "hidden": 768,
    "vocabulary": 250002,
}
EVIL = '<script>alert("x")</script> | [a](javascript:b) `c` & _d_'


class Tell(Protocol):
    """Makes what a report of made-up results is about."""

    def __call__(
        self, full: Experiment, *, bounds: Bounds | None = None, unfinished: bool = False, **backbone: object
    ) -> ReportSource: ...


@pytest.fixture
def tell(data: Path, tmp_path: Path, tiny_backbone: Backbone) -> Tell:
    """`backbone` changes what the tiny one says of itself."""

    def made(
        full: Experiment, *, bounds: Bounds | None = None, unfinished: bool = False, **backbone: object
    ) -> ReportSource:
        grid, text = grid_of((bounds or Bounds()).applied(full), data), read_text(data, None, sentences=40)
        executor = MadeUpExecutor()
        with Ledger(tmp_path / "ledger", IDENTITY) as ledger:
            ExperimentRunner(grid, ledger, executor).run()
            records: dict[str, CellRecord] = dict(ledger.records)
        if unfinished:
            last = [cell for cell in grid.cells(ledger.outcomes) if isinstance(cell, EvaluationCell)][-1]
            del records[last.id]
        outcomes = {name: record.outcome for name, record in records.items()}
        info = dataclasses.replace(tiny_backbone.info, **{"name": "tiny", **backbone})  # type: ignore[arg-type]
        command = "ltp reproduce small"
        return ReportSource(full, Results(grid, outcomes), records, IDENTITY, info, text, executor.facts(), command)

    return made


class Page(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_figures_are_those_of_the_ledger_beside_the_papers(tell: Tell) -> None:
    source = tell(small())
    lines = {(line["track"], line["method"], line["shots"]): line for line in contents.facts(source)["lines"]}

    assert len(lines) == 2 * 3 * 2
    for line in lines.values():
        by_seed = line["languages"]["en"]["seeds"]
        assert line["languages"]["en"]["mean"] == pytest.approx(mean(by_seed.values()))
        assert line["languages"]["en"]["sd"] == pytest.approx(stdev(by_seed.values()))
        assert set(line["languages"]) == {"en", "es"}
    ltp = lines["paper", "ltp@20", 4]
    assert ltp["languages"]["en"]["paper"] == pytest.approx(0.4329)
    assert ltp["average"]["paper"] == pytest.approx((0.4329 + 0.3894) / 2)
    assert lines["paper", "pt", 4]["average"]["paper"] is None


def test_an_average_is_over_every_scored_language_and_by_seed(tell: Tell) -> None:
    source = tell(small(), unfinished=True)
    setting_of = source.experiment.settings[0]
    seeds = [len(line.whole) for line in source.results.lines(setting_of, "paper")]
    best = [len(line.whole) for line in source.results.lines(setting_of, "best")]

    assert min([*seeds, *best]) == 1
    said = markdown.render(contents.document(source))
    assert "Unfinished:" in said
    assert "1 of 2 seeds" in said


def test_the_best_is_bold_and_the_second_underlined(tell: Tell) -> None:
    source = tell(small())
    line = max(
        (line for line in source.results.lines(source.experiment.settings[0], "paper", 4)),
        key=lambda each: each.average.mean if each.average else 0,
    )
    assert line.average is not None
    best = f"{100 * line.average.mean:.1f} ± {100 * (line.average.sd or 0):.1f}"

    said, page = markdown.render(contents.document(source)), html.render(contents.document(source))

    assert f"**{best}**" in said
    assert f'<span class="best">{best}</span>' in page
    assert "<ins>" in said
    assert '<span class="second">' in page


def test_everything_a_reader_must_know_is_said(tell: Tell) -> None:
    full = small(seeds=5, pairs=None)
    bounds = Bounds(seeds=2, pairs=20)
    said = markdown.render(contents.document(tell(full, bounds=bounds)))

    for words in (
        "Seeds: 2 instead of 5.",
        "Test pairs a language: the first 20 instead of all.",
        "no test file of sw; averages, the paper's among them, cover the other 2",
        "MultiNLI's training set",
        "The paper's figures are of XLM-R base and these of tiny",
        "Drifts are measured on 40 of the 60 sentences of WikiText-2",
        "xnli: the test files hold 72 of the 5,010 pairs",
        "It prints no standard deviations",
        "the mean of the fifteen figures beside it is 41.16",
        "2 seeds: no order of methods can be founded on so few",
        "peak memory | 100 MB",
        "command | ltp reproduce small",
        "guessing is right in 33.3 %",
        "The test pairs are the first of each file",
        "cells finished | 20",
        "text form | 0: texts as they are",
    ):
        assert words in said, words


def test_mini_says_what_it_has_seen(tell: Tell) -> None:
    said = markdown.render(contents.document(tell(small(), name="mini")))

    assert "mini's MLM adaptation has seen the sentences of XNLI's development sets and of WikiText-2" in said


@pytest.mark.slow
def test_only_the_papers_backbone_is_held_against_the_paper(tell: Tell) -> None:
    base = markdown.render(contents.document(tell(small(), **BASE)))
    tiny = markdown.render(contents.document(tell(small())))

    assert re.search(r"paper \d+\.\d\d, [+−]\d+\.\d, (within|outside)", base)
    assert not re.search(r"(within|outside)</sub>", tiny)
    assert "these of" not in base
    assert not tell(small(), **{**BASE, "hidden": 384}).is_paper_backbone


def test_a_page_needs_nothing_and_runs_nothing(tell: Tell) -> None:
    evil = setting(title=EVIL)
    source = tell(small(title=EVIL, about=EVIL, settings=(evil,)))
    text = html.render(contents.document(source))
    page = Page(text)

    assert "script" not in page.tags
    assert not {"link", "iframe", "object", "embed", "form", "base"} & set(page.tags)
    assert any(EVIL in said for said in page.texts)
    sources = [value for name, value in page.attributes if name in {"src", "href", "data", "action"}]
    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", text)


def test_markdown_takes_no_text_for_markup(tell: Tell) -> None:
    source = tell(small(title=EVIL, settings=(setting(title=EVIL),)))
    said = markdown.render(contents.document(source))

    assert "<script" not in said.replace("\\<", "")
    assert markdown.escape("a|b\n*c*") == r"a\|b \*c\*"
    rows = [line for line in said.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert all(width > 2 for width in widths)


def test_orders_are_told_with_intervals_and_tests(tell: Tell) -> None:
    source = tell(small())
    standings = contents.facts(source)["standings"]

    assert [(each["track"], each["shots"]) for each in standings] == [
        (track, shots) for track in ("paper", "best") for shots in (1, 4, None)
    ]
    for each in standings:
        assert list(each["means"].values()) == sorted(each["means"].values(), reverse=True)
        assert len(each["comparisons"]) == 3
        for comparison in each["comparisons"]:
            assert comparison["interval"]["low"] <= comparison["difference"] <= comparison["interval"]["high"]
            assert comparison["p"] <= comparison["adjusted"] <= 1
    assert len(contents.summary(source)) == 2


def test_an_order_says_which_methods_may_be_guessing(tell: Tell) -> None:
    (found, *_) = tell(small()).results.standings(setting(), "paper")
    certain = {key: Interval(0.4, 0.5) for key in found.intervals}

    assert ranking.sentence(dataclasses.replace(found, intervals=certain)).endswith("from 2 seeds.")
    one = dataclasses.replace(found, intervals={**certain, "pt": Interval(0.3, 0.5)})
    assert ranking.sentence(one).endswith("No better than guessing (33.3), as far as this shows: PT.")


def test_a_ticket_of_all_that_moved_is_called_so(tell: Tell) -> None:
    source = tell(small())
    ticket = source.results.outcomes[source.grid.tickets[Variant.parse("ltp@20")].id]
    assert "of all that moved" not in markdown.render(contents.document(source))

    ticket["moved"] = 10
    assert "LTP 20 % takes 100.0 % of all that moved" in markdown.render(contents.document(source))


def test_answers_to_cut_texts_are_counted(tell: Tell) -> None:
    source = tell(small())
    next(record for record in source.done if record.kind == "evaluation").outcome["truncated"] = 3

    assert "3 of 960 answers are to texts that were cut" in markdown.render(contents.document(source))


@pytest.mark.slow
def test_the_files_are_whole_and_stale_drawings_go(tell: Tell, tmp_path: Path) -> None:
    source = tell(small())
    folder = tmp_path / "report"
    drawings = folder / "figures" / "small"
    drawings.mkdir(parents=True)
    (drawings / "stale.svg").write_text("", encoding="utf-8")

    written = write(source, folder)

    assert [path.name for path in written] == ["small.md", "small.html", "small.json"]
    drawn = {path.name for path in drawings.iterdir()}
    assert drawn == {"zero-shot-paper-shots.svg", "zero-shot-best-shots.svg", "distribution.svg"}
    for name in drawn:
        assert f"figures/small/{name}" in written[0].read_text(encoding="utf-8")
    facts = json.loads(written[2].read_text(encoding="utf-8"))
    assert {sample["shots"] for sample in facts["samples"]} == {1, 4}
    assert all(len(sample["train"]) == 3 * sample["shots"] for sample in facts["samples"])
    assert facts["cells"] == {"done": facts["cells"]["total"], "total": facts["cells"]["total"]}


def test_drawings_are_svg_and_the_same_each_time() -> None:
    curve = figures.Curve("LTP 20 %: $x_1$ <b>", [1, 4], [0.3, 0.4], [0.01, None], [None, 0.5])
    layers = [{"layer": layer, "share": 0.5} for layer in ("embeddings", 1)]

    first, second = (figures.curves("c", [curve], x="K", doubling=True) for _ in range(2))
    ticket = figures.distribution("d", {"tied": layers, "decoupled": layers})

    assert first == second
    for svg in (first, ticket):
        root: Any = ET.fromstring(svg)  # noqa: S314  our own
        assert root.tag.endswith("svg")
        assert not [
            value for element in root.iter() for name, value in element.items() if "href" in name and "#" not in value
        ]


def test_a_curve_over_ratios_is_drawn_for_three_of_them(tell: Tell) -> None:
    methods = tuple(map(Variant.parse, ("ltp@5", "ltp@20", "ltp@75", "ltp@20:tied")))
    source = tell(small(settings=(setting(methods=methods, shots=(4,)),), rates=()))

    assert [figure.name for figure in contents.document(source).figures] == ["zero-shot-paper-ratios", "distribution"]


def test_tickets_alone_make_a_report(tell: Tell) -> None:
    tickets = tuple(map(Variant.parse, ("ltp@20:tied", "ltp@20", "ltp@20:frozen_embeddings")))
    said = markdown.render(contents.document(tell(small(settings=(), tickets=tickets))))

    assert "| LTP 20 %, tied | 10 | 100 | 50 | 0 | 50.0 % | 69 % |" in said
    assert "| LTP 20 % | 10 | 100 | 50 | 0 | 50.0 % | 39 % |" in said
    assert "Order of the methods" not in said


def test_table2_quotes_the_model_that_saw_everything(tell: Tell) -> None:
    own = setting(test="americasnli", languages=("aym", "quy"), paper="table2-english")
    said = markdown.render(contents.document(tell(small(settings=(own,)))))

    assert "AmericasNLI is scored on its test files only" in said
    assert "fine-tuned on 390,000 English pairs" in said
    assert "average 38.48" in said
