"""A starter from files to a packed one with its card: gone on with, refused where it would be mixed, and checked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.starter_data import write_multinli, write_recipe, write_sources
from support.synthetic import random_ticket

from ltp.adapter.artefact import Adapter, TemplateOptions, read_export
from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.delta.delta import encode
from ltp.errors import InvalidRecipe, LedgerMismatch, StarterTooLarge, TrainingCancelled
from ltp.progress import Progress
from ltp.starter import find
from ltp.starter.making import recipe, run
from ltp.starter.making.agreement import compare
from ltp.starter.making.run import Build
from ltp.starter.package import unpack
from ltp.ticket.mask import Ticket

pytestmark = pytest.mark.slow


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return write_sources(tmp_path / "data")


@pytest.fixture
def build(tiny_backbone: Backbone, data: Path, tmp_path: Path) -> Build:
    read = recipe.load(str(write_recipe(tmp_path / "own.toml")))
    return Build(read, data, tmp_path / "out", tiny_backbone, command="ltp starter build own.toml")


def again(build: Build, **changes: object) -> Build:
    """The same build as a later call would make it."""
    return replace(build, facts={}, **changes)  # type: ignore[arg-type]


def test_a_starter_is_made_packed_scored_and_described(build: Build, tmp_path: Path) -> None:
    said: list[str] = []
    facts = again(build, said=said.append).run()
    starter = find(build.backbone.info.fingerprint, tmp_path / "shipped")
    assert starter is None
    (tmp_path / "shipped").mkdir()
    for suffix in (".safetensors", ".md"):
        (tmp_path / "shipped" / f"tiny{suffix}").write_bytes(build.packed.with_suffix(suffix).read_bytes())
    starter = find(build.backbone.info.fingerprint, tmp_path / "shipped")
    assert starter is not None
    assert starter.nbytes == facts["packed"]["bytes"]

    export = read_export(unpack(starter, tmp_path / "unpacked"), build.backbone.info)
    ticket = Ticket.load(build.folder / run.TICKET)
    assert export.ticket is not None
    assert export.adapter.ticket_sha256 == export.ticket.sha256 == ticket.sha256 == facts["ticket"]["sha256"]
    assert ticket.active == round(0.05 * ticket.selectable)
    notes = json.loads(export.notes)
    assert (notes["lang"], notes["name"]) == ("mul", "starter")
    assert notes["examples"] == {"train": len(build.material.train), "dev": len(build.material.dev)}

    assert facts["packed"]["agreement"]["pairs"] == len(build.material.dev)
    assert [(row["test"], row["lang"], row["pairs"]) for row in facts["scores"]] == [("xnli", "en", 12)]
    assert any(line.startswith("xnli: ") for line in said)
    card = starter.card.read_text("utf-8")
    for told in (
        "CC BY-NC",
        starter.export_sha256,
        "ltp starter build own.toml",
        "| xnli | en |",
        "Apache 2.0",
        "form 1",
    ):
        assert told in card


def test_what_is_finished_is_not_made_again(build: Build) -> None:
    first = build.run()
    made = {path: path.stat().st_mtime_ns for path in build.folder.rglob("*.safetensors") if path.name in KEPT}
    assert len(made) == len(KEPT)
    steps: list[Progress] = []
    second = again(build, progress=steps.append).run()
    assert second == first
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert steps == []


KEPT = {run.DRIFT, run.TICKET, run.ADAPTER}


def test_an_interrupted_build_goes_on_and_comes_to_the_same_file(build: Build, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.phase == "training" and (build.folder / run.TICKET).is_file() and progress.step == 2:
            raise TrainingCancelled("stopped")

    with pytest.raises(TrainingCancelled):
        again(build, progress=stop).run()
    assert not build.packed.exists()
    build.run()
    whole = again(build, folder=tmp_path / "whole")
    whole.run()
    assert build.packed.read_bytes() == whole.packed.read_bytes()


def test_a_folder_holds_one_starter(build: Build, data: Path, tmp_path: Path) -> None:
    again(build).claim()
    again(build).claim()
    other = replace(build.recipe, seed=1)
    with pytest.raises(LedgerMismatch, match="another recipe; name another folder"):
        again(build, recipe=other).claim()
    with pytest.raises(LedgerMismatch, match="another ticket file; name"):
        again(build, ticket=data / "xnli/dev-en.tsv").claim()


def test_a_ticket_that_is_there_is_taken(build: Build, tmp_path: Path) -> None:
    ticket = random_ticket(build.backbone, 0.02)
    ticket.save(tmp_path / "mine.safetensors")
    unseen = replace(build.recipe, without_rows_of=("afrixnli", "americasnli"))
    facts = again(build, recipe=unseen, ticket=tmp_path / "mine.safetensors", tests=False).run()
    assert facts["ticket"]["sha256"] == ticket.sha256
    assert facts["scores"] == []
    assert not (build.folder / run.DRIFT).exists()
    card = build.packed.with_suffix(".md").read_text("utf-8")
    assert "all of afrixnli and americasnli, and every row with a premise that occurs there" in card


def test_one_begins_from_another_on_its_ticket(build: Build, tmp_path: Path) -> None:
    build.run()
    begun = replace(build.recipe, name="second", begins_from="tiny", training=replace(build.recipe.training, seed=5))
    with pytest.raises(InvalidRecipe, match="second begins from tiny: build that first, and name its folder"):
        again(build, recipe=begun, folder=tmp_path / "second").run()
    second = again(build, recipe=begun, folder=tmp_path / "second", start=build.folder)
    facts = second.run()
    assert not (second.folder / run.DRIFT).exists()
    first = read_export(build.folder / run.ADAPTER)
    export = read_export(second.folder / run.ADAPTER)
    assert export.adapter.ticket_sha256 == first.adapter.ticket_sha256
    assert facts["trained"]["start"]["carried"] == 1.0
    untouched = set(first.adapter.delta.rows[WORD_EMBEDDINGS].tolist())
    assert untouched <= set(export.adapter.delta.rows[WORD_EMBEDDINGS].tolist())
    card = second.packed.with_suffix(".md").read_text("utf-8")
    assert "It goes on from the starter `tiny`" in card
    assert "The ticket is that of tiny" in card
    with pytest.raises(LedgerMismatch, match="another start"):
        again(second, start=second.folder).claim()


def test_the_recipe_for_xlm_r_base_goes_through_on_a_small_one(tiny_backbone: Backbone, tmp_path: Path) -> None:
    shipped = recipe.load("xlm-r-base").without(["americasnli", "afrixnli"])
    less = replace(shipped.limited(rows=9, epochs=1, sentences=30), dev_share=0.2)
    data = write_multinli(tmp_path / "data", less.sources[0].languages)
    facts = Build(less, data, tmp_path / "out", tiny_backbone).run()
    assert [row["source"] for row in facts["sources"]] == ["xnli", "multinli"]
    assert facts["trained"]["training"]["precision"] == "bf16"
    assert (tmp_path / "out" / "xlm-r-base.safetensors").is_file()


def test_values_that_int8_would_spoil_are_packed_as_fp16(build: Build, tmp_path: Path) -> None:
    """One value in each block is so large that a code's step is more than all the others."""
    ticket = random_ticket(build.backbone, 0.3, only="roberta.encoder")
    changes = {}
    for name, count in ticket.counts.items():
        changes[name] = torch.randn(count, generator=torch.Generator().manual_seed(count)) * 0.3
        if "key" in name:
            changes[name][::128] = 90.0
    build.folder.mkdir()
    ticket.save(tmp_path / "mine.safetensors")
    adapter = Adapter(
        prompt=torch.zeros(4, build.backbone.info.hidden),
        delta=encode(changes, ticket),
        method="ltp",
        strategy="decoupled",
        backbone=build.backbone.info.fingerprint,
        ticket_sha256=ticket.sha256,
        template=TemplateOptions(literal=False, max_length=64),
    )
    adapter.save(build.folder / run.ADAPTER, ticket=ticket)
    score = {"accuracy": 0.5, "interval": [0.4, 0.6], "pairs": 1}
    training = build.recipe.training
    used = {name: getattr(training, name) for name in training.__dataclass_fields__}
    about = {"dev": score, "training": used, "seconds": 1.0}
    (build.folder / run.TRAINED).write_text(json.dumps(about), "utf-8")
    facts = again(build, ticket=tmp_path / "mine.safetensors").run()
    assert facts["packed"]["coding"] == "fp16"
    assert facts["packed"]["agreement"]["same_label"] == 1.0
    assert facts["packed"]["export_sha256"] == run.file_sha256(build.folder / run.ADAPTER)


def test_what_is_larger_than_a_package_should_carry_is_refused(build: Build) -> None:
    with pytest.raises(StarterTooLarge, match="a package carries at most 5,000; lower the ticket's active_ratio"):
        again(build, most_bytes=5000).run()


def test_the_gate_asks_for_labels_and_for_accuracy() -> None:
    labels = np.zeros(1000, np.int64)
    exact = np.tile([0.6, 0.3, 0.1], (1000, 1))
    other = exact.copy()
    assert compare(exact, other, labels).passes
    other[:3] = [0.3, 0.6, 0.1]
    assert compare(exact, other, labels).passes
    other[:4] = [0.3, 0.6, 0.1]
    found = compare(exact, other, labels)
    assert (found.same_label, found.packed_accuracy) == (0.996, 0.996)
    assert not found.passes  # accuracy is 0.4 points lower
    labels[:6] = 2
    other[:6] = [0.3, 0.6, 0.1]
    found = compare(exact, other, labels)
    assert found.accuracy == found.packed_accuracy
    assert not found.passes  # six labels of a thousand are others
    assert found.largest_difference == pytest.approx(0.3)
