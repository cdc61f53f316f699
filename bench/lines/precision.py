"""The arithmetic of serving held to fp32, and how soon `ltp serve` answers and predicts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure, middle
from bench.lines import Options
from bench.material import ROOT, mini, pairs
from bench.service import serving
from bench.side import Measured, run

NUMBER, TITLE = 10, "Serving precision, and the start"
PAIRS, STARTS, EPOCHS, SENTENCES = 1000, 5, 10, 128
TOLERANCE, TIE = 0.01, 0.02
PORT_S, READY_S = 2, 8


def figures(options: Options) -> Iterator[Figure]:
    """Starts first: they are a user's, on a new data directory, with `mini` prepared and one start before."""
    mini()
    began = []
    for _ in range(1 + STARTS):
        with serving() as service:
            began.append((service.port_s, service.ready_s))
    port, ready = zip(*began[1:], strict=True)
    for what, found, limit in (("port answers", port, PORT_S), ("ready to predict", ready, READY_S)):
        yield Figure.absolute(
            NUMBER,
            f"ltp serve, prepared mini: {what}",
            "s",
            middle(list(found)),
            goal="at most",
            limit=limit,
            starts=list(found),
        )
    with tempfile.TemporaryDirectory(prefix="ltp-bench-") as folder:
        run(f"{__name__}:adapter", folder=folder)
        detail = run(f"{__name__}:compared", folder=folder, data=options.data).detail
    yield Figure.absolute(
        NUMBER,
        f"largest difference of a probability, {detail['chosen']} beside fp32",
        "probability",
        detail.pop("difference"),
        goal="at most",
        limit=TOLERANCE,
        **detail,
    )
    yield Figure.absolute(
        NUMBER,
        f"other labels than fp32's, outside ties (best two closer than {TIE})",
        "pairs",
        detail["others"],
        goal="at most",
        limit=0,
        others_among_ties=detail["others_among_ties"],
        ties=detail["ties"],
        pairs=PAIRS,
    )


def adapter(folder: str) -> Measured:
    """Train one as a user would: a drift of real text, its best 10 %, a few epochs on the shipped examples."""
    from ltp.adapter.train import train_adapter
    from ltp.backbone.load import load_backbone
    from ltp.config import AdapterConfig, MLMConfig, TicketConfig
    from ltp.drift.train import train_drift
    from ltp.text.demo_corpus import demo_sentences
    from ltp.text.examples import Example, read_examples
    from ltp.ticket.selection import select

    def shipped(part: str) -> list[Example]:
        return [each for file in sorted((ROOT / "examples").glob(f"*-{part}.jsonl")) for each in read_examples(file)]

    backbone = load_backbone(mini())
    lines = list(demo_sentences())[:SENTENCES]
    drift = train_drift(backbone, lines, strategy="decoupled", config=MLMConfig(epochs=1, precision="bf16"))
    ticket = select(drift, TicketConfig(active_ratio=0.1))
    config = AdapterConfig(epochs=EPOCHS, precision="bf16")
    made = train_adapter(backbone, ticket, method="ltp", train=shipped("train"), dev=shipped("dev"), config=config)
    made.adapter.save(Path(folder) / "export.safetensors", ticket=ticket)
    return Measured([made.report["seconds"]])


def compared(folder: str, data: str | None) -> Measured:
    """The same pairs in the arithmetic that is chosen here, and in fp32."""
    import torch

    from ltp.adapter.artefact import read_export
    from ltp.backbone.load import load_backbone
    from ltp.config import Precision
    from ltp.engine.engine import Engine
    from ltp.engine.pairs import PairRequest
    from ltp.engine.precision import choose_precision

    backbone = load_backbone(mini())
    export = read_export(Path(folder) / "export.safetensors", backbone.info)
    asked = [PairRequest("adapter", premise, hypothesis) for premise, hypothesis, _ in pairs(data, PAIRS)]

    def probabilities(precision: Precision) -> torch.Tensor:
        engine = Engine(backbone, source=lambda _: (export.adapter, export.ticket), precision=precision)
        return torch.tensor([prediction.probabilities for prediction in engine.predict(asked)])

    choice = choose_precision(backbone, "cpu")
    exact, ours = probabilities("fp32"), probabilities(choice.precision)
    differences = (exact - ours).abs()
    best = exact.topk(2).values
    ties, others = best[:, 0] - best[:, 1] < TIE, exact.argmax(1) != ours.argmax(1)
    detail = {
        "chosen": choice.precision,
        "because": choice.reason,
        "difference": float(differences.max()),
        "mean_difference": float(differences.mean()),
        "mean_confidence": float(best[:, 0].mean()),
        "others": int((others & ~ties).sum()),
        "others_among_ties": int((others & ties).sum()),
        "ties": int(ties.sum()),
        "adapter": f"10 % of mini, {EPOCHS} epochs on the shipped examples",
    }
    return Measured([1.0], PAIRS, detail)
