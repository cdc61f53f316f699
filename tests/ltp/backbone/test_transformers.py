"""Checkpoints that transformers wrote are read as it reads them, and what is saved of ours is read back by it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.in_place import apply
from support.tiny_backbone import write_tiny
from torch import Tensor
from transformers import AutoModelForMaskedLM, XLMRobertaConfig, XLMRobertaForMaskedLM

from ltp.backbone.architecture import DECODER, DECODER_BIAS, LM_BIAS
from ltp.backbone.load import load_backbone
from ltp.backbone.manifest import pin, read_manifest, verify
from ltp.delta.delta import encode_dense
from ltp.errors import BackboneIncomplete

IDS = torch.tensor([[0, 5, 9, 30, 2], [0, 7, 2, 1, 1]])


def logits_of(model: XLMRobertaForMaskedLM) -> Tensor:
    with torch.no_grad():
        return Tensor(model.eval()(IDS, (IDS != 1).long()).logits)


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def folder(request: pytest.FixtureRequest, tiny_backbone_dir: Path, tmp_path: Path) -> Path:
    """A checkpoint as transformers saves it after a step of training, with the tiny tokenizer."""
    config = XLMRobertaConfig.from_json_file(tiny_backbone_dir / "config.json")
    config.tie_word_embeddings = request.param
    model = XLMRobertaForMaskedLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    model(IDS, labels=IDS).loss.backward()
    optimizer.step()
    folder = tmp_path / "trained"
    model.save_pretrained(folder)
    shutil.copy(tiny_backbone_dir / "tokenizer.json", folder)
    return folder


def test_a_trained_checkpoint_has_the_logits_that_transformers_computes(folder: Path) -> None:
    backbone = load_backbone(folder)
    assert backbone.info.tied == (DECODER not in load_file(folder / "model.safetensors"))
    assert torch.equal(logits_of(backbone.model), logits_of(XLMRobertaForMaskedLM.from_pretrained(folder)))


def test_of_two_output_biases_the_one_that_transformers_computes_with_counts(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    other = {name: tensors[LM_BIAS] + step for name, step in ((LM_BIAS, 1), (DECODER_BIAS, 2))}
    save_file(tensors | other, folder / "model.safetensors", metadata={"format": "pt"})
    backbone = load_backbone(folder)
    assert torch.equal(backbone.parameters[LM_BIAS], other[DECODER_BIAS])
    assert torch.equal(logits_of(backbone.model), logits_of(XLMRobertaForMaskedLM.from_pretrained(folder)))


def test_a_saved_model_is_read_back_with_the_same_logits(folder: Path, tmp_path: Path) -> None:
    backbone = load_backbone(folder)
    backbone.model.save_pretrained(tmp_path / "saved")
    assert torch.equal(logits_of(XLMRobertaForMaskedLM.from_pretrained(tmp_path / "saved")), logits_of(backbone.model))
    shutil.copy(folder / "tokenizer.json", tmp_path / "saved")
    assert load_backbone(tmp_path / "saved").info.fingerprint == backbone.info.fingerprint


@pytest.mark.parametrize("declared", [True, False], ids=["config says tied", "config says untied"])
def test_a_model_given_output_embeddings_of_its_own_keeps_its_bias(
    folder: Path, tmp_path: Path, declared: bool
) -> None:
    model = load_backbone(folder).model
    model.lm_head.decoder.weight = torch.nn.Parameter(model.lm_head.decoder.weight * 1.5)
    model.config.tie_word_embeddings = declared
    model.save_pretrained(tmp_path / "saved")
    assert torch.equal(logits_of(XLMRobertaForMaskedLM.from_pretrained(tmp_path / "saved")), logits_of(model))
    shutil.copy(folder / "tokenizer.json", tmp_path / "saved")
    assert torch.equal(logits_of(load_backbone(tmp_path / "saved").model), logits_of(model))


def test_a_changed_output_bias_moves_the_logits_of_both_models(folder: Path, tmp_path: Path) -> None:
    backbone = load_backbone(folder)
    rows, values = torch.tensor([4, 9, 30]), torch.tensor([1.0, 2.0, 3.0])
    delta = encode_dense({LM_BIAS: values}, {LM_BIAS: rows}, dtype="fp32")
    for model in (backbone.model, XLMRobertaForMaskedLM.from_pretrained(folder)):
        before = logits_of(model)
        applied = apply(model, delta, None)
        moved = logits_of(model) - before
        assert torch.allclose(moved[..., rows], values.expand(2, 5, 3), atol=1e-5)
        model.save_pretrained(tmp_path / "changed")
        again = XLMRobertaForMaskedLM.from_pretrained(tmp_path / "changed")
        assert torch.equal(logits_of(again), logits_of(model))
        applied.revert()
        assert torch.equal(logits_of(model), before)


def test_a_pickle_converted_as_the_refusal_says_is_the_same_backbone(tmp_path: Path) -> None:
    """Of a checkpoint with a larger vocabulary than its tokenizer has pieces, as those trained further have."""
    original = write_tiny(tmp_path / "original", spare_rows=4_000)
    published = Path(shutil.copytree(original, tmp_path / "published"))
    (published / "model.safetensors").unlink()
    torch.save(load_file(original / "model.safetensors"), published / "pytorch_model.bin")
    with pytest.raises(BackboneIncomplete, match="AutoModelForMaskedLM"):
        read_manifest(published)

    AutoModelForMaskedLM.from_pretrained(published).save_pretrained(tmp_path / "new", max_shard_size="50GB")
    shutil.copy(published / "tokenizer.json", tmp_path / "new")
    info = load_backbone(tmp_path / "new").info
    assert (info.fingerprint, info.tied) == (read_manifest(original).fingerprint, True)
    pin(tmp_path / "new")
    assert verify(tmp_path / "new") == info


def test_metadata_that_is_no_text_is_refused_by_name(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].replace(b'"format":"pt"', b'"format":1234')
    assert header != content[8 : 8 + length]
    path.write_bytes(content[:8] + header + content[8 + length :])
    with pytest.raises(BackboneIncomplete, match=r"model\.safetensors .* 'format' is 1234; the format knows texts"):
        load_backbone(folder)
