"""What the form of texts changes: `<unk>` in AmericasNLI and AfriXNLI, tokens read of long lines, and accuracy.

    python -m bench.text_forms unknown --data FOLDER
    python -m bench.text_forms windows --data FOLDER
    python -m bench.text_forms accuracy --data FOLDER [--languages oto,ewe,twi] [--seeds 3]
    python -m bench.text_forms transfer --data FOLDER [--languages oto,ewe,twi] [--seeds 3]

FOLDER holds `americasnli/{dev,test}/LL.tsv`, `afrixnli/{dev,test}/LLL.csv`, `indonli/` and `wikitext2/`. Not part of
`make bench`, which compares speed: these figures are of the texts.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated

import typer

from bench.material import backbone as prepared_backbone
from ltp.adapter.train import train_adapter
from ltp.backbone.load import Backbone, load_backbone
from ltp.config import LABELS, AdapterConfig, Label, MLMConfig, TextForm
from ltp.drift.reading import read_corpus
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.model.methods import Method
from ltp.text.examples import Example, split, texts_of
from ltp.text.vocabulary import UnknownTally, Vocabulary

FORMS: tuple[TextForm, ...] = (0, 1)
Data = Annotated[Path, typer.Option(help="The folder with the data sets.")]
program = typer.Typer(add_completion=False, help=__doc__)


def examples_of(path: Path) -> list[Example]:
    """The pairs of a file, with their labels; quotes are plain characters in AmericasNLI's, and not in AfriXNLI's."""
    with path.open(encoding="utf-8", newline="") as file:
        plain = path.suffix == ".tsv"
        reader = csv.DictReader(
            file, delimiter="\t" if plain else ",", quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL
        )
        rows = list(reader)
    return [
        Example(row["premise"], row["hypothesis"], next(each for each in LABELS if each == row["label"]))
        for row in rows
    ]


def mini() -> Backbone:
    """The backbone, loaded."""
    return load_backbone(prepared_backbone("mini"))


@program.command()
def unknown(data: Data) -> None:
    """Share of `<unk>` in the development and test files, before (form 0) and after (form 1)."""
    tokenizer = mini().tokenizer
    print("| file | tokens, form 0 | texts, form 0 | tokens, form 1 | texts, form 1 | left over |")
    print("|---|---|---|---|---|---|")
    for path in sorted([*data.glob("americasnli/*/*.tsv"), *data.glob("afrixnli/*/*.csv")]):
        cells = []
        for form in FORMS:
            tally = UnknownTally(Vocabulary(tokenizer, form))
            tally.add(texts_of(examples_of(path)))
            cells += [f"{100 * tally.tokens.share:.2f} %", f"{100 * tally.texts_share:.1f} %"]
        print(f"| {'/'.join(path.parts[-3:])} | {' | '.join(cells)} | {' '.join(tally.characters)} |", flush=True)


@program.command()
def windows(data: Data) -> None:
    """Share of the tokens of WikiText-2 that is read with an article a line, cut (before) and split (after)."""
    loaded = mini()
    lines = list(articles(data / "wikitext2"))
    print(f"{len(lines)} articles, {sum(map(len, lines)):,} characters")
    for long_lines in ("cut", "split"):
        config = MLMConfig(long_lines="cut" if long_lines == "cut" else "split")
        tokens, told = read_corpus(loaded, lines, config, lambda _: None)
        share = 1 - told["long_lines"]["share"]
        print(f"{long_lines}: {len(tokens.ids):,} tokens read, {share:.1%} of all; {told['long_lines']}")


def articles(folder: Path) -> Iterator[str]:
    """The articles of WikiText-2, each as one line."""
    article: list[str] = []
    for path in sorted(
        each for each in folder.rglob("*") if each.is_file() and each.suffix in ("", ".txt", ".tokens", ".raw")
    ):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.fullmatch(r"\s*= [^=].*[^=] =\s*", line) and article:
                yield " ".join(article)
                article = []
            elif line.strip():
                article.append(line.strip())
    if article:
        yield " ".join(article)


@program.command()
def accuracy(
    data: Data,
    languages: str = "oto,ewe,twi",
    seeds: int = 3,
    method: str = "sp",
    epochs: int = 3,
    trained: int = 32,
    scored: int = 96,
) -> None:
    """Accuracy on pairs whose premise nothing was trained on, by form and seed; so many are trained on, and scored."""
    loaded, settings = mini(), {"method": method, "epochs": epochs}
    for language in languages.split(","):
        for form in FORMS:
            scores = []
            for seed in range(seeds):
                parts = parts_of(data, language, seed, trained=trained, scored=scored)
                scores.append(score(loaded, *parts, form=form, seed=seed, **settings))  # type: ignore[arg-type]
            spread = stdev(scores) if len(scores) > 1 else 0.0
            each = ", ".join(f"{value:.3f}" for value in scores)
            print(f"{language} form {form}: {mean(scores):.3f} ± {spread:.3f} ({each})", flush=True)


def parts_of(data: Path, language: str, seed: int, *, trained: int, scored: int) -> tuple[list[Example], ...]:
    """Training, development and test examples; none shares a premise with another part."""
    test_file = data / "afrixnli" / "test" / f"{language}.csv"
    if test_file.is_file():
        given, test = examples_of(data / "afrixnli" / "dev" / f"{language}.csv"), examples_of(test_file)
    else:
        whole = split(examples_of(data / "americasnli" / "dev" / f"{language}.tsv"), dev_share=0.5, seed=100 + seed)
        given, test = whole.train, whole.dev
    held = split(given, dev_share=0.4, seed=seed)
    return held.train[:trained], held.dev[: trained // 2], test[:scored]


def score(
    loaded: Backbone,
    train: Sequence[Example],
    dev: Sequence[Example],
    test: Sequence[Example],
    *,
    form: TextForm,
    seed: int,
    method: str,
    epochs: int,
) -> float:
    """Train, and return the accuracy on the test examples."""
    config = AdapterConfig(epochs=epochs, seed=seed, text_form=form, max_length=128, batch_size=16)
    made: Method = method  # type: ignore[assignment]
    trained = train_adapter(loaded, None, method=made, train=train, dev=dev, test=test, config=config)
    found: float = trained.metrics["test"]["accuracy"]
    return found


@program.command()
def transfer(
    data: Data,
    languages: str = "oto,ewe,twi",
    seeds: int = 3,
    method: str = "sp",
    epochs: int = 3,
    trained: int = 900,
    learning_rate: float = 1e-4,
) -> None:
    """Accuracy of adapters trained on Indonesian, whose texts are the same in both forms, scored in each form.

    IndoNLI is no translation of XNLI, so Otomi's only labelled file, its development file, may be scored on. The
    weights are the same in both forms: what differs is how the texts are read.
    """
    made: Method = method  # type: ignore[assignment]
    loaded, labels = mini(), dict(zip("enc", LABELS, strict=True))
    train, dev = (indonesian(data / "indonli" / name, labels) for name in ("train.jsonl", "val.jsonl"))
    for seed in range(seeds):
        config = AdapterConfig(epochs=epochs, seed=seed, max_length=128, batch_size=16, learning_rate=learning_rate)
        start = seed * trained
        part = train[start : start + trained]
        done = train_adapter(loaded, None, method=made, train=part, dev=dev[:300], config=config)
        print(f"seed {seed}: Indonesian, {len(part)} pairs, dev {done.metrics['dev']['accuracy']:.3f}", flush=True)
        for language in languages.split(","):
            where = data / "afrixnli" / "test" / f"{language}.csv"
            path = where if where.is_file() else data / "americasnli" / "dev" / f"{language}.tsv"
            scored = examples_of(path)
            engine = Engine(
                loaded, source={form: (replace(done.adapter, text_form=form), None) for form in FORMS}.__getitem__
            )
            before, after = (answered(engine, form, scored) for form in FORMS)
            changed = sum(one != other for one, other in zip(before, after, strict=True))
            figures = " ".join(f"form {form}: {right(said, scored):.3f}" for form, said in enumerate((before, after)))
            print(f"seed {seed}: {language} ({len(scored)} pairs) {figures}; {changed} answers differ", flush=True)


def indonesian(path: Path, labels: dict[str, Label]) -> list[Example]:
    """The pairs of a file of IndoNLI."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Example(row["premise"], row["hypothesis"], labels[row["label"]]) for row in rows]


def answered(engine: Engine, form: TextForm, examples: Sequence[Example]) -> list[Label]:
    """The labels that an adapter gives, which the engine knows by its form."""
    requests = [PairRequest(form, each.premise, each.hypothesis) for each in examples]
    return [
        given.label for start in range(0, len(requests), 64) for given in engine.predict(requests[start : start + 64])
    ]


def right(said: Sequence[Label], examples: Sequence[Example]) -> float:
    """Share of labels that are the examples'."""
    return mean(label == each.label for label, each in zip(said, examples, strict=True))


if __name__ == "__main__":
    program()
