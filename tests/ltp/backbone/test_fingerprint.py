"""Which changes of a checkpoint's files make it another backbone: those that ids or logits follow, and no others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModelForMaskedLM, AutoTokenizer

from ltp.backbone.architecture import DECODER, DECODER_BIAS, LM_BIAS, WORD_EMBEDDINGS
from ltp.backbone.canonical_tokenizer import meaning
from ltp.backbone.fingerprint import RULE
from ltp.backbone.load import load_backbone
from ltp.backbone.manifest import pin, read_manifest, verify, write_note
from ltp.errors import BackboneIncomplete

Json = dict[str, Any]

TEXTS = (
    "The child sees a red ball.",
    " a  b\t\n c ",
    "ﬁne ½ água <mask> no",
    "I do not <mask> what",
    "mtu, watu; NYUMBA (hapa)?",
    "doctor<s></s> 〆 qq",
)
PUBLISHED: Json = {
    "normalizer": None,
    "pre_tokenizer": {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "WhitespaceSplit"},
            {"type": "Metaspace", "replacement": "▁", "str_rep": "▁", "add_prefix_space": True},
        ],
    },
}
"""The form of XLM-R's own file, written before `prepend_scheme` was known; without its table of characters."""


@pytest.fixture
def folder(tiny_backbone_dir: Path, tmp_path: Path) -> Path:
    """A copy of the tiny checkpoint that a test may change."""
    copy = Path(shutil.copytree(tiny_backbone_dir, tmp_path / "copy"))
    (copy / "ltp.json").unlink(missing_ok=True)
    return copy


def tokenizer_json(folder: Path) -> Json:
    return dict(json.loads((folder / "tokenizer.json").read_text()))


def write_json(folder: Path, content: Json, *, name: str = "tokenizer.json", **layout: Any) -> None:
    (folder / name).write_text(json.dumps(content, **layout), encoding="utf-8")


def tensors_of(folder: Path) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in load_file(folder / "model.safetensors").items()}


def write_tensors(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def nudged(whole: Json) -> None:
    """Move every score by one unit in the last place, as reading and writing it may."""
    whole["model"]["vocab"] = [[piece, float(np.nextafter(score, -9))] for piece, score in whole["model"]["vocab"]]


def sequenced(whole: Json) -> None:
    whole["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [whole["pre_tokenizer"]]}


def reversed_keys(whole: Json) -> None:
    for name in ("model", "normalizer", "pre_tokenizer", "post_processor"):
        whole[name] = dict(reversed(whole[name].items()))


SAME: dict[str, Callable[[Json], None]] = {
    "one unit in the last place": nudged,
    "order of keys": reversed_keys,
    "truncation and padding": lambda whole: whole.update(
        truncation={"direction": "Right", "max_length": 16, "strategy": "LongestFirst", "stride": 0},
        padding={
            "strategy": "BatchLongest",
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 1,
            "pad_type_id": 0,
            "pad_token": "<pad>",
        },
    ),
    "the decoder": lambda whole: whole.update(decoder=None),
    "order of added tokens": lambda whole: whole["added_tokens"].reverse(),
    "a sequence of one": sequenced,
    "defaults left out": lambda whole: [
        whole["pre_tokenizer"].pop("prepend_scheme"),
        whole["model"].pop("byte_fallback"),
    ],
    "an older spelling": lambda whole: whole.update(
        pre_tokenizer={"type": "Metaspace", "replacement": "▁", "str_rep": "▁", "add_prefix_space": True}
    ),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_no_id_depends_on_leaves_the_backbone_the_same(folder: Path, change: Callable[[Json], None]) -> None:
    before, ids = read_manifest(folder).fingerprint, ids_of(folder)
    whole = tokenizer_json(folder)
    change(whole)
    write_json(folder, whole, indent=2, ensure_ascii=True)
    assert ids_of(folder) == ids
    assert read_manifest(folder).fingerprint == before


def swapped(whole: Json) -> None:
    vocabulary = whole["model"]["vocab"]
    vocabulary[10], vocabulary[11] = vocabulary[11], vocabulary[10]


def other_score(whole: Json) -> None:
    whole["model"]["vocab"][10][1] = float(np.nextafter(np.float32(whole["model"]["vocab"][10][1]), np.float32(0)))


OTHER: dict[str, Callable[[Json], None]] = {
    "order of pieces": swapped,
    "a score in fp32": other_score,
    "a piece": lambda whole: whole["model"]["vocab"][10].__setitem__(0, "▁markets"),
    "no normaliser": lambda whole: whole.update(normalizer=None),
    "order of normalisers": lambda whole: whole["normalizer"]["normalizers"].reverse(),
    "nothing before the first word": lambda whole: whole["pre_tokenizer"].update(prepend_scheme="first"),
    "the older spelling of that": lambda whole: whole.update(
        pre_tokenizer={"type": "Metaspace", "replacement": "▁", "add_prefix_space": False, "prepend_scheme": "never"}
    ),
    "what frames a text": lambda whole: whole.update(post_processor=None),
    "ids that frame a text": lambda whole: whole["post_processor"]["special_tokens"]["<s>"].update(ids=[2]),
    "a mask that leaves the space before it": lambda whole: whole["added_tokens"][-1].update(lstrip=False),
    "no special token": lambda whole: whole["added_tokens"].pop(0),
    "the unknown piece": lambda whole: whole["model"].update(unk_id=2),
}


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_changes_ids_makes_another_backbone(folder: Path, change: Callable[[Json], None]) -> None:
    before = read_manifest(folder).fingerprint
    whole = tokenizer_json(folder)
    change(whole)
    write_json(folder, whole)
    Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert read_manifest(folder).fingerprint != before


def ids_of(folder: Path) -> list[list[int]]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return [tokenizer.encode(text).ids for text in TEXTS]


EDITS = [*SAME.values(), *OTHER.values()]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.sampled_from(range(len(EDITS))), unique=True, max_size=3), seed=st.integers(0, 99))
def test_two_tokenizers_of_one_meaning_give_every_text_the_same_ids(
    folder: Path, tiny_backbone_dir: Path, edits: list[int], seed: int
) -> None:
    whole = tokenizer_json(tiny_backbone_dir)
    for number in edits:
        try:
            EDITS[number](whole)
        except (KeyError, TypeError, AttributeError):  # an edit before it took away what this one changes
            continue
    if seed % 3 == 0:  # any score, by any amount
        row = whole["model"]["vocab"][4 + seed]
        row[1] = row[1] * (1 + 2.0 ** -(seed // 3))
    write_json(folder, whole)
    original, changed = (b"".join(meaning(each / "tokenizer.json")) for each in (tiny_backbone_dir, folder))
    if original == changed:
        assert ids_of(folder) == ids_of(tiny_backbone_dir)
    else:
        assert set(edits) & set(range(len(SAME), len(EDITS))) or seed % 3 == 0


@pytest.mark.parametrize(
    ("form", "kind"), [({}, "PreTrainedTokenizerFast"), (PUBLISHED, "XLMRobertaTokenizerFast"), (PUBLISHED, None)]
)
def test_a_copy_that_transformers_loaded_and_saved_is_the_same_backbone(
    folder: Path, tmp_path: Path, form: Json, kind: str | None
) -> None:
    write_json(folder, tokenizer_json(folder) | form)
    if kind:
        about = {"tokenizer_class": kind, "mask_token": "<mask>", "pad_token": "<pad>", "unk_token": "<unk>"}
        write_json(folder, about, name="tokenizer_config.json")
    before = read_manifest(folder).fingerprint
    AutoModelForMaskedLM.from_pretrained(folder).save_pretrained(tmp_path / "saved")
    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "saved")
    assert (folder / "tokenizer.json").read_bytes() != (tmp_path / "saved" / "tokenizer.json").read_bytes()
    assert read_manifest(tmp_path / "saved").fingerprint == before


@pytest.mark.parametrize(
    "change",
    [{"num_attention_heads": 2}, {"layer_norm_eps": 1e-6}, {"hidden_act": "relu"}],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_logits_and_no_shape_makes_another_backbone(folder: Path, change: Json) -> None:
    def look() -> tuple[torch.Tensor, str]:
        backbone = load_backbone(folder)
        with torch.no_grad():
            return backbone.model(torch.tensor([[0, 5, 9, 30, 2]])).logits, backbone.info.fingerprint

    logits, before = look()
    write_json(folder, json.loads((folder / "config.json").read_text()) | change, name="config.json")
    others, after = look()
    assert not torch.equal(logits, others)
    assert after != before


@pytest.mark.parametrize("change", [{"hidden_dropout_prob": 0.3}, {"transformers_version": "4.1"}, {"id2label": {}}])
def test_what_changes_no_logits_leaves_the_backbone_the_same(folder: Path, change: Json) -> None:
    before = read_manifest(folder).fingerprint
    write_json(folder, json.loads((folder / "config.json").read_text()) | change, name="config.json")
    assert read_manifest(folder).fingerprint == before


def test_a_parameter_under_its_other_name_is_the_same(folder: Path) -> None:
    """Files written by `safetensors.torch.save_model` keep the first name of a tied tensor, whichever that is."""
    before = load_backbone(folder)
    tensors = tensors_of(folder)
    write_tensors(folder, tensors | {DECODER: tensors[WORD_EMBEDDINGS].clone(), DECODER_BIAS: tensors[LM_BIAS].clone()})
    assert read_manifest(folder).fingerprint == before.info.fingerprint
    tensors[DECODER], tensors[DECODER_BIAS] = tensors.pop(WORD_EMBEDDINGS), tensors.pop(LM_BIAS)
    write_tensors(folder, tensors)
    after = load_backbone(folder)
    assert after.info.fingerprint == before.info.fingerprint
    assert after.info.tied
    assert all(torch.equal(after.parameters[name], values) for name, values in before.parameters.items())


def test_the_output_bias_counts_and_what_nothing_reads_does_not(folder: Path) -> None:
    before, tensors = read_manifest(folder).fingerprint, tensors_of(folder)
    bias = tensors[LM_BIAS].clone()
    write_tensors(folder, tensors | {LM_BIAS: bias + 1, DECODER_BIAS: bias})
    assert read_manifest(folder).fingerprint == before
    write_tensors(folder, tensors | {LM_BIAS: bias, DECODER_BIAS: bias + 1})
    assert read_manifest(folder).fingerprint != before


def test_a_fingerprint_noted_under_another_rule_is_computed_again(folder: Path) -> None:
    load_backbone(folder)
    pin(folder)
    now = read_manifest(folder)
    note = json.loads((folder / "ltp.json").read_text())
    assert note.pop("rule") == RULE
    for look in (read_manifest, verify):
        write_json(folder, note | {"fingerprint": "0" * 64}, name="ltp.json")
        assert look(folder) == now
    write_json(folder, note | {"fingerprint": "0" * 64}, name="ltp.json")
    assert read_manifest(folder).checked  # the files are those that were looked through
    write_note(folder, name="ours", learning_rate=3e-4)
    assert read_manifest(folder).fingerprint == now.fingerprint


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{}",
        '{"model": 1}',
        '{"model": {"vocab": [1]}}',
        '{"model": {"type": "Unigram", "vocab": [["a", 1e99]]}}',
        '{"model": {"type": "Unigram", "vocab": []}, "post_processor": {"type": "TemplateProcessing"}}',
        "[" * 100_000,
    ],
    ids=range(7),
)
def test_what_is_no_tokenizer_is_named(folder: Path, content: str) -> None:
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(BackboneIncomplete, match=r"tokenizer\.json cannot be read"):
        read_manifest(folder)
