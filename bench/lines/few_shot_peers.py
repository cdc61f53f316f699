"""Line 16: few-shot training on `mini`, beside what one would install instead.

The same pairs of a development file of AmericasNLI (Quechua), K of each label, and pairs of other premises of that file
to score; no test file is opened. SetFit trains with its own defaults on the mean of the tokens, a pair as one text.
LoRA and SHiRA, of PEFT, train as many epochs as ours from pretrained values, in batches of as many.
"""

from __future__ import annotations

import importlib.util
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench.figure import Figure
from bench.lines import Options
from bench.material import backbone
from bench.side import Measured, run

if TYPE_CHECKING:
    from ltp.text.examples import Example

NUMBER, TITLE = 16, "Few-shot training on `mini`, beside SetFit and PEFT"
LANGUAGE, SEED, SCORED = "quy", 0, 150
SETFIT_SHOTS, SHOTS = (8, 32), 32
EPOCHS, BATCH, RATE = 10, 32, 1e-3
LIMIT = 2.0
"""Ours may take twice as long; how right each is stands in the details."""
ADAPTERS = {
    "lora": "peft LoraConfig() as it comes (r 8, query and value), classification head on <s>, AdamW 1e-3",
    "shira": "peft ShiraConfig() as it comes (r 32, query and value), classification head on <s>, AdamW 1e-3",
}
SETFIT = "setfit Trainer with TrainingArguments() as they come, on the mean of mini's tokens; logistic regression"


def figures(options: Options) -> Iterator[Figure]:
    """Seconds of whole trainings against SetFit's, then PEFT's steps; accuracy, memory and bytes in the details."""
    if options.data is None:
        print("  needs --data with americasnli/", file=sys.stderr)
        return
    found = importlib.util.find_spec("setfit") is not None
    if not found:
        print("  SetFit is left out: it is no part of the extra `bench`; pip install setfit==1.2.0", file=sys.stderr)
    for shots in SETFIT_SHOTS if found else ():
        given: dict[str, Any] = {"data": options.data, "shots": shots}
        ours = run(f"{__name__}:ours", started=True, **given)
        peer = run(f"{__name__}:setfit", **given)
        yield _row(f"whole training, {3 * shots} pairs, from the starter, beside SetFit", ours, peer, SETFIT)
    given = {"data": options.data, "shots": SHOTS}
    ours = run(f"{__name__}:ours", started=False, **given)
    for kind, what in ADAPTERS.items():
        peer = run(f"{__name__}:peft", kind=kind, **given)
        yield _row(f"{EPOCHS} epochs, {3 * SHOTS} pairs, from pretrained values, beside {kind}", ours, peer, what)


def _row(name: str, ours: Measured, peer: Measured, what: str) -> Figure:
    detail = {"our_runs": ours.summary(), "peer_runs": peer.summary(), "peer_is": what}
    return Figure.compared(NUMBER, name, "s", ours=ours.median, peer=peer.median, goal="at most", limit=LIMIT, **detail)


def drawn(data: str, shots: int) -> tuple[list[Example], list[Example]]:
    """K of each label to train on, and pairs of other premises to score, by a fixed seed."""
    from ltp.config import LABELS
    from ltp.reproduce.data.suite import DataFolder

    rows = DataFolder(Path(data)).suite("americasnli").file("dev", LANGUAGE).examples
    premises = sorted({each.premise_key for each in rows})
    random.Random(SEED).shuffle(premises)
    train_side = set(premises[: len(premises) // 2])
    pool = [each for each in rows if each.premise_key in train_side]
    train = [each for label in LABELS for each in [one for one in pool if one.label == label][:shots]]
    return train, [each for each in rows if each.premise_key not in train_side][:SCORED]


def accuracy(found: list[str], truth: list[Example]) -> float:
    return sum(label == each.label for label, each in zip(found, truth, strict=True)) / len(truth)


def ours(data: str, shots: int, *, started: bool) -> Measured:
    """The product's own way: cross-fitted from the starter; or the method alone, for so many epochs."""
    from bench.lines.adapter_step import ticket_like_a_drifts
    from bench.lines.folds import given_to
    from bench.material import sentences
    from ltp.adapter.crossfit.train import cross_fit_adapter
    from ltp.adapter.train import train_adapter
    from ltp.config import AdapterConfig
    from ltp.training.timings import Timings

    pretrained, ticket, start, _ = given_to("sw")
    train, scored = drawn(data, shots)
    timings, began = Timings(), time.perf_counter()
    if started:
        config = AdapterConfig(estimate="cross_fit")
        made = cross_fit_adapter(
            pretrained, ticket, method="ltp", train=train, test=scored, config=config, start=start, timings=timings
        )
    else:
        made = train_adapter(
            pretrained,
            ticket_like_a_drifts(pretrained, sentences(None)),
            method="ltp",
            train=train,
            dev=train[:3],
            test=scored,
            config=AdapterConfig(epochs=EPOCHS, batch_size=BATCH),
            timings=timings,
        )
    seconds = time.perf_counter() - began
    with TemporaryDirectory(prefix="ltp-bench-") as folder:
        made.adapter.save(Path(folder) / "adapter")
        size = (Path(folder) / "adapter").stat().st_size
    detail = {"accuracy": made.metrics["test"]["accuracy"], "stored_bytes": size, "phases_s": timings.rounded()}
    return Measured([seconds], detail=detail)


def setfit(data: str, shots: int) -> Measured:
    """SetFit with its defaults; its answers are a logistic regression's."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer
    from setfit import SetFitModel, Trainer, TrainingArguments

    train, scored = drawn(data, shots)
    with TemporaryDirectory(prefix="ltp-bench-") as folder:
        encoder = Transformer(checkpoint_in(folder), max_seq_length=256)
        body = SentenceTransformer(modules=[encoder, Pooling(encoder.get_word_embedding_dimension())], device="cpu")
        body.save(f"{folder}/body")
        model = SetFitModel.from_pretrained(f"{folder}/body", device="cpu")
        table = Dataset.from_dict({"text": [one_text(each) for each in train], "label": [each.label for each in train]})
        arguments = TrainingArguments(output_dir=f"{folder}/out", report_to="none", save_strategy="no")
        trainer = Trainer(model=model, args=arguments, train_dataset=table)
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
        found = [str(label) for label in model.predict([one_text(each) for each in scored])]
    weights = 4 * sum(each.numel() for each in model.model_body.parameters())
    return Measured([seconds], detail={"accuracy": accuracy(found, scored), "stored_bytes": weights})


def one_text(pair: Example) -> str:
    return f"{pair.premise} </s></s> {pair.hypothesis}"


def checkpoint_in(folder: str) -> str:
    """mini's folder with a tokenizer that transformers opens."""
    from transformers import XLMRobertaModel

    from bench.trainer import tokenizer_of

    XLMRobertaModel.from_pretrained(backbone("mini")).save_pretrained(f"{folder}/checkpoint")
    tokenizer_of(backbone("mini")).save_pretrained(f"{folder}/checkpoint")
    return f"{folder}/checkpoint"


def peft(data: str, shots: int, kind: str) -> Measured:
    """A loop as PEFT's guides write it: the wrapped classifier, AdamW over what trains, padded batches."""
    import torch
    from peft import LoraConfig, ShiraConfig, TaskType, get_peft_model
    from transformers import XLMRobertaForSequenceClassification

    from bench.trainer import tokenizer_of
    from ltp.config import LABELS

    torch.manual_seed(SEED)
    train, scored = drawn(data, shots)
    tokenizer = tokenizer_of(backbone("mini"))
    classifier = XLMRobertaForSequenceClassification.from_pretrained(backbone("mini"), num_labels=len(LABELS))
    configs: dict[str, Any] = {"lora": LoraConfig, "shira": ShiraConfig}
    model = get_peft_model(classifier, configs[kind](task_type=TaskType.SEQ_CLS))
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=RATE)

    def inputs(some: list[Example]) -> Any:
        texts = [each.premise for each in some], [each.hypothesis for each in some]
        return tokenizer(*texts, return_tensors="pt", padding=True, truncation=True, max_length=256)

    order, steps = random.Random(SEED), list[float]()
    for _ in range(EPOCHS):
        order.shuffle(train)
        for first in range(0, len(train), BATCH):
            began, some = time.perf_counter(), train[first : first + BATCH]
            labels = torch.tensor([LABELS.index(each.label) for each in some if each.label])
            model(**inputs(some), labels=labels).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            steps.append(time.perf_counter() - began)
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(**inputs(scored[n : n + BATCH])).logits for n in range(0, len(scored), BATCH)])
    found = [str(LABELS[number]) for number in logits.argmax(1).tolist()]
    with TemporaryDirectory(prefix="ltp-bench-") as folder:
        model.save_pretrained(folder)
        size = (Path(folder) / "adapter_model.safetensors").stat().st_size
    rate = len(steps) / sum(steps)
    return Measured(
        [sum(steps)],
        detail={"accuracy": accuracy(found, scored), "stored_bytes": size, "steps_a_second": rate, "steps": len(steps)},
    )
