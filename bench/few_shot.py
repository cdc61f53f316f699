"""Few-shot accuracy of `mini` on real data: drift, tickets, and adapters by ratio, with the prompt alone as the floor.

Reads WikiText-2 sentences, XNLI and AmericasNLI from a data folder that is not part of the project (`--data`), and
writes `few_shot.json` and `few_shot.md` into `--out`. Every finished cell is kept there, so an interrupted run goes on
where it stopped. `mini`'s MLM adaptation has seen XNLI's dev sentences and WikiText-2's text, without labels.

The few-shot sample is drawn once (seed 0); the seeds vary initial prompt, order and dropout. Test pairs are answered by
the serving engine in the same precision. `--sample` bounds the corpus of the `tied` and `frozen_embeddings` drifts.

    .venv/bin/python -m bench.few_shot --data DATA --out build/few-shot
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch

from app.settings import Settings
from bench.material import wikitext_sentences
from ltp.adapter import TrainedAdapter, train_adapter
from ltp.backbone.load import Backbone, load_backbone
from ltp.backbone.locate import resolve
from ltp.config import LABELS, AdapterConfig, MLMConfig, Precision, Strategy, TicketConfig
from ltp.drift import Drift, train_drift
from ltp.engine import Engine, PairRequest
from ltp.examples import Example, few_shot, read_examples, split
from ltp.metrics import score
from ltp.progress import Progress
from ltp.ticket import Ticket, select

RATIOS = (0.05, 0.10, 0.20)
STRATEGIES: tuple[Strategy, ...] = ("decoupled", "tied", "frozen_embeddings")
XNLI = ("en", "es", "sw", "ur", "zh")
SHOTS = 32


def shown(label: str) -> Callable[[Progress], None]:
    """Return a callback that prints a line every twenty seconds."""
    last = 0.0

    def report(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last > 20 or progress.step == progress.total:
            last = time.monotonic()
            figures = " ".join(f"{key}={value:.4g}" for key, value in progress.metrics.items())
            print(
                f"  {label}: {progress.phase} {progress.step}/{progress.total} {figures}", file=sys.stderr, flush=True
            )

    return report


def test_sets(data: Path, pairs: int) -> dict[str, list[Example]]:
    """Return the first `pairs` XNLI test pairs of five languages, and AmericasNLI's Quechua test file."""
    sets = {lang: read_examples(data / "xnli" / f"test-{lang}.tsv")[:pairs] for lang in XNLI}
    return sets | {"quy": read_examples(data / "americasnli" / "test" / "quy.tsv")}


def accuracies(
    backbone: Backbone,
    trained: TrainedAdapter,
    ticket: Ticket | None,
    sets: dict[str, list[Example]],
    *,
    precision: Precision,
) -> dict[str, Any]:
    """Score one adapter on every test set through the serving engine."""
    engine = Engine(backbone, source=lambda _: (trained.adapter, ticket), precision=precision)
    result = {}
    for lang, examples in sets.items():
        answers = engine.predict([PairRequest("adapter", e.premise, e.hypothesis) for e in examples])
        gold = np.array([LABELS.index(e.label) for e in examples if e.label is not None])
        scored = score(np.array([a.probabilities for a in answers]), gold).as_dict()
        result[lang] = {"accuracy": scored["accuracy"], "interval": scored["interval"], "pairs": len(examples)}
    return result


class Cells:
    """Finished results in one JSON file, written whole after each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return the kept result of `name`, or make and keep it."""
        if name not in self.done:
            print(f"{name} ...", file=sys.stderr, flush=True)
            start = time.perf_counter()
            self.done[name] = make() | {"wall_seconds": round(time.perf_counter() - start, 1)}
            aside = self.path.with_suffix(".part")
            aside.write_text(json.dumps(self.done, indent=1))
            aside.replace(self.path)
        return self.done[name]


def drift_of(backbone: Backbone, strategy: Strategy, args: argparse.Namespace, cells: Cells) -> Drift:
    """Return the drift of one epoch over WikiText-2 under `strategy`, trained or read back."""
    path = args.out / f"drift-{strategy}.safetensors"

    def make() -> dict[str, Any]:
        sample = None if strategy == "decoupled" else args.sample
        config = MLMConfig(epochs=1, precision=args.precision, sample=sample)
        lines = wikitext_sentences(args.data / "wikitext2")
        drift = train_drift(backbone, lines, strategy=strategy, config=config, progress=shown(strategy))
        drift.save(path)
        return {"report": drift.report, "bytes": path.stat().st_size}

    cells.once(f"drift {strategy}", make)
    return Drift.load(path)


def ticket_facts(ticket: Ticket) -> dict[str, Any]:
    """Return what a ticket reports of itself."""
    facts = {key: getattr(ticket, key) for key in ("active", "selectable", "moved", "zero_drift")}
    return facts | {"distribution": ticket.distribution()}


def adapter_cell(
    backbone: Backbone, ticket: Ticket | None, args: argparse.Namespace, seed: int, *, everything: bool = False
) -> dict[str, Any]:
    """Train on English (32 shots a class, or all of XNLI's dev file) and score on every test language."""
    pool = read_examples(args.data / "xnli" / "dev-en.tsv")
    parts = split(pool, dev_share=0.1, seed=0) if everything else few_shot(pool, shots=SHOTS, seed=0)
    config = AdapterConfig(epochs=5 if everything else args.epochs, precision=args.precision, seed=seed)
    trained = train_adapter(
        backbone,
        ticket,
        method="ltp" if ticket else "pt",
        train=parts.train,
        dev=parts.dev,
        config=config,
        progress=shown(f"seed {seed}"),
    )
    path = args.out / "adapter.safetensors"
    trained.adapter.save(path)
    dev = {key: trained.metrics["dev"][key] for key in ("accuracy", "interval")}
    examples = {"train": len(parts.train), "dev": len(parts.dev)}
    return {
        "dev": dev,
        "examples": examples,
        "bytes": path.stat().st_size,
        "test": accuracies(backbone, trained, ticket, args.sets, precision=args.precision),
    }


def mean_row(name: str, runs: list[dict[str, Any]]) -> str:
    """Return a Markdown row: mean and standard deviation over seeds, in per cent."""

    def cell(values: list[float]) -> str:
        return f"{100 * mean(values):.1f}" + (f" ± {100 * stdev(values):.1f}" if len(values) > 1 else "")

    columns = [cell([run["dev"]["accuracy"] for run in runs])]
    columns += [cell([run["test"][lang]["accuracy"] for run in runs]) for lang in (*XNLI, "quy")]
    columns.append(cell([mean(run["test"][lang]["accuracy"] for lang in XNLI) for run in runs]))
    return f"| {name} | " + " | ".join(columns) + " |"


def report(done: dict[str, Any], seeds: int) -> str:
    """Return the Markdown report of the finished cells."""
    rows = ["| method | dev | " + " | ".join((*XNLI, "quy")) + " | XNLI mean |", "|---" * 9 + "|"]
    for name in ("pt", *(f"ltp {ratio:.0%}" for ratio in RATIOS)):
        runs = [done[key] for seed in range(seeds) if (key := f"{name} seed {seed}") in done]
        rows += [mean_row(name, runs)] if runs else []
    if "ltp all" in done:
        rows.append(mean_row("ltp 20%, all of dev-en", [done["ltp all"]]))
    intervals = ["", "| run | " + " | ".join((*XNLI, "quy")) + " |", "|---" * 7 + "|"]
    for key, cell in done.items():
        if "test" in cell:
            spans = [cell["test"][lang] for lang in (*XNLI, "quy")]
            intervals.append(
                f"| {key} | "
                + " | ".join(
                    f"{100 * s['accuracy']:.1f} [{100 * s['interval'][0]:.1f}, {100 * s['interval'][1]:.1f}]"
                    for s in spans
                )
                + " |"
            )
    return "\n".join(rows + intervals) + "\n"


def main() -> None:
    """Run whatever is not done yet and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("build/few-shot"))
    parser.add_argument("--backbone", default="mini")
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="bf16")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    cells = Cells(args.out / "few_shot.json")
    backbone = load_backbone(resolve(args.backbone, cache_dir=Settings().backbone_dir))
    args.sets = test_sets(args.data, args.pairs)

    drift = drift_of(backbone, "decoupled", args, cells)
    tickets = {ratio: select(drift, TicketConfig(active_ratio=ratio)) for ratio in RATIOS}
    for ratio, ticket in tickets.items():
        cells.once(f"ticket decoupled {ratio:.0%}", partial(ticket_facts, ticket))
    for seed in range(args.seeds):
        for ratio, ticket in tickets.items():
            cells.once(f"ltp {ratio:.0%} seed {seed}", partial(adapter_cell, backbone, ticket, args, seed))
        cells.once(f"pt seed {seed}", partial(adapter_cell, backbone, None, args, seed))
        cells.once("ltp all", partial(adapter_cell, backbone, tickets[0.20], args, 0, everything=True))
    for strategy in STRATEGIES[1:]:
        other = drift_of(backbone, strategy, args, cells)
        for ratio in RATIOS:
            cells.once(
                f"ticket {strategy} {ratio:.0%}",
                partial(ticket_facts, select(other, TicketConfig(active_ratio=ratio))),
            )
    (args.out / "few_shot.md").write_text(report(cells.done, args.seeds))
    print((args.out / "few_shot.md").read_text())


if __name__ == "__main__":
    main()
