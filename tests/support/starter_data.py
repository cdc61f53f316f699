"""A folder of sources as a starter is made from, in every layout that the shipped recipes name, made up from a seed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from support.benchmarks import pairs

FIRST_ID = 100
PREMISES = 24
RECIPE = """
name = "tiny"
about = "A starter of made-up words."
dev_share = 0.25

[[sources]]
name = "xnli"
licence = "CC BY-NC 4.0"
file = ["xnli/dev-{lang}.tsv"]
languages = ["en", "es", "sw"]
parallel = true
languages_a_row = 2
pivot = "en"

[[sources]]
name = "indonli"
licence = "CC BY-SA 4.0"
file = ["indonli/absent.jsonl", "indonli/train.jsonl"]
languages = ["id"]
rows = 20

[[sources]]
name = "americasnli"
licence = "CC BY-SA 4.0"
file = ["americasnli/dev/{lang}.tsv"]
languages = ["quy"]
translates = "xnli"
first_id = 100

[[sources]]
name = "afrixnli"
licence = "Apache 2.0"
file = ["afrixnli/dev/{lang}.csv"]
languages = ["hau"]
translates = "xnli"
pivot = "eng"

[[tests]]
name = "xnli"
file = ["xnli/test-{lang}.tsv"]
languages = ["en", "ur"]

[mlm]
epochs = 1
sample = 40

[ticket]
active_ratio = 0.05

[training]
epochs = 1
learning_rate = 1e-3
schedule = "linear"
"""
"""For the files below: AmericasNLI has the first third of XNLI's premises, AfriXNLI the third before the last."""


def write_sources(data: Path) -> Path:
    """Write XNLI in three languages, its translations, and one source of its own."""
    for language in ("en", "es", "sw"):
        _write_rows(data / f"xnli/dev-{language}.tsv", pairs(PREMISES, seed=0, language=language))
    _write_rows(data / "xnli/test-en.tsv", pairs(4, seed=9, language="en"))
    own = [
        {"premise": f"yes {premise}", "hypothesis": hypothesis, "label": label[0]}
        for premise, hypothesis, label in pairs(12, seed=5, language="en")
    ]
    (data / "indonli").mkdir()
    (data / "indonli/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own), "utf-8")
    third = PREMISES  # three pairs a premise
    american = [
        (FIRST_ID + number, "quy", f"mbwa {premise}", hypothesis, label)
        for number, (premise, hypothesis, label) in enumerate(pairs(PREMISES, seed=0, language="sw")[:third])
    ]
    lines = ["id\tlanguage\tpremise\thypothesis\tlabel", *("\t".join(map(str, row)) for row in american)]
    (data / "americasnli/dev").mkdir(parents=True)
    (data / "americasnli/dev/quy.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    part = slice(third, 2 * third)
    (data / "afrixnli/dev").mkdir(parents=True)
    _write_csv(data / "afrixnli/dev/eng.csv", pairs(PREMISES, seed=0, language="en")[part])
    swahili = pairs(PREMISES, seed=0, language="sw")[part]
    african = [(f"maji {premise}", hypothesis, label) for premise, hypothesis, label in swahili]
    _write_csv(data / "afrixnli/dev/hau.csv", african)
    return data


def write_multinli(data: Path, languages: Iterable[str], *, layout: str = "jsonl") -> Path:
    """Write MultiNLI's training set as it is published, every fourth pair without a gold label, and XNLI beside it."""
    keys = ["gold_label", "sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse", "sentence2_parse"]
    keys += ["sentence1", "sentence2", "promptID", "pairID", "genre", "label1"]
    rows = []
    for number, (premise, hypothesis, label) in enumerate(pairs(8, seed=3, language="en")):
        told = "-" if number % 4 == 3 else label
        cells = [
            told,
            "( a )",
            "( b )",
            "(ROOT)",
            "(ROOT)",
            f'The "{premise}',
            hypothesis,
            "1",
            f"{number}n",
            "fiction",
        ]
        rows.append(dict(zip(keys, [*cells, label], strict=True)))
    lines = [json.dumps(row) for row in rows]
    if layout == "txt":
        lines = ["\t".join(keys), *("\t".join(row.values()) for row in rows)]
    (data / "multinli").mkdir(parents=True)
    (data / f"multinli/multinli_1.0_train.{layout}").write_text("\n".join(lines) + "\n", "utf-8")
    for language in languages:
        _write_rows(data / f"xnli/dev-{language}.tsv", pairs(6, seed=0, language=language))
    return data


def write_recipe(path: Path, changes: Mapping[str, str] | None = None) -> Path:
    """Write the recipe with some of its text replaced."""
    text = RECIPE
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return path


def _write_rows(path: Path, rows: list[tuple[str, str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(row) + "\n" for row in rows), "utf-8")


def _write_csv(path: Path, rows: list[tuple[str, str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("premise", "hypothesis", "label"), *rows])
