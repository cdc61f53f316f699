"""What a checkpoint folder must be, and how a wrong, truncated, non-finite or pickled one is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.tiny_backbone import write_tiny
from transformers import XLMRobertaForMaskedLM

from ltp.backbone import fingerprint
from ltp.backbone.architecture import DECODER, DECODER_BIAS, LM_BIAS, WORD_EMBEDDINGS, layer_of
from ltp.backbone.load import Backbone, load_backbone
from ltp.backbone.locate import resolve
from ltp.backbone.manifest import read_manifest, remember_checked, write_note
from ltp.config import LABELS, VERBALIZER
from ltp.errors import BackboneError, BackboneIncomplete, BackboneNotFinite, BackboneNotFound, VerbalizerNotSingleToken

QUERY = "roberta.encoder.layer.1.attention.self.query.weight"


@pytest.fixture
def folder(tiny_backbone_dir: Path, tmp_path: Path) -> Path:
    """A copy of the tiny checkpoint that a test may damage."""
    return Path(shutil.copytree(tiny_backbone_dir, tmp_path / "copy"))


def _rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = {name: tensor.clone() for name, tensor in load_file(folder / "model.safetensors").items()}
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def test_it_computes_what_transformers_computes(tiny_backbone: Backbone) -> None:
    reference = XLMRobertaForMaskedLM.from_pretrained(tiny_backbone.info.directory).eval()
    ids = torch.tensor([[0, 5, 9, 30, 2], [0, 7, 2, 1, 1]])
    mask = (ids != 1).long()
    with torch.no_grad():
        assert torch.equal(tiny_backbone.model(ids, mask).logits, reference(ids, mask).logits)


def test_parameters_are_canonical_shared_and_frozen(tiny_backbone: Backbone) -> None:
    names = list(tiny_backbone.parameters)
    assert names == sorted(names)
    assert DECODER not in names
    assert LM_BIAS in names
    computed = {name: value for name, value in tiny_backbone.model.named_parameters() if name != LM_BIAS}
    assert tiny_backbone.info.parameters == sum(parameter.numel() for parameter in computed.values())
    for name, parameter in computed.items():
        canonical = tiny_backbone.parameters[{DECODER: WORD_EMBEDDINGS, DECODER_BIAS: LM_BIAS}.get(name, name)]
        assert not parameter.requires_grad
        assert parameter.data_ptr() == canonical.data_ptr()
    assert not tiny_backbone.model.training
    words = tiny_backbone.model.roberta.embeddings.word_embeddings.weight
    assert tiny_backbone.decoder.data_ptr() == words.data_ptr()


def test_layers_are_counted_from_the_embeddings() -> None:
    assert [layer_of(name) for name in (WORD_EMBEDDINGS, QUERY, LM_BIAS)] == [0, 2, None]


def test_the_verbalizer_is_in_the_order_of_the_labels(tiny_backbone: Backbone) -> None:
    pieces = [tiny_backbone.tokenizer.id_to_token(number) for number in tiny_backbone.verbalizer.tolist()]
    assert pieces == [f"▁{VERBALIZER[label]}" for label in LABELS]


def test_the_fingerprint_follows_the_model_not_the_file(folder: Path) -> None:
    before = read_manifest(folder).fingerprint
    with (folder / "config.json").open("a") as file:
        file.write("\n")  # another time and size, the same model: computed again
    assert read_manifest(folder).fingerprint == before
    _rewrite(folder, lambda tensors: tensors.update({DECODER: tensors[WORD_EMBEDDINGS].clone()}))
    assert read_manifest(folder).fingerprint == before  # stored twice, counted once
    assert read_manifest(folder).tied
    _rewrite(folder, lambda tensors: tensors[QUERY].view(-1)[3:4].neg_())
    assert read_manifest(folder).fingerprint != before


def test_an_output_embedding_of_its_own_is_kept(folder: Path) -> None:
    before = read_manifest(folder).fingerprint
    _rewrite(folder, lambda tensors: tensors.update({DECODER: tensors[WORD_EMBEDDINGS] + 1}))
    backbone = load_backbone(folder)
    assert not backbone.info.tied
    assert backbone.info.fingerprint != before
    assert torch.equal(backbone.decoder, backbone.parameters[WORD_EMBEDDINGS] + 1)


def test_half_precision_is_read_as_fp32(folder: Path) -> None:
    def halve(tensors: dict[str, torch.Tensor]) -> None:
        tensors.update({name: tensor.to(torch.bfloat16) for name, tensor in tensors.items()})

    def widen(tensors: dict[str, torch.Tensor]) -> None:
        tensors.update({name: tensor.float() for name, tensor in tensors.items()})

    _rewrite(folder, halve)
    backbone = load_backbone(folder)
    assert all(parameter.dtype == torch.float32 for parameter in backbone.parameters.values())
    _rewrite(folder, widen)
    assert read_manifest(folder).fingerprint == backbone.info.fingerprint


def test_a_note_gives_name_and_learning_rate(folder: Path) -> None:
    assert read_manifest(folder).learning_rate == 2e-5
    write_note(folder, name="ours", learning_rate=3e-4)
    info = read_manifest(folder)
    assert (info.name, info.learning_rate, info.max_positions) == ("ours", 3e-4, 512)
    (folder / "ltp.json").write_text("{")
    with pytest.raises(BackboneIncomplete, match=r"ltp\.json"):
        read_manifest(folder)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda tensors: tensors.pop(QUERY), "layer.1.attention.self.query.weight"),
        (lambda tensors: tensors.update({QUERY: tensors[QUERY][:-1].clone()}), "layer.1.attention.self.query.weight"),
        (lambda tensors: tensors.update({QUERY: tensors[QUERY].long()}), "layer.1.attention.self.query.weight"),
        (lambda tensors: tensors.update({"classifier.weight": torch.zeros(2)}), r"classifier\.weight"),
        (lambda tensors: tensors.pop(LM_BIAS), r"lm_head\.bias"),
        (lambda tensors: tensors.pop(WORD_EMBEDDINGS), r"word_embeddings"),
        (lambda tensors: tensors.update({DECODER_BIAS: torch.zeros(2)}), r"lm_head\.decoder\.bias"),
    ],
)
def test_a_wrong_tensor_is_named(folder: Path, change: Callable[[dict[str, torch.Tensor]], None], match: str) -> None:
    _rewrite(folder, change)
    with pytest.raises(BackboneIncomplete, match=match):
        load_backbone(folder)


def test_a_pooler_is_passed_over(folder: Path) -> None:
    before = read_manifest(folder).fingerprint
    _rewrite(folder, lambda tensors: tensors.update({"roberta.pooler.dense.bias": torch.zeros(32)}))
    assert load_backbone(folder).info.fingerprint == before


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_not_finite_is_named(folder: Path, value: float) -> None:
    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        tensors[QUERY][3, 4] = value

    _rewrite(folder, spoil)
    with pytest.raises(BackboneNotFinite, match=QUERY):
        load_backbone(folder)


@pytest.mark.parametrize("keep", [0, 7, 100, 0.5, 0.999])
def test_truncated_weights_are_refused(folder: Path, keep: float) -> None:
    path = folder / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[: int(keep if keep > 1 else keep * len(data))])
    with pytest.raises(BackboneIncomplete, match=r"model\.safetensors"):
        load_backbone(folder)


def test_every_missing_file_is_named(folder: Path) -> None:
    for name in ("tokenizer.json", "model.safetensors", "config.json"):
        (folder / name).unlink()
        with pytest.raises(BackboneError, match=name):
            load_backbone(folder)


def test_a_pickle_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BackboneIncomplete, match=r"pytorch_model\.bin is a pickle.*AutoModelForMaskedLM"):
        load_backbone(folder)


def test_weights_in_parts_and_a_vocabulary_of_sentencepiece_are_named_with_what_to_do(folder: Path) -> None:
    (folder / "tokenizer.json").rename(folder / "sentencepiece.bpe.model")
    with pytest.raises(BackboneIncomplete, match=r"no tokenizer\.json; make it from sentencepiece\.bpe\.model"):
        load_backbone(folder)
    (folder / "model.safetensors").rename(folder / "model.safetensors.index.json")
    with pytest.raises(BackboneIncomplete, match=r"one file is needed.*max_shard_size"):
        load_backbone(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "bert"},
        {"hidden_size": 33},
        {"hidden_size": "32"},
        {"num_hidden_layers": 10**9},
        {"num_hidden_layers": 3},
        {"is_decoder": True},
        {"vocab_size": -1},
        {"pad_token_id": 0},
        {"max_position_embeddings": 2},
    ],
)
def test_a_wrong_configuration_is_refused(folder: Path, change: dict[str, object]) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(BackboneIncomplete):
        load_backbone(folder)


def test_code_in_a_checkpoint_is_not_run(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForMaskedLM": "evil.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    assert type(load_backbone(folder).model) is XLMRobertaForMaskedLM


@pytest.mark.parametrize(
    ("old", "new", "match"), [("▁right", "▁riight", "'right'"), ("<mask>", "<m>", "<mask>"), ("{", "", "tokenizer")]
)
def test_a_wrong_tokenizer_is_refused(folder: Path, old: str, new: str, match: str) -> None:
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises((BackboneIncomplete, VerbalizerNotSingleToken), match=match):
        load_backbone(folder)


def test_a_directory_resolves_to_itself(tiny_backbone_dir: Path, tmp_path: Path) -> None:
    assert resolve(str(tiny_backbone_dir), cache_dir=tmp_path).directory == tiny_backbone_dir


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("FacebookAI/xlm-roberta-base", "pinned revision"),
        ("FacebookAI/xlm-roberta-base@main", "not pinned"),
        ("no-such-thing", "directory"),
        ("../..//etc@x", "directory"),
        ("", "directory"),
    ],
)
def test_an_unpinned_or_unknown_name_is_refused(tmp_path: Path, spec: str, match: str) -> None:
    with pytest.raises(BackboneNotFound, match=match):
        resolve(spec, cache_dir=tmp_path)


def test_a_pinned_hub_revision_already_here_needs_no_network(tmp_path: Path) -> None:
    revision = "e73636d4f797dec63c3081bb6ed5c7b0bb3f2089"
    snapshot = tmp_path / "hub" / "models--some--model" / "snapshots" / revision
    write_tiny(snapshot)
    info = resolve(f"some/model@{revision}", cache_dir=tmp_path)
    assert info.directory.resolve() == snapshot.resolve()
    assert info.name == load_backbone(info.directory).info.name == f"some/model@{revision}"


@pytest.mark.process
def test_a_hub_that_cannot_be_reached_is_said(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from ltp.backbone.locate import resolve;"
        "resolve('no-such-owner-of-ltp/none@' + '0' * 40, cache_dir=pathlib.Path(sys.argv[1]))"
    )
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}  # as if unplugged, but at once
    command = [sys.executable, "-c", code, str(tmp_path)]
    result = subprocess.run(command, env=offline, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "BackboneNotFound: no-such-owner-of-ltp/none@" in result.stderr
    assert "could not be fetched" in result.stderr.splitlines()[-1]


@pytest.mark.process
def test_describing_a_checkpoint_imports_no_torch(tiny_backbone_dir: Path) -> None:
    code = (
        "import sys, pathlib, ltp.backbone.locate; from ltp.backbone.manifest import read_manifest;"
        "read_manifest(pathlib.Path(sys.argv[1])); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, tiny_backbone_dir], check=True)


@pytest.mark.process
def test_finding_and_loading_a_checkpoint_reads_its_manifest_once(folder: Path) -> None:
    """Counted by the interpreter, which tells of every file that Python opens; weights are loaded outside of it."""
    load_backbone(folder)  # writes the note
    code = """
import sys
from pathlib import Path
from ltp.backbone.load import load_backbone
from ltp.backbone.locate import resolve
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
load_backbone(resolve(sys.argv[1], cache_dir=Path(sys.argv[1]) / "cache"))
print(*(Path(path).name for path in opened if path.startswith(sys.argv[1])))
"""
    command = [sys.executable, "-c", code, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert sorted(result.stdout.split()) == ["config.json", "ltp.json", "model.safetensors"]


def test_the_fingerprint_streams_in_blocks(folder: Path) -> None:
    info = read_manifest(folder)
    assert (
        fingerprint.compute(folder, info.architecture, fingerprint.weights_header(folder), info.shapes, chunk=4 * 77)
        == info.fingerprint
    )
    assert np.isfinite(info.learning_rate)


def test_what_was_loaded_once_is_not_looked_through_again_until_it_changes(folder: Path) -> None:
    (folder / "ltp.json").unlink(missing_ok=True)
    assert not read_manifest(folder).checked
    load_backbone(folder)
    assert read_manifest(folder).checked
    load_backbone(folder)

    _rewrite(folder, lambda tensors: tensors[QUERY].view(-1)[3].fill_(float("nan")))
    assert not read_manifest(folder).checked
    for _ in range(2):
        with pytest.raises(BackboneNotFinite, match=QUERY):
            load_backbone(folder)


def test_a_check_is_not_remembered_for_files_that_changed_meanwhile(folder: Path) -> None:
    (folder / "ltp.json").unlink(missing_ok=True)
    loaded = read_manifest(folder)
    config = folder / "config.json"
    config.write_bytes(config.read_bytes() + b" ")
    remember_checked(loaded)
    assert not read_manifest(folder).checked
