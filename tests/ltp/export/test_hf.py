"""A folder of transformers answers as the engine does, in a process that has no `ltp`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.elsewhere import answers_of, largest_difference
from support.every_adapter import LAYERS, Library, every_adapter
from support.synthetic import pairs
from support.tiny_backbone import write_tiny

from ltp.adapter.artefact import Adapter
from ltp.backbone.load import Backbone, load_backbone
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.export import hf
from ltp.ticket.mask import Ticket

FOLDERS = (
    *("all", "lower", "tied", "frozen", "words alone", "nothing", "pt", "pt of two", "ft", "dp", "sp", "mp"),
    *("all, two-way", "tied, two_way with own words", "all, calibrated", "nothing, two-way, calibrated"),
    *("ft, two-way", "ft, calibrated"),
)
TEXTS = [(example.premise, example.hypothesis) for example in pairs(5, seed=3)]
TEXTS += [
    ("the Ɛ  cafe\u0301 dog. ", " \u200bn\u0303 a\u0323 ?\u200f"),
    ("she said: «no!».", "(what ?) …"),
    ("a <mask> b </s> <unk> <pad>", "<p1 > is no token. <s>"),
    ("dog cat " * 30, "a bird."),
    ("x", "dog water " * 40),
    ("the dog " * 40, "cat water " * 40),
    ("!?", "..."),
]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return load_backbone(write_tiny(Path(tmp_path_factory.mktemp("three")), layers=LAYERS))


@pytest.fixture(scope="module")
def library(backbone: Backbone) -> Library:
    return every_adapter(backbone)


@pytest.fixture(scope="module")
def folders(backbone: Backbone, library: Library, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = Path(tmp_path_factory.mktemp("exported"))
    return {key: exported(root / key, backbone, *library[key]) for key in FOLDERS}


def exported(folder: Path, backbone: Backbone, adapter: Adapter, ticket: Ticket | None) -> Path:
    folder.mkdir()
    hf.write_folder(folder, backbone, adapter, ticket, {"lang": "sw", "version": 3})
    return folder


def asked(library: Library, backbone: Backbone, key: str) -> list[dict[str, float]]:
    engine = Engine(backbone, source=library.__getitem__)
    return [dict(each.by_label) for each in engine.predict([PairRequest(key, *pair) for pair in TEXTS])]


@pytest.mark.process
@pytest.mark.slow
def test_plain_transformers_answers_as_the_engine(
    folders: dict[str, Path], library: Library, backbone: Backbone, tmp_path: Path, record_property: pytest.Function
) -> None:
    found = answers_of(folders, TEXTS, cwd=tmp_path)
    differences = {key: largest_difference(found[key], asked(library, backbone, key)) for key in FOLDERS}
    record_property("figures", f"largest difference {max(differences.values()):.1e}")
    assert max(differences.values()) < 1e-4, differences
