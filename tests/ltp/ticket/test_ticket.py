"""A ticket has exactly K active parameters, those that moved the most; ties and zeros go by order."""

from __future__ import annotations

import json
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.synthetic import empty_ticket

from ltp import tensorfile
from ltp.backbone.architecture import TYPE_EMBEDDINGS, WORD_EMBEDDINGS, layer_of
from ltp.backbone.layers import layers_in
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import STRATEGIES
from ltp.config import Rule, TicketConfig
from ltp.drift.stored import Drift
from ltp.errors import BackboneMismatch, CorruptArtifact, InvalidConfig
from ltp.ticket.mask import Ticket
from ltp.ticket.selection import BLOCK, select

LAYER = "roberta.encoder.layer.{}.output.dense.{}"


def _drift(values: dict[str, NDArray[np.float16]], rows: dict[str, list[int]], shapes: dict[str, Any]) -> Drift:
    return Drift(
        values={name: torch.from_numpy(array.copy()) for name, array in values.items()},
        rows={name: torch.tensor(numbers, dtype=torch.int64) for name, numbers in rows.items()},
        scale_exponent=3,
        strategy="decoupled",
        backbone="f" * 64,
        shapes=dict(sorted(shapes.items())),
    )


@st.composite
def drifts(draw: st.DrawFn, *, few_values: bool = True) -> Drift:
    """Any small drift: two embedding matrices with some rows stored, and up to four layers with many ties and zeros."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    width = draw(st.sampled_from([1, 3, 8, 5]))
    shapes: dict[str, tuple[int, ...]] = {
        WORD_EMBEDDINGS: (draw(st.integers(1, 40)), width),
        TYPE_EMBEDDINGS: (1, width),
    }
    for layer in range(draw(st.integers(1, 4))):
        shapes[LAYER.format(layer, "weight")] = (draw(st.integers(1, 9)), width)
        shapes[LAYER.format(layer, "bias")] = (draw(st.integers(1, 9)),)
    levels = draw(st.sampled_from([1, 2, 5, 60000])) if few_values else 60000
    values, rows = {}, {}
    for name, shape in shapes.items():
        codes = rng.integers(0, levels, shape).astype(np.uint16)
        if "embeddings" in name:
            kept = np.flatnonzero(rng.random(shape[0]) < 0.5)
            rows[name], codes = kept.tolist(), codes[kept]
        values[name] = np.minimum(codes, 0x7BFF).astype(np.uint16).view(np.float16)
    return _drift(values, rows, shapes)


def _naive(drift: Drift, config: TicketConfig) -> dict[str, NDArray[np.bool_]]:
    """Sort everything: greatest first, then by name, then by place."""
    count = max(layer_of(name) or 0 for name in drift.shapes)
    scope = layers_in(config.layers, count)
    names = [name for name in sorted(drift.shapes) if layer_of(name) in scope]
    groups = [names] if config.rule == "global" else [[n for n in names if layer_of(n) == k] for k in sorted(scope)]
    sizes = [sum(prod(drift.shapes[name]) for name in group) for group in groups]
    wanted = round(config.active_ratio * sum(sizes))
    quotas = [wanted] if config.rule == "global" else [int(config.active_ratio * size) for size in sizes]
    remainders = [config.active_ratio * size - quota for size, quota in zip(sizes, quotas, strict=True)]
    while sum(quotas) < wanted:
        first = remainders.index(max(remainders))
        quotas[first] += 1
        remainders[first] = -1
    active = {name: np.zeros(drift.shapes[name], np.bool_) for name in names}
    for group, quota in zip(groups, quotas, strict=True):
        flat = np.concatenate([drift.dense(name).numpy().ravel() for name in group])
        chosen = np.zeros(len(flat), np.bool_)
        chosen[np.argsort(-flat, kind="stable")[:quota]] = True
        start = 0
        for name in group:
            size = prod(drift.shapes[name])
            active[name] = chosen[start : start + size].reshape(drift.shapes[name])
            start += size
    return active


def _unpacked(ticket: Ticket, name: str) -> NDArray[np.bool_]:
    shape = ticket.shapes[name]
    if name not in ticket.masks:
        return np.zeros(shape, np.bool_)
    return np.unpackbits(ticket.masks[name], count=prod(shape), bitorder="little").reshape(shape).astype(np.bool_)


RATIOS = st.one_of(st.floats(1e-6, 1.0), st.sampled_from([0.05, 0.1, 0.2, 0.5, 0.999, 1.0]))


@settings(max_examples=300, deadline=None)
@given(
    drift=drifts(), ratio=RATIOS, rule=st.sampled_from(["global", "per_layer"]), scope=st.sampled_from(["all", (1,)])
)
def test_it_selects_what_sorting_everything_would(drift: Drift, ratio: float, rule: Rule, scope: Any) -> None:
    config = TicketConfig(active_ratio=ratio, rule=rule, layers=scope)
    ticket = select(drift, config)
    naive = _naive(drift, config)
    for name, expected in naive.items():
        assert np.array_equal(_unpacked(ticket, name), expected), name
        assert (name in ticket.masks) == expected.any()
        assert ticket.positions(name).tolist() == np.flatnonzero(expected).tolist()
    assert set(ticket.masks) <= set(naive)
    assert ticket.selectable == sum(mask.size for mask in naive.values())
    assert ticket.active == round(ratio * ticket.selectable)
    assert ticket.moved == sum(int((drift.dense(name) > 0).sum()) for name in naive)
    assert ticket.zero_drift == sum(
        int((mask & (drift.dense(name).numpy() == 0)).sum()) for name, mask in naive.items()
    )


@pytest.mark.parametrize("levels", [2, 5, 60000])
@pytest.mark.parametrize("ratio", [0.05, 0.4, 0.95])
def test_blocks_and_threads_leave_the_order_as_it_is(levels: int, ratio: float) -> None:
    rng = np.random.default_rng(levels)
    shapes: dict[str, Any] = {WORD_EMBEDDINGS: (BLOCK // 300, 768), LAYER.format(0, "bias"): (2 * BLOCK + 13,)}
    kept = np.flatnonzero(rng.random(shapes[WORD_EMBEDDINGS][0]) < 0.3)
    sizes = {WORD_EMBEDDINGS: (len(kept), 768), LAYER.format(0, "bias"): shapes[LAYER.format(0, "bias")]}
    codes = {name: rng.integers(0, levels, size).clip(max=0x7BFF).astype(np.uint16) for name, size in sizes.items()}
    values = {name: array.view(np.float16) for name, array in codes.items()}
    drift = _drift(values, {WORD_EMBEDDINGS: kept.tolist()}, shapes)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        ticket = select(drift, TicketConfig(active_ratio=ratio))
        positions = {name: ticket.positions(name).numpy() for name in shapes}
    finally:
        torch.set_num_threads(before)
    for name, expected in _naive(drift, TicketConfig(active_ratio=ratio)).items():
        assert np.array_equal(_unpacked(ticket, name), expected), name
        assert np.array_equal(positions[name], np.flatnonzero(expected)), name
    assert ticket.active == round(ratio * ticket.selectable)


@settings(max_examples=100, deadline=None)
@given(drift=drifts(), first=RATIOS, second=RATIOS)
def test_a_smaller_global_ticket_lies_inside_a_greater_one(drift: Drift, first: float, second: float) -> None:
    small, great = (select(drift, TicketConfig(active_ratio=ratio)) for ratio in sorted((first, second)))
    for name in drift.shapes:
        assert not (_unpacked(small, name) & ~_unpacked(great, name)).any()


@settings(max_examples=50, deadline=None)
@given(drift=drifts(), ratio=RATIOS)
def test_the_distribution_adds_up(drift: Drift, ratio: float) -> None:
    ticket = select(drift, TicketConfig(active_ratio=ratio))
    rows = ticket.distribution()
    assert [row["layer"] for row in rows] == ["embeddings", *range(1, len(rows))]
    assert sum(row["active"] for row in rows) == ticket.active
    if ticket.active:
        assert sum(row["share"] for row in rows) == pytest.approx(1)
    for index, row in enumerate(rows):
        size = sum(prod(shape) for name, shape in drift.shapes.items() if layer_of(name) == index)
        assert row["density"] == row["active"] / size


def test_the_rule_per_layer_gives_each_layer_its_ratio(measured: Drift) -> None:
    per_layer = select(measured, TicketConfig(active_ratio=0.1, rule="per_layer"))
    assert all(abs(row["density"] - 0.1) < 0.001 for row in per_layer.distribution())
    everywhere = select(measured, TicketConfig(active_ratio=0.1))
    assert max(abs(row["density"] - 0.1) for row in everywhere.distribution()) > 0.01
    assert per_layer.active == everywhere.active


@pytest.mark.parametrize(
    ("scope", "count", "layers"),
    [
        ("all", 12, range(13)),
        ("lower", 12, range(1, 5)),
        ("middle", 12, range(5, 9)),
        ("upper", 12, range(9, 13)),
        ("lower", 24, range(1, 9)),
        ("lower", 5, [1, 2]),
        ("middle", 5, [3]),
        ("upper", 5, [4, 5]),
        ("lower", 2, [1]),
        ("upper", 2, [2]),
        ((3, 1), 3, [1, 3]),
    ],
)
def test_scopes(scope: Any, count: int, layers: range | list[int]) -> None:
    assert layers_in(scope, count) == set(layers)


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 60))
def test_thirds_are_disjoint_and_complete(count: int) -> None:
    found: list[int] = []
    for scope in ("lower", "middle", "upper"):
        try:
            found += sorted(layers_in(scope, count))
        except InvalidConfig:
            assert count < 3
    assert found == list(range(1, count + 1))


@pytest.mark.parametrize("scope", [(3,), (1, 99), "middle"])
def test_a_scope_that_does_not_fit_is_refused(measured: Drift, scope: Any) -> None:
    with pytest.raises(InvalidConfig, match="layers"):
        select(measured, TicketConfig(layers=scope))


@pytest.fixture(scope="module")
def measured(tiny_backbone: Backbone) -> Drift:
    """A drift of the tiny backbone's own shapes, with embedding rows that moved less than the layers."""
    rng = np.random.default_rng(0)
    values, rows = {}, {}
    for name, shape in STRATEGIES["decoupled"].selectable_shapes(tiny_backbone.shapes).items():
        array = np.abs(rng.normal(size=shape)).astype(np.float16)
        if name.startswith("roberta.embeddings."):
            rows[name] = sorted(rng.choice(shape[0], max(1, shape[0] // 3), replace=False).tolist())
            array = array[rows[name]] * np.float16(0.25)
        values[name] = array
    shapes = STRATEGIES["decoupled"].selectable_shapes(tiny_backbone.shapes)
    return replace(_drift(values, rows, shapes), backbone=tiny_backbone.info.fingerprint)


def test_streaming_in_blocks_changes_nothing(measured: Drift) -> None:
    whole = select(measured, TicketConfig(active_ratio=0.3))
    blocks = select(measured, TicketConfig(active_ratio=0.3), block=64)
    assert blocks.sha256 == whole.sha256
    name = LAYER.format(1, "weight")
    assert blocks.positions(name, block=3).tolist() == np.flatnonzero(_unpacked(whole, name)).tolist()


def test_the_mask_hash_covers_names_shapes_and_bits(measured: Drift) -> None:
    ticket = select(measured, TicketConfig())
    assert select(measured, TicketConfig()).sha256 == ticket.sha256
    name = LAYER.format(0, "weight")
    flipped = ticket.masks[name].copy()
    flipped[7] ^= 1
    others = [
        replace(ticket, masks=ticket.masks | {name: flipped}),
        replace(ticket, shapes=ticket.shapes | {name: ticket.shapes[name][::-1]}),
        replace(ticket, masks={other: mask for other, mask in ticket.masks.items() if other != name}),
    ]
    assert len({ticket.sha256, *(other.sha256 for other in others)}) == 4


@pytest.mark.parametrize("config", [TicketConfig(), TicketConfig(active_ratio=0.07, rule="per_layer", layers=(2,))])
def test_what_is_saved_is_loaded(
    measured: Drift, tiny_backbone: Backbone, tmp_path: Path, config: TicketConfig
) -> None:
    ticket = select(measured, config)
    ticket.save(tmp_path / "ticket")
    for loaded in (Ticket.load(tmp_path / "ticket"), Ticket.load(tmp_path / "ticket", tiny_backbone.info)):
        assert loaded.sha256 == ticket.sha256
        assert loaded.metadata() == ticket.metadata()
        assert loaded.distribution() == ticket.distribution()
        assert (loaded.config, loaded.shapes, loaded.active) == (ticket.config, ticket.shapes, ticket.active)
        assert all(np.array_equal(loaded.masks[name], mask) for name, mask in ticket.masks.items())


def test_an_empty_ticket_has_nothing_active(tiny_backbone: Backbone, tmp_path: Path) -> None:
    ticket = empty_ticket(tiny_backbone)
    ticket.save(tmp_path / "ticket")
    loaded = Ticket.load(tmp_path / "ticket", tiny_backbone.info)
    assert (loaded.active, loaded.masks, loaded.backbone) == (0, {}, tiny_backbone.info.fingerprint)
    assert loaded.positions(WORD_EMBEDDINGS).tolist() == []
    assert all(row["active"] == row["share"] == row["density"] == 0 for row in loaded.distribution())


def test_another_backbones_ticket_is_refused(measured: Drift, tiny_backbone: Backbone, tmp_path: Path) -> None:
    replace(select(measured, TicketConfig()), backbone="0" * 64).save(tmp_path / "ticket")
    with pytest.raises(BackboneMismatch):
        Ticket.load(tmp_path / "ticket", tiny_backbone.info)


@pytest.mark.parametrize("damage", ["flip", "truncate", "append", "header", "empty"])
def test_a_damaged_file_is_refused(measured: Drift, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "ticket"
    select(measured, TicketConfig()).save(path)
    data = bytearray(path.read_bytes())
    data[-1] ^= damage == "flip"
    data[12] ^= damage == "header"
    data += b"x" * (damage == "append")
    path.write_bytes(data[: {"truncate": len(data) - 1, "empty": 0}.get(damage, len(data))])
    with pytest.raises(CorruptArtifact):
        Ticket.load(path)


def _change(metadata: dict[str, str], **changes: Any) -> dict[str, str]:
    return metadata | {key: value if isinstance(value, str) else json.dumps(value) for key, value in changes.items()}


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "ltp-drift"},
        {"version": "2"},
        {"strategy": "none"},
        {"shapes": {"roberta.encoder.layer.0.output.dense.weight": [10**9, 10**9]}},
        {"shapes": []},
        {"shapes": {"evil": [1]}},
        {"names": ["evil"]},
        {"names": 7},
        {"counts": [1]},
        {"counts": [1, 1, 1]},
        {"counts": [10**12, 0, 0]},
        {"config": {"active_ratio": 7, "rule": "global", "layers": "all"}},
        {"config": {"layers": "all", "extra": 1}},
        {"mask_sha256": "0" * 64},
    ],
)
def test_wrong_metadata_is_refused(
    measured: Drift, tiny_backbone: Backbone, tmp_path: Path, changes: dict[str, Any]
) -> None:
    ticket = select(measured, TicketConfig())
    tensorfile.write(tmp_path / "ticket", dict(ticket.masks), _change(ticket.metadata(), **changes))
    for backbone in (None, tiny_backbone.info):
        with pytest.raises(CorruptArtifact):
            Ticket.load(tmp_path / "ticket", backbone)


def test_wrong_masks_are_refused(measured: Drift, tiny_backbone: Backbone, tmp_path: Path) -> None:
    ticket = select(measured, TicketConfig())
    name = next(iter(ticket.masks))
    masks = dict(ticket.masks)
    wrong: list[dict[str, Any]] = [
        masks | {name: masks[name][:-1]},
        masks | {name: masks[name].view(np.uint8).astype(np.float32)},
        masks | {name: np.zeros_like(masks[name])},
        masks | {"z": masks[name]},
        dict(list(masks.items())[1:]),
        dict(reversed(masks.items())),
    ]
    for tensors in wrong:
        tensorfile.write(tmp_path / "ticket", tensors, ticket.metadata())
        with pytest.raises(CorruptArtifact):
            Ticket.load(tmp_path / "ticket", tiny_backbone.info)


def test_bits_beyond_the_last_parameter_are_refused(tmp_path: Path) -> None:
    shapes = {LAYER.format(0, "bias"): (5,)}
    drift = _drift({LAYER.format(0, "bias"): np.arange(5).astype(np.float16)}, {}, shapes)
    ticket = select(drift, TicketConfig(active_ratio=0.4))
    assert ticket.masks[LAYER.format(0, "bias")].tolist() == [0b11000]
    replace(ticket, masks={LAYER.format(0, "bias"): np.array([0b111000], np.uint8)}, selectable=5).save(
        tmp_path / "ticket"
    )
    with pytest.raises(CorruptArtifact, match="beyond"):
        Ticket.load(tmp_path / "ticket")
