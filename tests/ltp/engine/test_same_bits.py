"""One pair, one answer: bit for bit the same alone, in any company, in every tier, and however many threads compute."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every_adapter import Library
from support.synthetic import NOUNS, random_changes, random_ticket
from support.tiny_backbone import write_tiny

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.load import Backbone, load_backbone
from ltp.config import Precision
from ltp.delta.delta import Delta, encode
from ltp.engine.compact import CompactAdapter
from ltp.engine.engine import Engine
from ltp.engine.forward import Forward
from ltp.engine.packing import pack_mixed
from ltp.engine.pairs import PairRequest
from ltp.engine.row_counts import ANY, MOST, STEP, RowCounts
from ltp.engine.same_bits import AT_START, SameBits, digest, uneven
from ltp.engine.shared_weights import SharedWeights

TEXTS = [(f"{NOUNS[size % 13]} " * size, "a cat " * (size % 5 + 1)) for size in (1, 2, 3, 5, 8, 13, 21, 34, 55, 90)]
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
Answer = tuple[float, ...]
Asked = list[tuple[str, tuple[str, str]]]


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def alone(backbone: Backbone, library: Library) -> Callable[[Precision, str, tuple[str, str]], Answer]:
    """What a pair is answered by itself, from the compact tier, by one thread."""
    engines = {each: Engine(backbone, source=library.__getitem__, precision=each, fused_bytes=0) for each in PRECISIONS}

    @cache
    def answer(precision: Precision, key: str, text: tuple[str, str]) -> Answer:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        (found,) = engines[precision].predict([PairRequest(key, *text)])
        torch.set_num_threads(before)
        return found.probabilities

    return answer


def answers(engine: Engine, asked: Asked) -> list[Answer]:
    return [answer.probabilities for answer in engine.predict([PairRequest(key, *text) for key, text in asked])]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_an_answer_does_not_depend_on_its_company_its_tier_or_the_threads(
    backbone: Backbone,
    library: Library,
    alone: Callable[[Precision, str, tuple[str, str]], Answer],
    precision: Precision,
    threads: int,
) -> None:
    tiers = {
        size: Engine(backbone, source=library.__getitem__, precision=precision, fused_bytes=size)
        for size in (0, 60_000, 1 << 30)
    }
    keys = st.one_of(st.sampled_from(sorted(library)), st.just("all"))

    @settings(max_examples=6, deadline=None)
    @given(st.lists(st.tuples(keys, st.sampled_from(TEXTS)), min_size=1, max_size=40), st.booleans())
    def hold(asked: Asked, one_adapter: bool) -> None:
        asked = [("all", text) for _, text in asked] if one_adapter else asked
        for engine in tiers.values():
            assert answers(engine, asked) == [alone(precision, *each) for each in asked]

    hold()
    assert tiers[1 << 30].stats()["fused_hits"] > 0


def test_attention_in_bf16_leaves_bits_alone_too(backbone: Backbone, library: Library) -> None:
    shared, exact = (
        SharedWeights(backbone, precision="bf16", attention=each) for each in (torch.bfloat16, torch.float32)
    )
    view = CompactAdapter(shared, *library["all"]).view
    examples = view.template.encode(TEXTS)

    def logits(weights: SharedWeights, *some: int) -> torch.Tensor:
        packed = pack_mixed([(view, [examples[index] for index in some])], pad=1, counts=weights.counts)
        return Forward(weights)(packed)

    with torch.inference_mode():
        together = logits(shared, *range(len(TEXTS)))
        for index in range(len(TEXTS)):
            assert torch.equal(logits(shared, index)[0], together[index])
        assert torch.allclose(together.softmax(1), logits(exact, *range(len(TEXTS))).softmax(1), atol=0.02)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> tuple[Backbone, Library]:
    """Two layers of XLM-R base's shape, and two adapters."""
    folder = Path(tmp_path_factory.mktemp("wide"))
    backbone = load_backbone(write_tiny(folder, hidden=768, heads=12, inner=3072))
    ticket = random_ticket(backbone, 0.05, only="roberta.encoder.layer.1.")
    return backbone, {str(seed): (_adapter(backbone, ticket, seed), ticket) for seed in range(2)}


def _adapter(backbone: Backbone, ticket, seed: int) -> Adapter:
    return Adapter(
        prompt=torch.randn(4, backbone.info.hidden, generator=torch.Generator().manual_seed(seed)),
        delta=encode(random_changes(ticket, seed=seed), ticket) if ticket else Delta({}, {}, {}),
        method="ltp",
        strategy=ticket.strategy,
        backbone=backbone.info.fingerprint,
        ticket_sha256=ticket.sha256,
        template=TemplateOptions(literal=False, max_length=128),
    )


@pytest.mark.parametrize(("precision", "size"), [("fp32", 9), ("bf16", 2)])
def test_the_same_holds_at_the_width_of_xlmr_base(
    wide: tuple[Backbone, Library], precision: Precision, size: int, two_threads: None
) -> None:
    backbone, library = wide
    engine = Engine(backbone, source=library.__getitem__, precision=precision)
    compact = Engine(backbone, source=library.__getitem__, precision=precision, fused_bytes=0)
    texts = [TEXTS[number % 7] for number in range(size)]
    one, both = [("0", text) for text in texts], [(str(number % 2), text) for number, text in enumerate(texts)]
    expected = {each: answers(compact, [each])[0] for each in {*one, *both}}
    assert len({*expected.values()}) == len(expected)
    for asked in (one, both[::-1]):
        for each in (engine, engine, compact):
            assert answers(each, asked) == [expected[pair] for pair in asked]
    assert engine.stats()["fused_entries"] == 2


@given(st.integers(1, 3000), st.lists(st.sampled_from(AT_START), min_size=1, unique=True), st.sets(st.integers(1, 64)))
def test_rows_are_computed_by_numbers_that_agree(rows: int, always: list[int], others: set[int]) -> None:
    numbers = {STEP * number for number in others}
    counts = RowCounts(sorted(always), numbers.__contains__)
    calls = counts.calls(rows)
    assert {*calls} <= {*always} | numbers
    assert sum(calls[:-1]) < rows <= sum(calls) == counts.total(rows)
    assert max(calls) <= MOST
    assert ANY.calls(rows) == (rows,)


def doubled(tokens: torch.Tensor) -> torch.Tensor:
    return tokens * 2


def test_a_product_whose_rows_depend_on_their_place_is_noticed() -> None:
    rows = uneven(STEP, 40)

    def uneven_places(tokens: torch.Tensor) -> torch.Tensor:
        return torch.cat([tokens[:-1] * 2, torch.nextafter(tokens[-1:] * 2, torch.tensor(9.0))])

    assert digest(doubled, rows, 16) == digest(doubled, rows, 512) is not None
    assert digest(uneven_places, rows, 16) is None


def test_numbers_layouts_and_threads_that_disagree_are_not_used() -> None:
    def at_odds_beyond(most: int) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda tokens: tokens * (2 if len(tokens) <= most else 3)

    def found(*products: Callable[[torch.Tensor], torch.Tensor]) -> SameBits:
        others = partial(torch.zeros, 3)
        return SameBits([(40, lambda: products)], torch.float32, others, fast=True)

    agreeing = found(doubled, doubled)
    assert (agreeing.any_layout, agreeing.any_threads) == (True, True)
    assert agreeing.counts.calls(400) == (400,)
    fewer = found(at_odds_beyond(300))
    assert fewer.counts.calls(300) == (304,) or fewer.counts.calls(300) == (256, 48)
    assert set(fewer.counts.calls(500)) <= {16, 64, 256, 248}
    assert not found(doubled, at_odds_beyond(0)).any_layout


def test_threads_that_disagree_are_noticed(threads: int) -> None:
    bits = SameBits(
        [(40, lambda: [lambda tokens: tokens * torch.get_num_threads()])],
        torch.float32,
        partial(torch.zeros, 3),
        fast=True,
    )
    assert bits.any_threads is (threads == 1)
    for_heads = SameBits(
        [(40, lambda: [doubled])], torch.float32, lambda: torch.tensor(torch.get_num_threads()), fast=True
    )
    assert for_heads.any_threads is (threads == 1)
