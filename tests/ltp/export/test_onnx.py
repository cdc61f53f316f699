"""The graph of ONNX answers as the engine does, in onnxruntime and OpenVINO, for any batch and length."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.elsewhere import answers_of, largest_difference, outside
from support.every_adapter import Library
from support.synthetic import pairs

from ltp.backbone.load import Backbone
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.export import onnx_folder

pytestmark = [pytest.mark.slow, pytest.mark.process]

KEYS = ("all, calibrated", "ft, two-way")
TEXTS = [(example.premise, example.hypothesis) for example in pairs(4, seed=3)]
TEXTS += [
    ("the Ɛ  cafe\u0301 dog. ", " \u200bn\u0303 a\u0323 ?\u200f"),
    ("a <mask> b </s> <unk> <pad>", "(what ?) …"),
    ("㎏ﬃ㍐" * 12, "½ a dogs" * 8),
    ("the dog runs", ""),
    ("the dog " * 40, "cat water " * 40),
]
BATCHES = """
import json, sys
import numpy as np
import onnxruntime
import openvino
folder, ids = json.load(sys.stdin)
core = openvino.Core()
precision = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
model = core.compile_model(core.read_model(folder + "/model.onnx"), "CPU", precision)
session = onnxruntime.InferenceSession(folder + "/model.onnx", providers=["CPUExecutionProvider"])
answers = {"onnxruntime": [], "openvino": []}
for batch in (ids[:-1], ids[-1:]):
    longest = max(map(len, batch))
    padded = np.array([row + [1] * (longest - len(row)) for row in batch], np.int64)
    mask = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in batch], np.int64)
    given = {"input_ids": padded, "attention_mask": mask}
    answers["openvino"] += model(given)["probabilities"].tolist()
    answers["onnxruntime"] += session.run(["probabilities"], given)[0].tolist()
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def folders(backbone: Backbone, library: Library, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = Path(tmp_path_factory.mktemp("graphs"))
    found = {key: root / key for key in KEYS}
    for key, folder in found.items():
        folder.mkdir()
        onnx_folder.write_folder(folder, backbone, *library[key], {"lang": "sw"})
    return found


def asked(library: Library, backbone: Backbone, key: str) -> list[dict[str, float]]:
    engine = Engine(backbone, source=library.__getitem__)
    return [dict(each.by_label) for each in engine.predict([PairRequest(key, *pair) for pair in TEXTS])]


def test_onnxruntime_answers_as_the_engine(
    folders: dict[str, Path], library: Library, backbone: Backbone, tmp_path: Path, record_property: pytest.Function
) -> None:
    found = answers_of(folders, TEXTS, cwd=tmp_path)
    differences = {key: largest_difference(found[key], asked(library, backbone, key)) for key in KEYS}
    record_property("figures", f"largest difference {max(differences.values()):.1e}")
    assert max(differences.values()) < 1e-4, differences


def test_a_graph_does_not_tell_where_it_was_made(folders: dict[str, Path]) -> None:
    content = (folders[KEYS[0]] / "model.onnx").read_bytes()
    assert b"onnx_graph.py" not in content
    assert str(Path(onnx_folder.__file__).parents[2]).encode() not in content


@pytest.mark.parametrize("key", KEYS)
def test_padded_batches_and_one_row_are_answered_as_by_the_engine(
    folders: dict[str, Path],
    library: Library,
    backbone: Backbone,
    tmp_path: Path,
    key: str,
    record_property: pytest.Function,
) -> None:
    read = onnx_folder.prepared(backbone, library[key][0])
    ids = [read.question.ids(read.tokenizer, *pair) for pair in TEXTS]
    found = json.loads(outside(BATCHES, [str(folders[key]), ids], cwd=tmp_path))
    expected = np.array([list(each.values()) for each in asked(library, backbone, key)])
    differences = {runtime: float(np.abs(np.array(rows) - expected).max()) for runtime, rows in found.items()}
    told = ", ".join(f"{runtime} {each:.1e}" for runtime, each in differences.items())
    record_property("figures", f"largest difference: {told}")
    assert max(differences.values()) < 1e-3, differences


def test_int8_says_on_pairs_how_far_it_is_from_fp32(
    library: Library, backbone: Backbone, folders: dict[str, Path], tmp_path: Path
) -> None:
    key = KEYS[0]
    folder = tmp_path / "int8"
    folder.mkdir()
    agreement = onnx_folder.write_folder(
        folder, backbone, *library[key], {"lang": "sw"}, int8=True, pairs=TEXTS, largest=1
    )
    found = answers_of({key: folder}, TEXTS, cwd=tmp_path)[key]
    exact = asked(library, backbone, key)
    assert agreement is not None
    assert agreement.pairs == len(TEXTS)
    assert agreement.largest_difference == pytest.approx(largest_difference(found, exact), abs=1e-4)
    assert 0 < agreement.mean_difference <= agreement.largest_difference < 0.1
    changed = sum(max(mine, key=mine.get) != max(each, key=each.get) for mine, each in zip(found, exact, strict=True))
    assert agreement.labels_changed == changed
    assert json.loads((folder / "nli.json").read_text(encoding="utf-8"))["int8"]["labels_changed"] == changed
    assert "## int8" in (folder / "README.md").read_text(encoding="utf-8")
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in folders[key].iterdir())
    assert (folder / "model.onnx").stat().st_size < (folders[key] / "model.onnx").stat().st_size
