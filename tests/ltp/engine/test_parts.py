"""The engine's parts: products, batches, popularity, and a cache that many threads use."""

import random
import threading
import time

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from ltp.backbone.load import Backbone
from ltp.engine.adapter_view import AdapterView, ReadyRows, overlay_all
from ltp.engine.cache import ByteCache
from ltp.engine.linear import Linear
from ltp.engine.packing import LENGTH, UNEVEN_LANES, pack_mixed, split_into_batches, split_into_lanes
from ltp.engine.prefetch import Prefetcher
from ltp.engine.row_counts import RowCounts
from ltp.engine.usage import HALF_LIFE, KNOWN, Popularity
from ltp.model.encoder import Overlay
from ltp.model.template import Encoded, Template


@pytest.mark.parametrize("activation", ["", "gelu", "relu", "silu"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_reordered_product_equals_the_plain_one(dtype: torch.dtype, activation: str) -> None:
    weight, bias, tokens = torch.randn(48, 32).to(dtype), torch.randn(48).to(dtype), torch.randn(70, 32).to(dtype)
    plain = F.linear(tokens, weight, bias)
    exact = F.linear(tokens.double(), weight.double(), bias.double())
    if activation:
        plain, exact = (getattr(F, activation)(each) for each in (plain, exact))
    for count in (1, 7, 64, 70):
        kept, passing = (Linear(weight, bias, activation, reorder=reorder)(tokens[:count]) for reorder in (True, False))
        bound = 1e-5 if dtype == torch.float32 else 0.01  # the last bit of bf16
        assert torch.allclose(kept.double(), exact[:count], rtol=bound, atol=bound)
        assert torch.allclose(kept, passing, rtol=bound, atol=bound)
        assert torch.allclose(kept, plain[:count], rtol=bound, atol=bound)


@given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=6), max_size=8), st.integers(1, 60))
def test_every_example_is_dealt_once_within_the_budget(sizes: list[list[int]], budget: int) -> None:
    batches = list(split_into_batches(sizes, max_tokens=budget))
    dealt = [(part, index) for batch in batches for part, first, last in batch for index in range(first, last)]
    assert dealt == [(part, index) for part, lengths in enumerate(sizes) for index in range(len(lengths))]
    for batch in batches:
        lengths = [size for part, first, last in batch for size in sizes[part][first:last]]
        assert lengths
        assert all(first < last for _, first, last in batch)
        assert sum(lengths) <= budget or len(lengths) == 1


@given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=6), min_size=1, max_size=8), st.integers(1, 4))
def test_every_example_has_one_lane_and_lanes_are_even(sizes: list[list[int]], count: int) -> None:
    views = [AdapterView(torch.zeros(1, 1), None) for _ in sizes]
    parts = [(view, [(part, index) for index in range(len(sizes[part]))]) for part, view in enumerate(views)]
    lanes = split_into_lanes(parts, lambda example: sizes[example[0]][example[1]], count)
    assert len(lanes) <= count
    assert all(some for lane in lanes for _, some in lane)
    assert all(view is views[part] for lane in lanes for view, some in lane for part, _ in some)
    dealt = [example for lane in lanes for _, some in lane for example in some]
    assert dealt == [example for _, some in parts for example in some]
    total = sum(map(sum, sizes))
    for lane in lanes:
        tokens = sum(sizes[part][index] for _, some in lane for part, index in some)
        assert abs(tokens - total / count) <= max(2 * total / count / UNEVEN_LANES, 30) or len(lanes) < count


def test_an_adapter_stays_whole_where_a_cut_beside_it_is_about_as_even() -> None:
    one, other = (AdapterView(torch.zeros(1, 1), None) for _ in range(2))
    assert split_into_lanes([(one, [5] * 10), (other, [5] * 9)], int, 2) == [[(one, [5] * 10)], [(other, [5] * 9)]]
    assert split_into_lanes([(one, [5] * 16), (other, [5] * 2)], int, 2) == [
        [(one, [5] * 9)],
        [(one, [5] * 7), (other, [5] * 2)],
    ]


def test_every_token_has_one_cell_and_padding_none(tiny_backbone: Backbone) -> None:
    template = Template(tiny_backbone, prompt_length=4, max_length=60, text_form=1)
    texts = [("dog " * count, "a cat") for count in (1, 30, 2, 29, 30, 3, 1)]
    examples = template.encode(texts)
    view = AdapterView(torch.zeros(4, tiny_backbone.info.hidden), template)
    counts = RowCounts((16, 64), lambda _: False)
    batch = pack_mixed([(view, examples[:3]), (view, examples[3:])], pad=tiny_backbone.special.pad, counts=counts)
    count = sum(len(example.ids) for example in examples)
    cells = torch.cat([grid.cells for grid in batch.grids])
    keys = torch.cat([grid.keys.flatten() for grid in batch.grids])
    assert sorted(cells[keys].tolist()) == list(range(count))
    assert torch.equal(cells[batch.places[:count]], torch.arange(count))
    assert keys[batch.places[:count]].all()
    order = torch.cat([grid.examples for grid in batch.grids])
    assert torch.equal(order[batch.places_asked[: len(examples)]], torch.arange(len(examples)))
    for grid in batch.grids:
        filled = grid.keys[:, 0, 0].sum(1)
        assert (filled > grid.keys.shape[-1] - LENGTH).all()  # as long as its own example asks for
    assert [span.tokens for span in batch.spans][-1][1] == count
    assert batch.ids[batch.mask[: len(examples)]].unique().tolist() == [tiny_backbone.special.mask]
    assert len(batch.ids) == len(batch.positions) == len(batch.places) == counts.total(count)
    assert len(batch.mask) == counts.total(len(examples))
    assert isinstance(examples[0], Encoded)


def test_one_example_needs_no_grid_of_its_own(tiny_backbone: Backbone) -> None:
    template = Template(tiny_backbone, prompt_length=4, max_length=60, text_form=1)
    view = AdapterView(torch.zeros(4, tiny_backbone.info.hidden), template)
    (grid,) = pack_mixed([(view, template.encode([("dog", "a cat")]))], pad=1, counts=RowCounts((32,), bool)).grids
    assert grid.cells is None
    rows = torch.arange(32)
    assert torch.equal(grid.of(rows), rows[: grid.keys.shape[-1]])


def test_demand_fades_and_equals_do_not_chase_each_other_out() -> None:
    popularity = Popularity()
    for _ in range(10):
        popularity.count_use("a")
        popularity.count_use("b")
    assert not popularity.outweighs("a", "b")
    assert not popularity.outweighs("b", "a")
    assert popularity.outweighs("a", "never asked for")
    for number in range(int(2 * HALF_LIFE)):
        popularity.count_use(f"other {number}")
    assert popularity.weight("a") < 3
    for _ in range(4):
        popularity.count_use("c")
    assert popularity.outweighs("c", "a")


def test_what_is_remembered_of_demand_is_bounded() -> None:
    popularity = Popularity()
    for number in range(5 * KNOWN):
        popularity.count_use(f"{number}")
    assert len(popularity._uses) < 2 * KNOWN


def test_a_cache_admits_what_fits_or_beats_all_that_would_leave() -> None:
    cache: ByteCache[str] = ByteCache(10)

    def use(key: str, size: int) -> None:
        with cache.pinned(key, lambda: (key, size)):
            pass

    assert cache.admits(10, lambda _: False)
    assert not cache.admits(11, lambda _: True)
    use("a", 4)
    use("b", 4)
    assert cache.admits(2, lambda _: False)
    assert not cache.admits(3, lambda _: False)
    assert cache.admits(3, lambda key: key == "a")
    assert not cache.admits(7, lambda key: key == "a")
    assert cache.admits(7, lambda _: True)
    with cache.pinned("a", lambda: ("a", 4)):
        assert cache.pinned_bytes == 4
        assert cache.admits(6, lambda _: True)
        assert not cache.admits(7, lambda _: True)  # the pinned one stays
    assert cache.pinned_bytes == 0
    with cache.pinned_if_there("b") as there, cache.pinned_if_there("c") as absent:
        assert (there, absent) == ("b", None)
        assert cache.pinned_bytes == 4
    assert cache.pinned_bytes == 0


def test_many_threads_make_a_value_once_and_stay_within_the_bound() -> None:
    cache: ByteCache[tuple[str, int]] = ByteCache(5)
    making: dict[str, int] = {}
    faults: list[str] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(200):
            key = f"{chance.randrange(8)}"

            def make(key: str = key) -> tuple[tuple[str, int], int]:
                making[key] = making.get(key, 0) + 1
                if making[key] > 1:
                    faults.append(f"{key} is made twice")
                time.sleep(0.0002)
                making[key] -= 1
                if chance.random() < 0.05:
                    raise KeyError(key)
                return (key, seed), 1

            try:
                with cache.pinned(key, make) as (found, _):
                    faults.extend([] if found == key else [f"{found} for {key}"])
            except KeyError:
                pass

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    stats = cache.stats()
    assert cache.pinned_bytes == 0
    assert stats["bytes"] == stats["entries"] <= 5
    assert stats["hits"] > 0


def test_keys_asked_for_are_fetched_in_order_each_once_and_not_when_cancelled() -> None:
    fetched: list[str] = []
    begun, go_on, over = threading.Event(), threading.Event(), threading.Event()

    def fetch(key: str) -> None:
        fetched.append(key)
        begun.set()
        assert go_on.wait(10)
        if key == "e":
            over.set()
        if key == "c":
            raise KeyError(key)

    ahead = Prefetcher(fetch)
    ahead.request(["a"])
    assert begun.wait(10)
    ahead.request(["b", "c", "b", "d", "e"])
    ahead.cancel("d")
    go_on.set()
    assert over.wait(10)
    assert fetched == ["a", "b", "c", "e"]
    over.clear()
    ahead.request(["e"])  # the thread has ended, or is about to
    assert over.wait(10)


@pytest.mark.parametrize("ids", [[0, 5, 2, 5, 9], [7], [9, 8]])
def test_rows_are_overlaid_alike_where_they_are_counted_and_where_not(ids: list[int]) -> None:
    overlay = Overlay(torch.tensor([2, 5, 8]), torch.arange(6.0).view(3, 2))
    counted, uncounted = torch.full((len(ids), 2), -1.0), torch.full((len(ids), 2), -1.0)
    ReadyRows(overlay).patch(torch.tensor(ids), counted)
    overlay_all(overlay, torch.tensor(ids), uncounted)
    assert torch.equal(counted, uncounted)
    assert [bool((row >= 0).all()) for row in counted] == [number in (2, 5, 8) for number in ids]
