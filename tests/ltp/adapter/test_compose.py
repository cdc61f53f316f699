"""Ticket arithmetic, against values computed by hand and against training's own adapters."""

from dataclasses import dataclass, replace

import pytest
import torch
from support.synthetic import pairs, random_changes, random_ticket
from torch import Tensor

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.adapter.compose import combine
from ltp.adapter.train import train_adapter
from ltp.backbone.architecture import EMBEDDING_MATRICES, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.calibration import Calibration
from ltp.config import AdapterConfig
from ltp.delta.changes import Changes
from ltp.delta.delta import Delta, encode
from ltp.errors import DeltaDoesNotFitTicket, InvalidConfig
from ltp.model.verbalizer import verbalizer_of
from ltp.ticket.mask import Ticket

QUERY = "roberta.encoder.layer.0.attention.self.query.bias"
TEMPLATE = TemplateOptions(literal=False, max_length=64)


@dataclass(frozen=True)
class TextChanges:
    """What a language's own text changed, as far as arithmetic goes."""

    delta: Delta
    ticket: Ticket

    def check(self, ticket: Ticket) -> None:
        self.delta.check(ticket)


@pytest.fixture(scope="module")
def ticket(tiny_backbone: Backbone) -> Ticket:
    return random_ticket(tiny_backbone, 0.2)


def delta(ticket: Ticket, changes: dict[str, Tensor], rows: list[int] | None = None) -> Delta:
    """Of the word embeddings, some rows alone."""
    if rows is None:
        return encode(changes, ticket, dtype="fp32")
    given, chosen = dict(changes), torch.tensor(rows)
    whole = torch.zeros(ticket.shapes[WORD_EMBEDDINGS])
    whole.view(-1)[ticket.positions(WORD_EMBEDDINGS)] = changes[WORD_EMBEDDINGS]
    active = torch.zeros(whole.shape, dtype=torch.bool)
    active.view(-1)[ticket.positions(WORD_EMBEDDINGS)] = True
    given[WORD_EMBEDDINGS] = whole[chosen][active[chosen]]
    return encode(given, ticket, dtype="fp32", rows={WORD_EMBEDDINGS: chosen})


def adapter(backbone: Backbone, ticket: Ticket, *, seed: int, rows: list[int] | None = None) -> Adapter:
    values = delta(ticket, random_changes(ticket, seed=seed), rows)
    prompt = torch.randn(4, 32, generator=torch.Generator().manual_seed(seed))
    return Adapter(prompt, values, "ltp", ticket.strategy, backbone.info.fingerprint, ticket.sha256, TEMPLATE)


def whole(ticket: Ticket, delta: Delta, name: str) -> Tensor:
    """All changes of a tensor, zeros where nothing is stored, flat."""
    values = torch.zeros(torch.Size(ticket.shapes[name]).numel())
    held = Changes.decoded(delta).of_rows(ticket, ticket.shapes, name) if name in EMBEDDING_MATRICES else None
    positions = ticket.positions(name)
    if held is not None:
        width = ticket.shapes[name][1]
        positions = positions[torch.isin(positions // width, held.rows)]
    values[positions] = delta.decode(name)
    return values


def test_hand_computed_values(tiny_backbone: Backbone) -> None:
    ticket = random_ticket(tiny_backbone, 1.0, only=QUERY)
    first, second, text = (delta(ticket, {QUERY: torch.arange(32.0) * factor}) for factor in (1.0, 2.0, 0.5))
    made_of = [adapter(tiny_backbone, ticket, seed=seed) for seed in (1, 2)]
    a, b = (
        replace(made, delta=values, prompt=torch.full((4, 32), number))
        for made, values, number in zip(made_of, (first, second), (1.0, 5.0), strict=True)
    )
    added = combine([(a, 1.0), (b, 1.0)], ticket, dtype="fp32")
    assert added.delta.decode(QUERY)[:4].tolist() == [0, 3, 6, 9]
    assert added.prompt[0, :2].tolist() == [3, 3]
    mean = combine([(a, 0.5), (b, 0.5)], ticket, dtype="fp32")
    assert mean.delta.decode(QUERY)[:4].tolist() == [0, 1.5, 3, 4.5]
    assert mean.prompt[0, :2].tolist() == [3, 3]
    analogy = combine([(a, 2.0), (b, -1.0), (TextChanges(text, ticket), 4.0)], ticket, dtype="fp32")
    assert analogy.delta.decode(QUERY)[:4].tolist() == [0, 2, 4, 6]
    assert analogy.prompt[0, :2].tolist() == [-3, -3]
    half = combine([(a, 0.5)], ticket, dtype="fp32")
    assert (half.delta.decode(QUERY)[2].item(), half.prompt[0, 0].item()) == (1.0, 1.0)


def test_every_position_is_summed_whichever_rows_are_stored(tiny_backbone: Backbone, ticket: Ticket) -> None:
    a = adapter(tiny_backbone, ticket, seed=1, rows=[2, 5, 9, 200])
    b = adapter(tiny_backbone, ticket, seed=2, rows=[0, 5, 7, 201])
    text = TextChanges(delta(ticket, random_changes(ticket, seed=3), [5, 6]), ticket)
    summed = combine([(a, 0.75), (b, 0.5), (text, -1.5)], ticket, dtype="fp32")
    summed.check(ticket)
    for name in ticket.masks:
        expected = whole(ticket, a.delta, name) * 0.75 + whole(ticket, b.delta, name) * 0.5
        expected = expected + whole(ticket, text.delta, name) * -1.5
        assert torch.equal(whole(ticket, summed.delta, name), expected), name
    assert summed.delta.rows[WORD_EMBEDDINGS].tolist() == [0, 2, 5, 6, 7, 9, 200, 201]


def test_what_is_added_and_taken_off_again_leaves_the_adapter(tiny_backbone: Backbone, ticket: Ticket) -> None:
    made = adapter(tiny_backbone, ticket, seed=1, rows=[2, 5])
    same = combine([(made, 1.0)], ticket, dtype="fp32")
    assert torch.equal(same.prompt, made.prompt)
    for name, values in made.delta.values.items():
        assert torch.equal(values, same.delta.values[name]), name


def test_a_sum_is_encoded_once_and_answers_like_any_adapter(tiny_backbone: Backbone, ticket: Ticket) -> None:
    config = AdapterConfig(epochs=1, batch_size=8, learning_rate=3e-3, max_length=64)
    sides = {"train": pairs(12, seed=1), "dev": pairs(9, seed=2)}
    made = [
        train_adapter(tiny_backbone, ticket, method="ltp", config=replace(config, seed=seed), **sides).adapter
        for seed in (0, 1)
    ]
    calibrated = replace(made[0], calibration=Calibration(2.0, (0.1, 0.0, -0.1)))
    mean = combine([(calibrated, 0.5), (made[1], 0.5)], ticket)
    assert mean.calibration is None
    for name, values in mean.delta.values.items():
        exact = combine([(made[0], 0.5), (made[1], 0.5)], ticket, dtype="fp32").delta.decode(name)
        assert values.dtype == torch.float16
        largest = float(exact.abs().max()) if len(exact) else 0.0
        assert torch.allclose(mean.delta.decode(name), exact, rtol=1e-3, atol=largest * 1e-3), name


def test_what_does_not_go_together_is_refused(tiny_backbone: Backbone, ticket: Ticket) -> None:
    a, b = (adapter(tiny_backbone, ticket, seed=seed) for seed in (1, 2))
    other = random_ticket(tiny_backbone, 0.3, seed=5)
    with pytest.raises(DeltaDoesNotFitTicket):
        combine([(a, 1.0), (adapter(tiny_backbone, other, seed=1), 1.0)], ticket)
    with pytest.raises(InvalidConfig, match="one at least is an adapter"):
        combine([(TextChanges(a.delta, ticket), 1.0)], ticket)
    with pytest.raises(InvalidConfig, match=r"\[1.0, -1.0\]; it must be weights of adapters with a sum other than 0"):
        combine([(a, 1.0), (b, -1.0)], ticket)
    for changed, words in (
        ({"chosen": verbalizer_of("ltp", "two_way")}, "adapters of one verbalizer"),
        ({"text_form": 1}, "adapters of one form of texts"),
        ({"prompt": b.prompt[:3]}, "adapters of one prompt length; one has 4, another 3"),
        ({"template": replace(TEMPLATE, literal=True)}, "adapters of one punctuation"),
    ):
        with pytest.raises(InvalidConfig, match=words):
            combine([(a, 1.0), (replace(b, **changed), 1.0)], ticket)
    shorter = replace(b, template=replace(TEMPLATE, max_length=32))
    assert combine([(a, 1.0), (shorter, 1.0)], ticket).template.max_length == 32
