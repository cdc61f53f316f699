"""Benchmarks in the shape of XNLI, AmericasNLI, AfriXNLI and WikiText-2, made up of the tiny backbone's words."""

from __future__ import annotations

import csv
import random
from pathlib import Path

LABELS = ("entailment", "neutral", "contradiction")
SUBJECTS = [
    "man",
    "woman",
    "boy",
    "girl",
    "child",
    "dog",
    "cat",
    "horse",
    "bird",
    "cow",
    "farmer",
    "teacher",
    "student",
    "doctor",
    "nurse",
    "driver",
    "cook",
]
VERBS = [
    "sleeping",
    "eating",
    "reading",
    "writing",
    "singing",
    "running",
    "walking",
    "sitting",
    "playing",
    "working",
    "buying",
    "selling",
]
PLACES = [
    "market",
    "house",
    "school",
    "road",
    "river",
    "field",
    "garden",
    "kitchen",
    "table",
    "chair",
    "door",
    "window",
]
HYPOTHESES = {"entailment": "yes {0} is {1}", "neutral": "{0} has a {2}", "contradiction": "no {0} is not {1}"}


def pairs(premises: int, *, seed: int, language: str) -> list[tuple[str, str, str]]:
    """Three pairs a premise, one of each label; a quote stands here and there, as in the real files."""
    rng = random.Random(seed)
    rows = []
    for number in range(premises):
        words = (rng.choice(SUBJECTS), rng.choice(VERBS), rng.choice(PLACES))
        premise = f'{language} the {words[0]} is {words[1]} in the {words[2]} {number} "'
        rows += [(premise, HYPOTHESES[label].format(*words), label) for label in LABELS]
    return rows


def write_xnli(
    folder: Path, *, dev: tuple[str, ...] = ("en", "es", "sw"), test: tuple[str, ...] = ("en", "es"), premises: int = 24
) -> Path:
    """`dev-LL.tsv` and `test-LL.tsv`, parallel across languages."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, languages, seed in (("dev", dev, 1), ("test", test, 2)):
        for language in languages:
            rows = pairs(premises, seed=seed, language=language)
            text = "".join("\t".join(row) + "\n" for row in rows)
            (folder / f"{part}-{language}.tsv").write_text(text, encoding="utf-8")
    return folder


def write_americasnli(
    folder: Path, *, dev: tuple[str, ...] = ("aym", "oto", "quy"), test: tuple[str, ...] = ("aym", "quy")
) -> Path:
    """`dev/LL.tsv` and `test/LL.tsv` with header and ids; `oto` has fewer rows, and one test text is blank."""
    for part, languages, first in (("dev", dev, 12451), ("test", test, 25051)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for language in languages:
            rows = pairs(8 if language == "oto" else 16, seed=first, language=language)
            if part == "test" and language == "aym":
                rows[0] = (rows[0][0], "", rows[0][2])
            numbered = [f"{first + index}\t{language}\t" + "\t".join(row) for index, row in enumerate(rows)]
            text = "\n".join(["id\tlanguage\tpremise\thypothesis\tlabel", *numbered]) + "\n"
            (folder / part / f"{language}.tsv").write_text(text, encoding="utf-8")
    return folder


def write_afrixnli(
    folder: Path, *, dev: tuple[str, ...] = ("eng", "hau"), test: tuple[str, ...] = ("hau", "swa"), premises: int = 8
) -> Path:
    """`dev/LLL.csv` and `test/LLL.csv`; the English development rows are the first of XNLI's."""
    for part, languages, seed in (("dev", dev, 1), ("test", test, 5)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for language in languages:
            rows = pairs(premises, seed=seed, language="en" if language == "eng" else language)
            with (folder / part / f"{language}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([("premise", "hypothesis", "label"), *rows])
    return folder


def write_texts(folder: Path, *, languages: tuple[str, ...] = ("aym",), sentences: int = 40) -> Path:
    """`LL.txt`, a sentence a line."""
    folder.mkdir(parents=True, exist_ok=True)
    for language in languages:
        told = [premise for premise, _, _ in pairs(sentences, seed=11, language=language)[::3]]
        (folder / f"{language}.txt").write_text("\n".join(told) + "\n", encoding="utf-8")
    return folder


def write_wikitext(folder: Path, *, sentences: int = 60) -> Path:
    """`valid.txt` and `test.txt`: headings, and lines of several sentences."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(("valid.txt", "test.txt")):
        told = [premise for premise, _, _ in pairs(sentences // 2, seed=seed + 7, language="story")[::3]]
        lines = [" = A heading = ", *(" " + " . ".join(told[at : at + 3]) + " . " for at in range(0, len(told), 3)), ""]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def write_data(folder: Path) -> Path:
    """All of them."""
    write_xnli(folder / "xnli")
    write_americasnli(folder / "americasnli")
    write_afrixnli(folder / "afrixnli")
    write_texts(folder / "americas-text")
    write_wikitext(folder / "wikitext2")
    return folder
