"""Int8: products are exact sums of whole numbers, a pair's answer depends on nothing beside it, and tiers agree."""

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.synthetic import pairs, random_changes, random_ticket

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.load import Backbone
from ltp.compute.quantised_rows import MIDDLE, quantised_rows
from ltp.delta.delta import encode
from ltp.engine.engine import Engine
from ltp.engine.int8_linear import Int8Linear, packed, product, quantised_weight, weight_levels
from ltp.engine.int8_products import Int8Products
from ltp.engine.pairs import PairRequest
from ltp.engine.projections import packed_linears
from ltp.errors import AdapterNotUsable, InvalidConfig
from ltp.ticket.mask import Ticket

TEXTS = [(example.premise, example.hypothesis) for example in pairs(24, seed=11)] + [("dog " * 50, "a cat"), ("x", "y")]
LEVELS = weight_levels()
pytestmark = pytest.mark.skipif(not LEVELS, reason="no exact products of bytes on this machine")


@given(
    rows=st.integers(1, 40),
    shape=st.sampled_from([(384, 96), (3072, 48), (100, 36)]),
    seed=st.integers(0, 99),
    zero=st.sampled_from([16, MIDDLE]),
)
def test_products_of_extreme_values_are_those_of_whole_numbers(
    rows: int, shape: tuple[int, int], seed: int, zero: int
) -> None:
    inputs, outputs = shape
    random = torch.Generator().manual_seed(seed)
    tokens = torch.where(torch.rand(rows, inputs, generator=random) < 0.5, 0, 255)
    weight = torch.where(torch.rand(outputs, inputs, generator=random) < 0.5, -LEVELS, LEVELS)
    tokens[0], weight[0], weight[-1] = 255, LEVELS, -LEVELS
    scales, points = torch.ones(outputs), torch.zeros(outputs, dtype=torch.int64)
    got = product(tokens.to(torch.uint8), packed(weight.to(torch.int8)), scales, points, zero)
    assert torch.equal(got, ((tokens - zero) @ weight.T).float())


@pytest.mark.parametrize("levels", [64, 127])
def test_a_weight_of_any_size_is_within_half_a_step(levels: int) -> None:
    weight = torch.randn(8, 64) * torch.tensor([1e-20, 1e-3, 1, 1e3, 1e20, 1, 1, 1])[:, None]
    weight[5] = 0
    numbers, scales = quantised_weight(weight, torch.ones(64), levels)
    assert (numbers.float() * scales[:, None] - weight).abs().le(0.5001 * scales[:, None]).all()
    assert numbers[[0, 1, 2, 3, 4, 6, 7]].abs().amax(1).tolist() == [levels] * 7
    assert not numbers[5].any()


@pytest.mark.parametrize("zero", [16, MIDDLE])
def test_rows_are_within_half_a_step_whatever_their_size(zero: int) -> None:
    rows = torch.randn(9, 200) * torch.logspace(-25, 25, 9)[:, None]
    columns = 2.0 ** torch.randint(-3, 1, (200,))
    rows[4] = 0
    numbers, scales = quantised_rows(rows, columns, zero)
    back = (numbers.float() - zero) * scales[:, None]
    assert ((back - rows * columns).abs() <= 0.5001 * scales[:, None]).all()
    assert torch.equal(back[4], torch.zeros(200))


@pytest.mark.parametrize("strange", [torch.nan, torch.inf, -torch.inf])
def test_a_row_that_is_not_finite_comes_out_so_and_no_other(strange: float) -> None:
    layer = Int8Linear(torch.randn(12, 40), torch.randn(12), "gelu", columns=torch.ones(40), levels=LEVELS)
    tokens = torch.randn(5, 40)
    before = layer(tokens)
    tokens[3, 7] = strange
    after = layer(tokens)
    assert after[3].isnan().all()
    assert torch.equal(after[[0, 1, 2, 4]], before[[0, 1, 2, 4]])


def test_a_row_has_the_same_bits_in_any_batch() -> None:
    layer = Int8Linear(torch.randn(48, 384), torch.randn(48), "gelu", columns=torch.ones(384), levels=LEVELS)
    tokens = torch.randn(1000, 384)
    whole = layer(tokens)
    for start, stop in ((0, 1), (0, 7), (333, 999), (990, 1000)):
        assert torch.equal(layer(tokens[start:stop]), whole[start:stop])


def test_columns_that_are_larger_cost_the_others_nothing() -> None:
    weight, tokens = torch.randn(64, 256), torch.randn(32, 256)
    tokens[:, 5] *= 64
    exact = tokens @ weight.T
    columns = torch.ones(256)
    plain = Int8Linear(weight, torch.zeros(64), columns=columns, levels=LEVELS)(tokens)
    columns[5] = 1 / 64
    alike = Int8Linear(weight / torch.where(columns < 1, 64, 1), torch.zeros(64), columns=columns, levels=LEVELS)
    exact_alike = tokens @ (weight / torch.where(columns < 1, 64, 1)).T
    assert (alike(tokens) - exact_alike).abs().mean() < (plain - exact).abs().mean() / 4


@pytest.fixture(scope="module")
def adapters(tiny_backbone: Backbone) -> dict[str, tuple[Adapter, Ticket | None]]:
    ticket = random_ticket(tiny_backbone, 0.3)
    return {
        str(seed): (
            Adapter(
                prompt=torch.randn(4, tiny_backbone.info.hidden, generator=torch.Generator().manual_seed(seed)),
                delta=encode(random_changes(ticket, seed=seed, size=0.05), ticket),
                method="ltp",
                strategy=ticket.strategy,
                backbone=tiny_backbone.info.fingerprint,
                ticket_sha256=ticket.sha256,
                template=TemplateOptions(literal=False, max_length=64),
            ),
            ticket,
        )
        for seed in range(2)
    }


def _engine(backbone: Backbone, adapters: dict[str, tuple[Adapter, Ticket | None]], **options: int) -> Engine:
    return Engine(backbone, source=adapters.__getitem__, precision="int8", **options)


def _asked(keys: str) -> list[PairRequest]:
    return [PairRequest(keys[place % len(keys)], *text) for place, text in enumerate(TEXTS)]


def test_fused_and_just_in_time_are_the_same_bits(
    tiny_backbone: Backbone, adapters: dict[str, tuple[Adapter, Ticket | None]]
) -> None:
    fused, compact = _engine(tiny_backbone, adapters), _engine(tiny_backbone, adapters, fused_bytes=0)
    for _ in range(2):
        answers = [engine.predict(_asked("0")) for engine in (fused, compact)]
    assert fused.stats()["fused_entries"] == 1
    assert compact.stats()["fused_entries"] == 0
    assert answers[0] == answers[1]


def test_what_is_kept_fused_is_counted_as_it_is(
    tiny_backbone: Backbone, adapters: dict[str, tuple[Adapter, Ticket | None]]
) -> None:
    sizes = {}
    for precision in ("int8", "fp32"):
        engine = Engine(tiny_backbone, source=adapters.__getitem__, precision=precision)  # type: ignore[arg-type]
        for _ in range(2):
            engine.predict(_asked("0"))
        view = next(iter(engine._tiers._fused._entries.values())).value
        products = sum(each.nbytes for each in view.products.values())  # type: ignore[attr-defined]
        sizes[precision] = engine.stats()["fused_bytes"]
        assert products < view.nbytes <= sizes[precision]
    assert sizes["int8"] < sizes["fp32"]


def test_answers_are_near_those_of_fp32(
    tiny_backbone: Backbone, adapters: dict[str, tuple[Adapter, Ticket | None]]
) -> None:
    exact = Engine(tiny_backbone, source=adapters.__getitem__).predict(_asked("01"))
    answers = _engine(tiny_backbone, adapters).predict(_asked("01"))
    apart = [
        abs(one - other)
        for before, after in zip(exact, answers, strict=True)
        for one, other in zip(before.probabilities, after.probabilities, strict=True)
    ]
    assert 0 < max(apart) < 0.05


def test_an_adapter_that_is_not_finite_is_still_refused(
    tiny_backbone: Backbone, adapters: dict[str, tuple[Adapter, Ticket | None]]
) -> None:
    adapter, ticket = adapters["0"]
    broken = dataclasses.replace(adapter, prompt=torch.full_like(adapter.prompt, 3e38))
    engine = Engine(tiny_backbone, source=lambda _: (broken, ticket), precision="int8")
    with pytest.raises(AdapterNotUsable):
        engine.predict([PairRequest("0", *TEXTS[0])])


def test_another_device_than_a_cpu_is_refused(tiny_backbone: Backbone) -> None:
    elsewhere = tiny_backbone.on("meta")
    with pytest.raises(InvalidConfig, match="int8 needs a CPU"):
        Int8Products(elsewhere, packed_linears(elsewhere))
