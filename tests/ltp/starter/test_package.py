"""A packed starter: what goes in comes out within half a code, and nothing that was tampered with gets in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from support.synthetic import random_changes, random_ticket

from ltp import tensorfile
from ltp.adapter.artefact import Adapter, TemplateOptions, read_export
from ltp.backbone.load import Backbone
from ltp.delta.delta import DeltaDtype, encode
from ltp.delta.header_checksum import with_checksum
from ltp.errors import BackboneMismatch, CorruptArtifact
from ltp.starter import codes, find
from ltp.starter.package import pack, unpack
from ltp.starter.shipped import starters


def export(backbone: Backbone, path: Path, *, dtype: DeltaDtype = "fp16", size: float = 1e-2) -> Path:
    ticket = random_ticket(backbone, 0.1)
    adapter = Adapter(
        prompt=torch.randn(4, backbone.info.hidden, generator=torch.Generator().manual_seed(3)),
        delta=encode(random_changes(ticket, size=size), ticket, dtype=dtype),
        method="ltp",
        strategy="decoupled",
        backbone=backbone.info.fingerprint,
        ticket_sha256=ticket.sha256,
        template=TemplateOptions(literal=False, max_length=64),
        text_form=1,
    )
    adapter.save(path, ticket=ticket, notes='{"training": {}}')
    return path


@pytest.fixture(scope="module")
def exported(tiny_backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_backbone, tmp_path_factory.mktemp("export") / "adapter.safetensors")


@pytest.fixture(scope="module")
def packed(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "tiny.safetensors"
    path.write_bytes(pack(exported))
    return path


def test_fp16_gives_back_the_same_file_bit_by_bit(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.safetensors").write_bytes(pack(exported, coding="fp16"))
    again = unpack(tmp_path / "tiny.safetensors", tmp_path / "folder")
    assert again.read_bytes() == exported.read_bytes()


def test_int8_gives_an_ordinary_export_on_the_same_ticket(
    tiny_backbone: Backbone, exported: Path, packed: Path, tmp_path: Path
) -> None:
    before, after = (
        read_export(path, tiny_backbone.info)
        for path in (exported, unpack(packed, tmp_path, backbone=tiny_backbone.info))
    )
    assert before.ticket is not None
    assert after.ticket is not None
    assert before.ticket.sha256 == after.ticket.sha256
    assert torch.equal(before.adapter.prompt, after.adapter.prompt)
    assert (before.adapter.text_form, before.notes) == (after.adapter.text_form, after.notes)
    for name in before.adapter.delta.values:
        one, other = before.adapter.delta.decode(name), after.adapter.delta.decode(name)
        assert float((one - other).abs().max()) <= float(one.abs().max()) / codes.LARGEST_CODE
    assert packed.stat().st_size < len(pack(exported, coding="fp16")) < exported.stat().st_size


def test_packing_twice_gives_the_same_bytes(exported: Path, packed: Path) -> None:
    assert pack(exported) == packed.read_bytes()


@given(
    arrays_of.arrays(np.float16, st.integers(0, 400), elements=st.floats(-65504, 65504, width=16)),
)
def test_a_value_is_off_by_half_a_scale_at_most_and_the_largest_of_a_block_not_at_all(
    values: np.ndarray[tuple[int], np.dtype[np.float16]],
) -> None:
    numbers, scales = codes.quantised(values)
    again = codes.restored(numbers, scales)
    assert (len(numbers), len(scales)) == (len(values), codes.blocks_of(len(values)))
    for number, scale in enumerate(scales):
        part = slice(number * codes.BLOCK, (number + 1) * codes.BLOCK)
        exact = values[part].astype(np.float64)
        rounding = np.maximum(np.abs(exact) * 2.0**-11, 2.0**-25)  # of fp16
        assert (np.abs(again[part].astype(np.float64) - exact) <= scale * 0.501 + rounding).all()
        largest = np.abs(values[part]).argmax()
        assert again[part][largest] == values[part][largest]


@given(st.binary(max_size=600), st.sampled_from([np.uint8, np.float16]))
def test_compressed_values_come_back(content: bytes, dtype: type[np.generic]) -> None:
    values = np.frombuffer(content[: len(content) // 2 * 2], dtype)
    again = codes.unpacked(codes.packed(values), np.dtype(dtype), len(values), what="these")
    assert again.tobytes() == values.tobytes()


def test_no_more_is_unpacked_than_there_is_room_for() -> None:
    bomb = np.frombuffer(zstandard.compress(bytes(1 << 24)), np.uint8)
    with pytest.raises(CorruptArtifact, match="unpack to 16,777,216 bytes; their place is for 100"):
        codes.unpacked(bomb, np.dtype(np.uint8), 100, what="these")
    untold = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 24))
    with pytest.raises(CorruptArtifact, match="their place is for 100"):
        codes.unpacked(np.frombuffer(untold, np.uint8), np.dtype(np.uint8), 100, what="these")
    with pytest.raises(CorruptArtifact, match="cannot be unpacked"):
        codes.unpacked(np.frombuffer(b"no frame at all", np.uint8), np.dtype(np.uint8), 100, what="these")


def test_a_flipped_bit_is_refused_wherever_it_is(packed: Path, tmp_path: Path) -> None:
    content = packed.read_bytes()
    generator = np.random.default_rng(0)
    places = {0, 7, 8, len(content) - 1, *generator.integers(len(content), size=120).tolist()}
    for place in sorted(places):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(generator.integers(8))
        (tmp_path / "damaged.safetensors").write_bytes(damaged)
        with pytest.raises(CorruptArtifact):
            unpack(tmp_path / "damaged.safetensors", tmp_path / "out")
        assert not list((tmp_path / "out").glob("*"))


def rewritten(packed: Path, path: Path, **metadata: str) -> Path:
    """The file with other metadata and a good checksum, as somebody with intentions would make it."""
    tensors, facts = tensorfile.read(packed, check=lambda header: header.metadata)
    tensorfile.write(path, tensors, with_checksum(tensors, facts | metadata))
    return path


def test_metadata_that_cannot_be_is_refused_though_its_checksum_is_good(packed: Path, tmp_path: Path) -> None:
    facts = tensorfile.read_header(packed).metadata
    layout = json.loads(facts["layout"])
    name = next(name for name in layout if name.startswith("delta/"))
    wrong = {
        "version": ("2", "no starter of format 1"),
        "coding": ("int4", "coding 'int4'"),
        "export": ("{}", "is not an adapter"),
        "export_sha256": ("0" * 64, "does not unpack to the adapter that it names"),
        "layout": (json.dumps(layout | {name: ["F16", [1 << 40]]}), "at most 1,073,741,824"),
    }
    for field, (value, message) in wrong.items():
        path = rewritten(packed, tmp_path / "forged.safetensors", **{field: value})
        with pytest.raises(CorruptArtifact, match=message):
            unpack(path, tmp_path / "out")
    fewer = {key: value for key, value in layout.items() if key != name}
    with pytest.raises(CorruptArtifact):
        unpack(rewritten(packed, tmp_path / "forged.safetensors", layout=json.dumps(fewer)), tmp_path / "out")


def test_what_cannot_be_a_starter_is_not_packed(tiny_backbone: Backbone, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(CorruptArtifact, match="its values are fp16"):
        pack(export(tiny_backbone, tmp_path / "wide.safetensors", dtype="fp32"))
    read_export(exported).adapter.save(tmp_path / "alone.safetensors")
    with pytest.raises(CorruptArtifact, match="an export with its ticket"):
        pack(tmp_path / "alone.safetensors")


def test_another_backbone_is_refused(tiny_backbone: Backbone, packed: Path, tmp_path: Path) -> None:
    with pytest.raises(BackboneMismatch):
        unpack(packed, tmp_path, backbone=replace(tiny_backbone.info, fingerprint="0" * 64))


def test_the_starter_of_a_backbone_is_found_by_its_fingerprint(
    tiny_backbone: Backbone, exported: Path, packed: Path, tmp_path: Path
) -> None:
    found = find(tiny_backbone.info.fingerprint, packed.parent)
    assert found is not None
    assert (found.path, found.name, found.nbytes) == (packed, "tiny", packed.stat().st_size)
    assert found.ticket_sha256 == read_export(exported).adapter.ticket_sha256
    assert found.export_sha256 == tensorfile.file_sha256(unpack(found, tmp_path))
    assert find("0" * 64, packed.parent) is None
    assert find(tiny_backbone.info.fingerprint, tmp_path / "nothing") is None


def test_a_file_that_is_no_starter_is_none_in_the_folder_either(exported: Path) -> None:
    with pytest.raises(CorruptArtifact, match=r"adapter\.safetensors is no starter"):
        starters(exported.parent)


def test_what_the_package_has_is_small_whole_and_described(tmp_path: Path) -> None:
    for starter in starters():
        assert starter.nbytes <= 12_000_000
        assert read_export(unpack(starter, tmp_path)).adapter.backbone == starter.backbone
        card = starter.card.read_text("utf-8")
        assert "CC BY-NC" in card
        assert starter.export_sha256 in card
