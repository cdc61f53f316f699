"""The gate before int8: exactly at its bounds, and what it says is what is published."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.synthetic import pairs, random_changes, random_ticket

from ltp.adapter.agreement import Agreement, compared
from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.adapter.report import Scored
from ltp.adapter.stored_form import AGREEMENT, stored_form
from ltp.adapter.train import train_adapter
from ltp.backbone.load import Backbone
from ltp.config import AdapterConfig
from ltp.delta.delta import Delta, DeltaDtype, encode

CONFIG = AdapterConfig(epochs=2, batch_size=6, learning_rate=1e-3, max_length=48)


@pytest.mark.parametrize(
    ("agreement", "passes"),
    [
        (Agreement(400, 2, 0.01, 0.5), True),
        (Agreement(400, 3, 0.0, 0.0), False),
        (Agreement(199, 1, 0.0, 0.0), False),
        (Agreement(400, 0, 0.0100001, 0.02), False),
        (Agreement(1, 0, 0.0, 0.0), True),
        (Agreement(0, 0, 0.0, 0.0), False),
    ],
)
def test_the_gate_at_its_bounds(agreement: Agreement, passes: bool) -> None:
    assert agreement.passes() is passes


def test_answers_are_compared_pair_by_pair() -> None:
    exact = np.array([[0.5, 0.3, 0.2], [0.4, 0.35, 0.25]])
    other = np.array([[0.5, 0.3, 0.2], [0.35, 0.4, 0.25]])
    found = compared(exact, other)
    assert (found.pairs, found.labels_changed) == (2, 1)
    assert found.mean_difference == pytest.approx(0.1 / 6)
    assert found.largest_difference == pytest.approx(0.05)
    assert compared(exact[:0], other[:0]) == Agreement(0, 0, 0.0, 0.0)


def adapter_of(backbone: Backbone, delta: Delta) -> Adapter:
    template = TemplateOptions(literal=False, max_length=48)
    prompt, about = torch.zeros(4, backbone.info.hidden), backbone.info.fingerprint
    return Adapter(prompt, delta, "ltp", "decoupled", about, "0" * 64, template)


@pytest.mark.parametrize(("wanted", "stored"), [("auto", "fp16"), ("int8", "int8"), ("fp16", "fp16"), ("fp32", "fp32")])
def test_codes_that_answer_otherwise_are_stored_only_where_they_are_asked_for(
    tiny_backbone: Backbone, wanted: str, stored: str
) -> None:
    ticket = random_ticket(tiny_backbone, 0.05)
    changes = random_changes(ticket)

    def encoded(dtype: DeltaDtype) -> Adapter:
        return adapter_of(tiny_backbone, encode(changes, ticket, dtype=dtype))

    def score(adapter: Adapter) -> Scored:
        return Scored(torch.eye(3, dtype=torch.float64)[[1 if adapter.delta.scales else 0]], {})

    exact = encoded("fp32" if wanted == "fp32" else "fp16")
    form = stored_form(wanted, exact, None, encode=encoded, score=score)  # type: ignore[arg-type]
    assert form.dtype == stored
    assert bool(form.adapter.delta.scales) == (stored == "int8")
    if wanted in ("auto", "int8"):
        assert form.metrics[AGREEMENT]["labels_changed"] == 1
        assert form.metrics[AGREEMENT]["stored"] == stored
    else:
        assert form.metrics == {}


def test_training_stores_codes_where_they_answer_alike_and_says_so(tiny_backbone: Backbone) -> None:
    ticket, given = random_ticket(tiny_backbone, 0.2), {"train": pairs(12, seed=1), "dev": pairs(9, seed=2)}
    auto, exact = (
        train_adapter(tiny_backbone, ticket, method="ltp", config=replace(CONFIG, delta_dtype=dtype), **given)  # type: ignore[arg-type]
        for dtype in ("auto", "fp16")
    )
    told = auto.metrics[AGREEMENT]
    assert (told["pairs"], told["labels_changed"], told["stored"]) == (9, 0, "int8")
    assert told["largest_difference"] < 0.01
    assert auto.training["delta_dtype"] == "int8"
    assert exact.training["delta_dtype"] == "fp16"
    assert AGREEMENT not in exact.metrics
    assert auto.adapter.delta.scales.keys() == exact.adapter.delta.values.keys()
    difference = np.abs(auto.judgement.probabilities - exact.judgement.probabilities).max()
    assert 0 < difference == pytest.approx(told["largest_difference"], abs=1e-4)
    assert auto.metrics["per_seed"][0]["dev"] == auto.metrics["dev"]
