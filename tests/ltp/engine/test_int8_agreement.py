"""The gate of int8: what counts as agreement, at its bounds and on real answers."""

from dataclasses import asdict

import pytest
import torch
from support.synthetic import pairs, random_changes, random_ticket

from ltp.adapter.agreement import compared
from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.load import Backbone
from ltp.delta.delta import encode
from ltp.engine.int8_agreement import LEAST_PAIRS, MOST_PAIRS, Int8Agreement, answers, measure
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
    agreement = Int8Agreement(count, changed, mean, largest_difference=0.2, levels=127)
    assert agreement.passes() is passed
    assert agreement.as_dict()["passed"] is passed


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
    assert found == Int8Agreement(**asdict(compared(exact, int8)), levels=weight_levels())
    assert 0 < found.largest_difference < 0.05
    assert measure(tiny_backbone, adapter, ticket, []) is None
    many = measure(tiny_backbone, adapter, ticket, texts * (MOST_PAIRS // len(texts) + 1))
    assert many is not None
    assert many.pairs == MOST_PAIRS
