"""What answering in int8 changes: labels and probabilities against fp32, on public pairs.

    python -m bench.int8_agreement --data ../shared/data               # the table of docs/reports/int8.md
    python -m bench.int8_agreement --data ../shared/data --part dev    # what choices may look at

The classifiers are the starter that comes with `mini`, and one trained from it for each of TRAINED, with `SHOTS`
examples of each label of the development file. The gate of an adapter is measured, as when the service trains one, on
pairs that were held out.
"""

from __future__ import annotations

import argparse
import platform
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from bench.material import mini
from ltp.adapter.agreement import Agreement, compared
from ltp.adapter.artefact import Adapter, read_export
from ltp.adapter.start import start_from
from ltp.adapter.train import train_adapter
from ltp.backbone.load import Backbone, load_backbone
from ltp.config import AdapterConfig, ServingPrecision
from ltp.engine.int8_agreement import Int8Agreement, answers, measure
from ltp.engine.int8_linear import weight_levels
from ltp.release import release
from ltp.starter.package import unpack
from ltp.starter.shipped import find
from ltp.text.examples import few_shot, read_examples
from ltp.ticket.mask import Ticket

FILES = {lang: f"xnli/{{part}}-{lang}.tsv" for lang in ("en", "es", "sw", "ur", "zh")}
FILES["quy"] = "americasnli/{part}/quy.tsv"
STARTER, TRAINED, SHOTS, EPOCHS = "starter", ("quy", "sw"), 16, 4
Pair = tuple[str, str]


class Classifier(NamedTuple):
    """An adapter, the languages that it is asked, and its gate where it has development pairs."""

    name: str
    adapter: Adapter
    ticket: Ticket | None
    langs: tuple[str, ...]
    gate: Int8Agreement | None = None


def main() -> None:
    """Print the table, and what it was measured with."""
    parser = argparse.ArgumentParser(prog="python -m bench.int8_agreement", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder that holds xnli/ and americasnli/")
    parser.add_argument("--part", choices=("test", "dev"), default="test")
    parser.add_argument("--pairs", type=int, default=300, help="of each language")
    parser.add_argument("--classifiers", default=",".join((STARTER, *TRAINED)), help="some of them")
    parser.add_argument("--beside", action="store_true", help="bf16 too, which is slow where the processor has none")
    options = parser.parse_args()
    backbone = load_backbone(mini())
    precisions: list[ServingPrecision] = ["int8", "bf16"] if options.beside else ["int8"]
    print(f"LTP {release()}, torch {torch.__version__}, {_processor()}, weights within {weight_levels()} of zero\n")
    print("| classifier | pairs | arithmetic | labels changed | mean difference | largest |")
    print("|---|---|---|---:|---:|---:|")
    for classifier in _classifiers(backbone, options.data, options.classifiers.split(",")):
        if gate := classifier.gate:
            verdict = f"development, {gate.pairs}: its gate, {'passed' if gate.passes() else 'failed'}"
            print(_row(classifier.name, verdict, "int8", gate), flush=True)
        for lang in classifier.langs:
            pairs = _pairs(options.data / FILES[lang].format(part=options.part), options.pairs)
            for precision, agreement in _compared(backbone, classifier, pairs, precisions):
                where = f"{lang} {options.part}, {agreement.pairs}"
                print(_row(classifier.name, where, precision, agreement), flush=True)


def _classifiers(backbone: Backbone, data: Path, wanted: list[str]) -> Iterator[Classifier]:
    packed = find(backbone.info.fingerprint)
    if packed is None:
        raise SystemExit("there is no starter for this backbone")
    with tempfile.TemporaryDirectory() as folder:
        starter = read_export(unpack(packed, Path(folder), backbone=backbone.info), backbone.info)
    if STARTER in wanted:
        yield Classifier(STARTER, starter.adapter, starter.ticket, tuple(FILES))
    for lang in (each for each in TRAINED if each in wanted):
        drawn = few_shot(read_examples(data / FILES[lang].format(part="dev")), shots=SHOTS, seed=0)
        trained = train_adapter(
            backbone,
            starter.ticket,
            method="ltp",
            train=drawn.train,
            dev=drawn.dev,
            config=AdapterConfig(epochs=EPOCHS),
            start=start_from(starter.adapter, starter.ticket, starter.ticket, backbone),
        )
        held_out = [(example.premise, example.hypothesis) for example in drawn.dev]
        gate = measure(backbone, trained.adapter, starter.ticket, held_out)
        yield Classifier(f"{lang}, K = {SHOTS}", trained.adapter, starter.ticket, (lang,), gate)


def _compared(
    backbone: Backbone, classifier: Classifier, pairs: list[Pair], precisions: list[ServingPrecision]
) -> Iterator[tuple[ServingPrecision, Agreement]]:
    exact = answers(backbone, classifier.adapter, classifier.ticket, pairs, "fp32")
    for precision in precisions:
        other = answers(backbone, classifier.adapter, classifier.ticket, pairs, precision)
        yield precision, compared(exact, other)


def _pairs(path: Path, count: int) -> list[Pair]:
    examples = read_examples(path)
    random.Random(0).shuffle(examples)
    return [(example.premise, example.hypothesis) for example in examples[:count]]


def _row(name: str, pairs: str, precision: str, found: Agreement) -> str:
    share = f"{found.labels_changed} ({100 * found.labels_changed / found.pairs:.1f} %)"
    return (
        f"| {name} | {pairs} | {precision} | {share} | {found.mean_difference:.4f} | {found.largest_difference:.3f} |"
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    found = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{found or platform.processor()}, {torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()
