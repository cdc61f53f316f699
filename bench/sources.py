"""Public sets of sentence pairs: where they come from, what their labels mean, and what somebody types to read them.

Each file is read here in a way that shares nothing with the product's reader: whoever wrote the rows below looked at
the file and says which columns hold what.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from ltp.config import Label

Rows = Iterator[Mapping[str, Any]]
csv.field_size_limit(2**24)

THREE: dict[str, Label] = {"entailment": "entailment", "neutral": "neutral", "contradiction": "contradiction"}
ENC: dict[str, Label] = {"e": "entailment", "n": "neutral", "c": "contradiction"}
TWO: dict[str, Label] = {"entailment": "entailment", "not_entailment": "not_entailment"}


def lines(path: Path) -> Rows:
    """A JSON object a line."""
    yield from (json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip())


def array(path: Path) -> Rows:
    """One JSON array."""
    yield from json.loads(path.read_text(encoding="utf-8"))


def commas(path: Path) -> Rows:
    """Cells between commas, quoted where they hold one."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        yield from csv.DictReader(file)


def quoted_tabs(path: Path) -> Rows:
    """Cells between tabs, quoted where they hold one."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        yield from csv.DictReader(file, delimiter="\t")


def tabs(path: Path) -> Rows:
    """Cells between tabs; a quote is a quote."""
    header, *rows = _plain(path)
    yield from (dict(zip(header, cells, strict=False)) for cells in rows)


def bare_tabs(path: Path) -> Rows:
    """The same without a header."""
    yield from ({str(number): cell for number, cell in enumerate(cells, start=1)} for cells in _plain(path))


def parted(path: Path) -> Rows:
    """Both texts in one cell, around <sep>, and the label in the next."""
    for cells in _plain(path):
        premise, hypothesis = cells[0].split("<sep>")
        yield {"1": premise, "2": hypothesis, "3": cells[1]}


def pairs(path: Path) -> Rows:
    """RTE's XML: pairs with the label as an attribute, t and h inside."""
    for pair in ET.parse(path).iter("pair"):  # noqa: S314  files that somebody fetched to look at
        yield {**pair.attrib, "t": pair.findtext("t"), "h": pair.findtext("h")}


def _plain(path: Path) -> list[list[str]]:
    text = path.read_text(encoding="utf-8-sig")
    return [line.removesuffix("\r").split("\t") for line in text.split("\n") if line.strip()]


@dataclass(frozen=True)
class Source:
    """Files of one shape."""

    files: str
    """Below the folder; `*` stands for any part of a name."""
    repository: str
    licence: str
    lang: str
    """The language an adapter would be trained for; several where a column says each row's."""
    rows: Callable[[Path], Rows] | None = None
    """How to read the file; None for what holds no pairs with labels."""
    columns: tuple[str, str, str | None] = ("premise", "hypothesis", "label")
    words: Mapping[str, Label] | None = None
    """What the source's words say; THREE when nothing else is said. Others are no label."""
    options: str = ""
    """What is typed besides the language where the file alone is refused."""
    language: str | None = None
    """The column that says each row's language."""


_INDONLI = "ir-nlp-csui/indonli"
_JSICK = ("sentence_A_Ja", "sentence_B_Ja", "entailment_label_Ja")
_MYXNLI = ("akhtet/myXNLI", "CC BY-NC 4.0")
_NLI_DATASETS = ("felipessalvatore/NLI_datasets", "MIT", "en")
_CC_BY_SA = "CC BY-SA 4.0"

SOURCES = (
    Source("americasnli/anli.*.tsv", "abteen/americasnli", _CC_BY_SA, "aym bzd cni gn hch nah oto quy shp tar", tabs,
           options="--lang-column language", language="language"),
    Source("americasnli/nah.tsv", "abteen/americasnli", _CC_BY_SA, "nah", tabs),
    Source("americasnli/*/*.tsv", "abteen/americasnli", _CC_BY_SA, "{stem}", tabs),
    Source("afrixnli/*/*.csv", "masakhane-io/masakhane-nlu", "Apache 2.0", "{stem}", commas),
    Source("assin/assin-ptbr-train.xml", "ruanchaves/assin", "MIT (repository)", "pt", pairs, ("t", "h", "entailment"),
           {"Entailment": "entailment", "Paraphrase": "entailment", "None": "not_entailment"},
           '--labels "Entailment=entailment,Paraphrase=entailment,None=not_entailment"'),
    Source("assin/assin2-train.xml", "ruanchaves/assin", "MIT (repository)", "pt", pairs, ("t", "h", "entailment"),
           {"Entailment": "entailment", "None": "not_entailment"},
           '--labels "Entailment=entailment,None=not_entailment"'),
    Source("banglabert/*.jsonl", "csebuetnlp/banglabert", "CC BY-NC-SA 4.0", "bn", lines,
           ("sentence1", "sentence2", "label")),
    Source("commitmentbank/*.csv", "mcdm/CommitmentBank", "not stated", "en"),
    Source("farstail/*.csv", "dml-qom/FarsTail", "Apache 2.0", "fa", quoted_tabs, words=ENC),
    Source("hebnli/HebNLI_test.jsonl", "NNLP-IL/HebNLI", "not stated", "he", lines,
           ("translation1", "translation2", "hebrew_label"),
           options="--columns premise=translation1,hypothesis=translation2,label=hebrew_label"),
    Source("hebnli/HebNLI_val.jsonl", "NNLP-IL/HebNLI", "not stated", "he", lines,
           ("translation1", "translation2", "original_label"),
           options="--columns premise=translation1,hypothesis=translation2"),
    Source("hindinli/*.tsv", "midas-research/hindi-nli-data", "MIT", "hi", tabs,
           ("Context", "Hypothesis", "Entailment_Label"),
           {"entailed": "entailment", "not-entailed": "not_entailment"}),
    Source("hurte/rte_test.json", "nytud/HuRTE", _CC_BY_SA, "hu", array, ("premise", "hypothesis", None)),
    Source("hurte/*.json", "nytud/HuRTE", _CC_BY_SA, "hu", array, words={"1": "entailment", "0": "not_entailment"},
           options="--labels ne,e"),
    Source("indicxnli/*.xlsx", "divyanshuaggarwal/IndicXNLI", "MIT (repository)", "as"),
    Source("indonli/diagnostic.jsonl", _INDONLI, "CC BY-SA 3.0 and others", "id", array, words=ENC),
    Source("indonli/*.jsonl", _INDONLI, "CC BY-SA 3.0 and others", "id", lines, words=ENC),
    Source("jampatois/*.csv", "ruth-ann/jampatoisnli", "not stated", "jam", commas),
    Source("janli/janli.tsv", "verypluming/JaNLI", _CC_BY_SA, "ja", tabs,
           ("sentence_A_Ja", "sentence_B_Ja", "entailment_label_Ja"),
           {"entailment": "entailment", "non-entailment": "not_entailment"}),
    Source("jnli/*.json", "yahoojapan/JGLUE", _CC_BY_SA, "ja", lines, ("sentence1", "sentence2", "label")),
    Source("jsick/*.tsv", "verypluming/JSICK", "CC BY 4.0", "ja", tabs, _JSICK),
    Source("klue/*.json", "KLUE-benchmark/KLUE", _CC_BY_SA, "ko", array, ("premise", "hypothesis", "gold_label")),
    Source("kornli/*.tsv", "kakaobrain/KorNLUDatasets", _CC_BY_SA, "ko", tabs,
           ("sentence1", "sentence2", "gold_label")),
    Source("med/MED.tsv", "verypluming/MED", _CC_BY_SA, "en", tabs, ("sentence1", "sentence2", "gold_label"),
           {"entailment": "entailment", "neutral": "not_entailment"}, "--label-space two_way"),
    Source("meta4xnli/*.tsv", "elisanchez-beep/meta4xnli", "Apache 2.0 (repository)", "es en", tabs,
           ("sentence1", "sentence2", "gold_label"), options="--lang-column language", language="language"),
    Source("myxnli/my.*.tsv", *_MYXNLI, "my", tabs, ("sentence1_my", "sentence2_my", "label")),
    Source("myxnli/sw.*.tsv", *_MYXNLI, "sw", tabs, ("sentence1_sw", "sentence2_sw", "label")),
    Source("myxnli/ur.*.tsv", *_MYXNLI, "ur", tabs, ("sentence1_ur", "sentence2_ur", "label")),
    Source("nlids-*/*.csv", *_NLI_DATASETS, commas, words=THREE | TWO),
    Source("ocnli/*.json", "CLUEbenchmark/OCNLI", "CC BY-NC 2.0", "zh", lines, ("sentence1", "sentence2", "label")),
    Source("parsinlu/*.csv", "persiannlp/parsinlu", "CC BY-NC-SA 4.0", "fa", commas, ("sent1", "sent2", "label"), ENC),
    Source("parsinlu/*.tsv", "persiannlp/parsinlu", "CC BY-NC-SA 4.0", "fa", parted, ("1", "2", "3"), ENC),
    Source("ronli/*.json", "Eduard6421/RONLI", "CC BY-NC-SA 4.0", "ro", array, ("sentence1", "sentence2", "label"),
           {"0": "contradiction", "1": "entailment", "2": "entailment", "3": "neutral"},
           "--labels 0=contradiction,1=entailment,2=entailment,3=neutral"),
    Source("sicknl/*.txt", "gijswijnholds/sick_nl", "MIT (repository)", "nl", tabs,
           ("sentence_A", "sentence_B", "entailment_label"), {word.upper(): label for word, label in THREE.items()}),
    Source("wrete/*.csv", "IndoNLP/indonlu", "Apache 2.0 (repository)", "id", commas, ("sent_A", "sent_B", "label"),
           {"Entail_or_Paraphrase": "entailment", "NotEntail": "not_entailment"}),
    Source("xnli/*.tsv", "facebookresearch/XNLI", "CC BY-NC 4.0", "{stem}", bare_tabs, ("1", "2", "3")),
)  # fmt: skip


def source_of(name: str) -> Source | None:
    """The first source that a file of a folder belongs to, by its path below the folder."""
    return next((source for source in SOURCES if Path(name).match(source.files)), None)
