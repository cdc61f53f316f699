"""The gate of int8: what counts as agreement, at its bounds and on real answers."""

import numpy as np
import pytest
import torch
from support.synthetic import pairs, random_changes, random_ticket

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.load import Backbone
from ltp.delta.delta import encode
from ltp.engine.agreement import LEAST_PAIRS, MOST_PAIRS, Agreement, answers, between, measure
from ltp.engine.int8_linear import weight_levels


@pytest.mark.parametrize(
    ("count", "changed", "mean", "passed"),
    [
        (200, 1, 0.01, True),
        (200, 2, 0.0, False),
        (200, 0, 0.0101, False),
        (199, 1, 0.0, False),
        (LEAST_PAIRS, 0, 0.01, True),
        (LEAST_PAIRS - 1, 0, 0.0, False),
    ],
)
def test_an_adapter_passes_within_both_bounds_on_pairs_enough(
    count: int, changed: int, mean: float, passed: bool
) -> None:
    agreement = Agreement(count, changed, mean, largest=0.2, levels=127)
    assert agreement.passed is passed
    assert agreement.as_dict()["passed"] is passed


def test_labels_and_differences_are_counted() -> None:
    exact = np.array([[0.6, 0.3, 0.1], [0.4, 0.35, 0.25]])
    int8 = np.array([[0.5, 0.4, 0.1], [0.35, 0.4, 0.25]])
    found = between(exact, int8, levels=64)
    assert (found.pairs, found.changed, found.levels) == (2, 1, 64)
    assert found.mean == pytest.approx(0.3 / 6)
    assert found.largest == pytest.approx(0.1)


def test_an_adapter_is_measured_by_what_the_engine_answers(tiny_backbone: Backbone) -> None:
    ticket = random_ticket(tiny_backbone, 0.3)
    adapter = Adapter(
        prompt=torch.randn(4, tiny_backbone.info.hidden, generator=torch.Generator().manual_seed(0)),
        delta=encode(random_changes(ticket, seed=0, size=0.05), ticket),
        method="ltp",
        strategy=ticket.strategy,
        backbone=tiny_backbone.info.fingerprint,
        ticket_sha256=ticket.sha256,
        template=TemplateOptions(literal=False, max_length=64),
    )
    texts = [(example.premise, example.hypothesis) for example in pairs(30, seed=3)]
    found = measure(tiny_backbone, adapter, ticket, texts)
    if not weight_levels():
        assert found is None
        return
    exact, int8 = (answers(tiny_backbone, adapter, ticket, texts, precision) for precision in ("fp32", "int8"))
    assert found == between(exact, int8, levels=weight_levels())
    assert 0 < found.largest < 0.05
    assert measure(tiny_backbone, adapter, ticket, []) is None
    many = measure(tiny_backbone, adapter, ticket, texts * (MOST_PAIRS // len(texts) + 1))
    assert many is not None
    assert many.pairs == MOST_PAIRS
