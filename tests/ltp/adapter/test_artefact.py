"""The adapter's file: what goes in comes out, and nothing that was tampered with gets in."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.synthetic import random_changes, random_ticket

from ltp import tensorfile
from ltp.adapter.artefact import Adapter, TemplateOptions, open_export, read_export
from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import Strategy
from ltp.delta.delta import Delta, DeltaDtype, encode
from ltp.delta.header_checksum import with_checksum
from ltp.errors import BackboneMismatch, CorruptArtifact, DeltaDoesNotFitTicket, NonFiniteWeights
from ltp.ticket.mask import Ticket

BIAS = "roberta.encoder.layer.0.output.dense.bias"


def adapter_on(
    backbone: Backbone, ticket: Ticket | None, *, dtype: DeltaDtype = "fp16", strategy: Strategy = "decoupled"
) -> Adapter:
    return Adapter(
        prompt=torch.randn(4, backbone.info.hidden, generator=torch.Generator().manual_seed(3)),
        delta=encode(random_changes(ticket), ticket, dtype=dtype) if ticket else Delta({}, {}, {}),
        method="ltp" if ticket else "pt",
        strategy=strategy,
        backbone=backbone.info.fingerprint,
        ticket_sha256=ticket.sha256 if ticket else None,
        template=TemplateOptions(literal=False, max_length=64),
    )


@pytest.fixture(scope="module")
def small(tiny_backbone: Backbone) -> Ticket:
    """A ticket of one bias and a few embedding rows: its file is small enough to flip every bit of."""
    ticket = random_ticket(tiny_backbone, 0.002)
    keep = {WORD_EMBEDDINGS, BIAS}
    masks = {name: mask for name, mask in ticket.masks.items() if name in keep}
    masks[BIAS] = np.full(4, 0b10101010, np.uint8)
    return Ticket(masks, ticket.shapes, 100, 0, 0, "decoupled", ticket.backbone)


def assert_equal(first: Adapter, second: Adapter) -> None:
    assert torch.equal(first.prompt, second.prompt)
    assert list(first.delta.values) == list(second.delta.values)
    for name, values in first.delta.values.items():
        assert values.dtype == second.delta.values[name].dtype
        assert torch.equal(values, second.delta.values[name])
    assert first.delta.exponents == second.delta.exponents
    assert first.delta.scales.keys() == second.delta.scales.keys()
    assert all(torch.equal(scales, second.delta.scales[name]) for name, scales in first.delta.scales.items())
    assert all(torch.equal(rows, second.delta.rows[name]) for name, rows in first.delta.rows.items())
    for field in ("method", "strategy", "backbone", "ticket_sha256", "template", "text_form"):
        assert getattr(first, field) == getattr(second, field)


@pytest.mark.parametrize("dtype", ["int8", "fp16", "fp32"])
def test_saving_and_loading(tiny_backbone: Backbone, tmp_path: Path, dtype: DeltaDtype) -> None:
    ticket = random_ticket(tiny_backbone, 0.2)
    adapter, path = adapter_on(tiny_backbone, ticket, dtype=dtype), tmp_path / "adapter.safetensors"
    adapter.save(path)
    assert_equal(adapter, Adapter.load(path, tiny_backbone.info))
    assert_equal(adapter, Adapter.parse("x", np.fromfile(path, np.uint8), tiny_backbone.info))
    assert_equal(adapter, Adapter.load(path))
    size = ticket.active * {"int8": 1, "fp16": 2, "fp32": 4}[dtype] + adapter.prompt.nbytes
    size += sum(scales.nbytes for scales in adapter.delta.scales.values())
    assert size <= path.stat().st_size <= size + 4 * sum(map(len, adapter.delta.rows.values())) + 12_288


def test_the_form_of_texts_is_kept_and_a_file_without_one_is_of_form_0(tiny_backbone: Backbone, tmp_path: Path) -> None:
    ticket, path = random_ticket(tiny_backbone, 0.01), tmp_path / "adapter.safetensors"
    older, newer = adapter_on(tiny_backbone, ticket), replace(adapter_on(tiny_backbone, ticket), text_form=1)
    newer.save(path, ticket=ticket)
    assert read_export(path, tiny_backbone.info).adapter.text_form == 1
    assert tensorfile.read(path, check=lambda header: header.metadata)[1]["text_form"] == "1"
    older.save(path)
    assert "text_form" not in tensorfile.read(path, check=lambda header: header.metadata)[1]
    assert Adapter.load(path).text_form == 0
    with pytest.raises(CorruptArtifact, match="prepares texts in form 7; this program knows 0 and 1"):
        Adapter.load(rewritten(path, text_form="7"))


def test_an_export_carries_what_it_needs(tiny_backbone: Backbone, tmp_path: Path) -> None:
    ticket, path = random_ticket(tiny_backbone, 0.2, strategy="tied"), tmp_path / "export.safetensors"
    adapter = adapter_on(tiny_backbone, ticket, strategy="tied")
    adapter.save(path, ticket=ticket, notes='{"lang": "sw"}')
    found = read_export(path, tiny_backbone.info)

    assert_equal(adapter, found.adapter)
    assert_equal(adapter, Adapter.load(path))
    assert found.notes == '{"lang": "sw"}'
    assert found.ticket is not None
    assert found.ticket.sha256 == ticket.sha256
    assert found.ticket.metadata() == ticket.metadata()


def test_an_export_of_the_prompt_alone(tiny_backbone: Backbone, tmp_path: Path) -> None:
    path = tmp_path / "export.safetensors"
    adapter_on(tiny_backbone, None).save(path)
    assert read_export(path, tiny_backbone.info).ticket is None


def test_what_does_not_belong_together_is_refused(tiny_backbone: Backbone, tmp_path: Path) -> None:
    ticket, other = random_ticket(tiny_backbone, 0.1), random_ticket(tiny_backbone, 0.1, seed=1)
    adapter, path = adapter_on(tiny_backbone, ticket), tmp_path / "export.safetensors"
    with pytest.raises(DeltaDoesNotFitTicket):
        adapter.save(path, ticket=other)
    assert not path.exists()
    adapter.save(path)
    with pytest.raises(DeltaDoesNotFitTicket):
        read_export(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
@pytest.mark.slow
def test_a_flipped_bit_is_refused_wherever_it_is(
    tiny_backbone: Backbone, small: Ticket, tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "export.safetensors"
    if not path.exists():
        adapter_on(tiny_backbone, small).save(path, ticket=small, notes='{"lang": "sw"}')
        assert read_export(path, tiny_backbone.info).ticket is not None
    whole = path.read_bytes()
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    flipped = tmp_path / "flipped.safetensors"
    flipped.write_bytes(damaged)
    with pytest.raises((CorruptArtifact, BackboneMismatch)):
        read_export(flipped, tiny_backbone.info)
    with pytest.raises((CorruptArtifact, BackboneMismatch)):
        Adapter.load(flipped)
    with pytest.raises(CorruptArtifact):
        Adapter.parse("x", np.fromfile(flipped, np.uint8))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused(tiny_backbone: Backbone, small: Ticket, tmp_path: Path, kept: float) -> None:
    path = tmp_path / "adapter.safetensors"
    adapter_on(tiny_backbone, small).save(path)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(CorruptArtifact):
        Adapter.load(path, tiny_backbone.info)


def rewritten(path: Path, *, tensors: dict | None = None, **metadata: str) -> Path:
    """The same file with other contents and checksums that agree: what only a forger would write."""
    arrays, facts = tensorfile.read(path, check=lambda header: header.metadata)
    arrays = {**arrays, **(tensors or {})}
    facts = {
        key: value for key, value in (facts | metadata).items() if not key.endswith("_sha256") or key == "ticket_sha256"
    }
    forged = path.with_name("forged.safetensors")
    tensorfile.write(forged, arrays, with_checksum(arrays, facts))
    return forged


def test_forgeries_are_refused_before_they_are_used(tiny_backbone: Backbone, small: Ticket, tmp_path: Path) -> None:
    path = tmp_path / "export.safetensors"
    adapter_on(tiny_backbone, small).save(path, ticket=small)
    info = tiny_backbone.info
    assert read_export(rewritten(path), info).ticket is not None  # an honest rewrite passes

    bias = f"delta/{BIAS}"
    cases: list[tuple[type[Exception], dict]] = [
        (NonFiniteWeights, {"tensors": {"prompt": np.full((4, info.hidden), np.nan, "<f4")}}),
        (NonFiniteWeights, {"tensors": {bias: np.full(16, np.inf, "<f2")}}),
        (CorruptArtifact, {"tensors": {"prompt": np.zeros((4, info.hidden + 1), "<f4")}}),
        (CorruptArtifact, {"tensors": {"prompt": np.zeros((65, info.hidden), "<f4")}}),
        (CorruptArtifact, {"tensors": {bias: np.zeros(10**4, "<f2")}}),
        (DeltaDoesNotFitTicket, {"tensors": {bias: np.zeros(15, "<f2")}}),
        (DeltaDoesNotFitTicket, {"tensors": {f"rows/{WORD_EMBEDDINGS}": np.arange(1, dtype="<i4")}}),
        (DeltaDoesNotFitTicket, {"ticket_sha256": "0" * 64}),
        (CorruptArtifact, {"tensors": {"delta/other": np.zeros(3, "<f2")}}),
        (CorruptArtifact, {"tensors": {"pickle": np.zeros(3, "u1")}}),
        (CorruptArtifact, {"names": "[]", "exponents": "[0]"}),
        (CorruptArtifact, {"exponents": json.dumps(["0", 0])}),
        (CorruptArtifact, {"exponents": json.dumps([0, 10**9])}),
        (CorruptArtifact, {"template": '{"literal": "no", "max_length": 64}'}),
        (CorruptArtifact, {"method": "other"}),
        (CorruptArtifact, {"strategy": "other"}),
        (CorruptArtifact, {"format": "ltp-ticket"}),
        (CorruptArtifact, {"version": "2"}),
        (CorruptArtifact, {"version": "3"}),
        (CorruptArtifact, {"version": "4"}),
        (CorruptArtifact, {"text_form": "2"}),
        (CorruptArtifact, {"text_form": ""}),
        (CorruptArtifact, {"label_space": "four_way"}),
        (CorruptArtifact, {"label_space": "two_way"}),
        (CorruptArtifact, {"verbalizer": ""}),
        (CorruptArtifact, {"verbalizer": "["}),
        (CorruptArtifact, {"verbalizer": '{"entailment": "right", "neutral": "maybe", "contradiction": 1}'}),
        (CorruptArtifact, {"verbalizer": '{"entailment": "right", "not_entailment": "wrong"}', "version": "2"}),
        (CorruptArtifact, {"verbalizer": '{"entailment": "yes", "neutral": "maybe", "contradiction": "no"}'}),
        (CorruptArtifact, {"ticket": "{"}),
        (BackboneMismatch, {"backbone": "0" * 64}),
    ]
    for error, changes in cases:
        with pytest.raises(error):
            read_export(rewritten(path, **changes), info)


def test_forged_codes_are_refused_by_name(tiny_backbone: Backbone, small: Ticket, tmp_path: Path) -> None:
    path = tmp_path / "export.safetensors"
    adapter_on(tiny_backbone, small, dtype="int8").save(path, ticket=small)
    info, codes, scales = tiny_backbone.info, f"delta/{BIAS}", f"scales/{BIAS}"
    assert read_export(rewritten(path), info).adapter.delta.scales
    cases: list[dict] = [
        *({"tensors": {scales: np.full(1, bad, "<f2")}} for bad in (np.nan, np.inf, -1.0)),
        *(
            {"tensors": {scales: np.ones(count, dtype)}}
            for count, dtype in ((0, "<f2"), (2, "<f2"), (1, "<f4"), (1, "i1"))
        ),
        {"tensors": {codes: np.ones(65, "i1")}},
        {"tensors": {codes: np.ones(16, "u1")}},
        {"tensors": {codes: np.ones(16, "<f2")}},
        {"tensors": {f"scales/{BIAS.replace('0', '1')}": np.ones(1, "<f2")}},
    ]
    for forged in cases:
        with pytest.raises(CorruptArtifact, match=BIAS.partition("0")[0]):
            read_export(rewritten(path, **forged), info)
    for told in ({"version": "1"}, {"codes_per_scale": "32"}, {"codes_per_scale": ""}, {"version": "5"}):
        with pytest.raises(CorruptArtifact):
            read_export(rewritten(path, **told), info)


def test_a_release_that_knows_no_codes_gets_to_the_version(
    tiny_backbone: Backbone, small: Ticket, tmp_path: Path
) -> None:
    adapter_on(tiny_backbone, small, dtype="int8").save(tmp_path / "export", ticket=small)
    header = tensorfile.read_header(tmp_path / "export")
    known = {"U8": "u1", "F16": "<f2", "F32": "<f4", "I32": "<i4"}
    layout = {name: [known.get(entry.dtype, entry.dtype), *entry.shape] for name, entry in header.entries.items()}
    facts = {key: value for key, value in header.metadata.items() if key not in ("header_sha256", "data_sha256")}
    digest = hashlib.sha256(json.dumps([layout, facts], sort_keys=True).encode()).hexdigest()
    assert (header.metadata["header_sha256"], header.metadata["version"]) == (digest, "4")


def test_other_files_are_refused(tiny_backbone: Backbone, tiny_backbone_dir: Path, tmp_path: Path) -> None:
    ticket = random_ticket(tiny_backbone, 0.1)
    ticket.save(tmp_path / "ticket.safetensors")
    (tmp_path / "text").write_text("premise\thypothesis\tlabel\n")
    for path in (tmp_path / "ticket.safetensors", tmp_path / "text", tiny_backbone_dir / "model.safetensors"):
        with pytest.raises(CorruptArtifact):
            Adapter.load(path)


@pytest.mark.parametrize("dtype", ["int8", "fp16", "fp32"])
def test_values_that_stay_in_the_file_make_the_same_files(
    tiny_backbone: Backbone, tmp_path: Path, dtype: DeltaDtype
) -> None:
    ticket = random_ticket(tiny_backbone, 0.3)
    adapter = adapter_on(tiny_backbone, ticket, dtype=dtype)
    adapter.save(tmp_path / "export", ticket=ticket, notes="n")
    adapter.save(tmp_path / "adapter")
    ticket.save(tmp_path / "ticket")

    came = read_export(tmp_path / "export", tiny_backbone.info, leave=True)
    came.adapter.save(tmp_path / "lean", left=came.left)
    assert (tmp_path / "lean").read_bytes() == (tmp_path / "adapter").read_bytes()

    kept = open_export(tmp_path / "adapter")
    mask = Ticket.load(tmp_path / "ticket", leave=True)
    kept.adapter.save(tmp_path / "again", ticket=mask, notes="n", left=kept.left)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "export").read_bytes()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("where", [0, -1])
def test_a_value_that_is_not_finite_is_found_in_the_file_too(
    tiny_backbone: Backbone, tmp_path: Path, value: float, where: int
) -> None:
    ticket = random_ticket(tiny_backbone, 0.3)
    adapter = adapter_on(tiny_backbone, ticket, dtype="fp32")
    adapter.delta.values[WORD_EMBEDDINGS][where] = value
    adapter.save(tmp_path / "export", ticket=ticket)
    for leave in (False, True):
        with pytest.raises(NonFiniteWeights, match="embeddings"):
            read_export(tmp_path / "export", tiny_backbone.info, leave=leave)


def test_what_was_damaged_is_refused_when_it_stays_in_the_file(tiny_backbone: Backbone, tmp_path: Path) -> None:
    ticket = random_ticket(tiny_backbone, 0.3)
    adapter_on(tiny_backbone, ticket).save(tmp_path / "export", ticket=ticket)
    content = bytearray((tmp_path / "export").read_bytes())
    content[-1] ^= 1
    (tmp_path / "export").write_bytes(content)
    with pytest.raises(CorruptArtifact, match="damaged"):
        read_export(tmp_path / "export", tiny_backbone.info, leave=True)
