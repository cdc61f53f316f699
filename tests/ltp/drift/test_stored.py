"""The stored drift: fp16 under one scale, non-zero never rounding to zero, refused when it is not what it says."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ltp import tensorfile
from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.config import MLMConfig
from ltp.drift.stored import Drift, encode
from ltp.drift.train import train_drift
from ltp.errors import BackboneMismatch, CorruptArtifact, NonFiniteWeights


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 2.0**127, width=32), min_size=1, max_size=40))
def test_encoding_keeps_order_zeros_and_precision(numbers: list[float]) -> None:
    exact = torch.tensor(numbers)
    stored, exponent = encode({"a": exact, "b": exact[:0]})
    codes = stored["a"].view(torch.int16)
    assert torch.equal(codes == 0, exact == 0)
    assert stored["a"].isfinite().all()
    assert (codes >= 0).all()
    order = exact.argsort(stable=True)
    assert (codes[order].diff() >= 0).all()
    greatest = float(exact.max())
    if greatest > 0:
        assert 2.0**14 < math.ldexp(greatest, exponent) <= 65504 or exponent == 100
        scaled = exact.double() * 2.0**exponent
        normal = scaled >= 2.0**-14
        assert (((stored["a"].double() - scaled).abs() <= scaled * 2.0**-11) | ~normal).all()


@pytest.fixture(scope="module")
def drift(tiny_backbone: Backbone) -> Drift:
    lines = ["the dog is here", "a cat was there", "she reads a book", "they sold the car"] * 5
    return train_drift(tiny_backbone, lines, strategy="decoupled", config=MLMConfig(epochs=1, batch_size=8))


def test_the_form_of_the_corpus_is_kept_and_a_file_without_one_is_of_form_0(drift: Drift, tmp_path: Path) -> None:
    for form in (1, 0):
        replace(drift, text_form=form).save(tmp_path / "drift")
        assert Drift.load(tmp_path / "drift").text_form == form
        metadata = tensorfile.read(tmp_path / "drift", check=lambda header: header.metadata)[1]
        assert metadata.get("text_form") == ("1" if form else None)


def test_what_is_saved_is_loaded(drift: Drift, tiny_backbone: Backbone, tmp_path: Path) -> None:
    drift.save(tmp_path / "drift")
    for loaded in (Drift.load(tmp_path / "drift"), Drift.load(tmp_path / "drift", tiny_backbone.info)):
        assert all(torch.equal(loaded.values[name], drift.values[name]) for name in drift.shapes)
        assert all(torch.equal(loaded.rows[name], drift.rows[name]) for name in drift.rows)
        assert loaded.report == json.loads(json.dumps(drift.report))
        assert (loaded.shapes, loaded.strategy, loaded.backbone) == (drift.shapes, drift.strategy, drift.backbone)
        assert (loaded.scale_exponent, loaded.moved, loaded.selectable) == (
            drift.scale_exponent,
            drift.moved,
            drift.selectable,
        )
    header = tensorfile.read_header(tmp_path / "drift")
    assert header.entries[WORD_EMBEDDINGS].shape[0] < drift.shapes[WORD_EMBEDDINGS][0]  # unmoved rows are left out


def test_a_dense_drift_has_its_rows_in_place(drift: Drift) -> None:
    dense = drift.dense(WORD_EMBEDDINGS)
    assert dense.shape == drift.shapes[WORD_EMBEDDINGS]
    assert dense.any(1).nonzero().squeeze(1).tolist() == drift.rows[WORD_EMBEDDINGS].tolist()


@pytest.mark.parametrize("damage", ["flip", "truncate", "header", "empty"])
def test_a_damaged_file_is_refused(drift: Drift, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "drift"
    drift.save(path)
    data = bytearray(path.read_bytes())
    data[-100] ^= damage == "flip"
    data[9] ^= damage == "header"
    path.write_bytes(data[: {"truncate": -5, "empty": 0}.get(damage, len(data))])
    with pytest.raises(CorruptArtifact):
        Drift.load(path)


def test_another_backbones_drift_is_refused(drift: Drift, tiny_backbone: Backbone, tmp_path: Path) -> None:
    replace(drift, backbone="0" * 64).save(tmp_path / "drift")
    with pytest.raises(BackboneMismatch):
        Drift.load(tmp_path / "drift", tiny_backbone.info)
    replace(drift, strategy="tied").save(tmp_path / "drift")
    with pytest.raises(CorruptArtifact, match="selectable"):
        Drift.load(tmp_path / "drift", tiny_backbone.info)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_values_that_no_drift_can_have_are_refused(drift: Drift, tmp_path: Path, value: float) -> None:
    name = "roberta.encoder.layer.1.output.dense.bias"
    spoiled = drift.values[name].clone()
    spoiled[3] = value
    replace(drift, values=drift.values | {name: spoiled}).save(tmp_path / "drift")
    with pytest.raises(NonFiniteWeights, match=r"layer\.1\.output\.dense\.bias"):
        Drift.load(tmp_path / "drift")


@pytest.mark.parametrize("rows", [[0, 0], [1, 0], [-1, 3], [3, 10**6]])
def test_row_numbers_must_ascend_inside_the_matrix(drift: Drift, tmp_path: Path, rows: list[int]) -> None:
    values = drift.values | {WORD_EMBEDDINGS: drift.values[WORD_EMBEDDINGS][:2]}
    replace(drift, values=values, rows=drift.rows | {WORD_EMBEDDINGS: torch.tensor(rows)}).save(tmp_path / "drift")
    with pytest.raises(CorruptArtifact, match="row numbers"):
        Drift.load(tmp_path / "drift")


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "ltp-ticket"},
        {"version": "9"},
        {"strategy": "loose"},
        {"scale_exponent": "many"},
        {"shapes": "[]"},
        {"shapes": '{"a": [1000000000, 1000000000]}'},
        {"report": "{"},
        {"text_form": "2"},
    ],
)
def test_wrong_metadata_is_refused(drift: Drift, tmp_path: Path, changes: dict[str, str]) -> None:
    path = tmp_path / "drift"
    drift.save(path)
    arrays, metadata = tensorfile.read(path, check=lambda header: header.metadata)
    tensorfile.write(path, arrays, metadata | changes)
    with pytest.raises(CorruptArtifact):
        Drift.load(path)


def test_wrong_tensors_are_refused(drift: Drift, tmp_path: Path) -> None:
    path = tmp_path / "drift"
    drift.save(path)
    arrays, metadata = tensorfile.read(path, check=lambda header: header.metadata)
    bias = "roberta.encoder.layer.1.output.dense.bias"
    wrong: list[dict[str, Any]] = [
        {name: array for name, array in arrays.items() if name != bias},
        {name: array for name, array in arrays.items() if name != f"{WORD_EMBEDDINGS}.rows"},
        arrays | {bias: arrays[bias][:-1]},
        arrays | {bias: arrays[bias].astype(np.float32)},
        arrays | {f"{WORD_EMBEDDINGS}.rows": arrays[f"{WORD_EMBEDDINGS}.rows"].astype(np.int32)},
        arrays | {"stranger": arrays[bias]},
    ]
    for tensors in wrong:
        tensorfile.write(path, tensors, metadata)
        with pytest.raises(CorruptArtifact):
            Drift.load(path)
