"""Building a starter step by step into a folder: what is finished there is kept, and the next call goes on from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ltp import atomic_file
from ltp.adapter.artefact import Export, read_export
from ltp.adapter.start import Start, start_from
from ltp.adapter.train import train_adapter
from ltp.backbone.load import Backbone
from ltp.drift.stored import Drift
from ltp.drift.train import train_drift
from ltp.errors import InvalidRecipe, LedgerMismatch, StarterTooLarge
from ltp.progress import Progress, ProgressCallback
from ltp.starter.codes import Coding
from ltp.starter.making import agreement, card, recipe
from ltp.starter.making.material import Material, draw
from ltp.starter.making.recipe import Recipe
from ltp.starter.making.scoring import Answers, numbers_of, scored
from ltp.starter.making.sources import Sources
from ltp.starter.package import pack, unpack
from ltp.starter.shipped import described
from ltp.tensorfile import file_sha256
from ltp.ticket.mask import Ticket
from ltp.ticket.selection import select
from ltp.training.checkpoint import Checkpoints, identity_of

MOST_BYTES = 12_000_000
"""Of a packed starter, its mask included."""
IDENTITY, DRIFT, TICKET, ADAPTER, TRAINED, SCORES = (
    "identity.json", "drift.safetensors", "ticket.safetensors", "adapter.safetensors", "trained.json", "scores.json",
)  # fmt: skip
LANG, NAME = "mul", "starter"
"""What a registry calls it: the code of ISO 639 for several languages."""


@dataclass
class Build:
    """One starter in the making. `said` is told what was done, a sentence at a time."""

    recipe: Recipe
    data: Path
    folder: Path
    backbone: Backbone
    ticket: Path | None = None
    """One that is there already; None for the start's own, or to make one as the recipe says."""
    start: Path | None = None
    """The folder of an earlier build, or an export, to begin from; None for the pretrained values."""
    tests: bool = True
    """Whether to score on the test files now; a later call can."""
    device: str = "cpu"
    progress: ProgressCallback = lambda _: None
    said: Callable[[str], None] = lambda _: None
    command: str = "ltp starter build"
    most_bytes: int = MOST_BYTES
    facts: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def sources(self) -> Sources:
        """The files."""
        return Sources(self.data, self.recipe)

    @cached_property
    def material(self) -> Material:
        """The pairs."""
        return draw(self.sources)

    @property
    def begins(self) -> Path | None:
        """The export that training begins from."""
        return self.start / ADAPTER if self.start is not None and self.start.is_dir() else self.start

    @cached_property
    def started(self) -> Export | None:
        """What training begins from. Raises CorruptArtifact, BackboneMismatch."""
        return read_export(self.begins, self.backbone.info) if self.begins else None

    def _begun_from(self) -> dict[str, Any] | None:
        """What the build in the start's folder noted of its starter; None where there is none."""
        noted = sorted(self.start.glob("*.json")) if self.start is not None and self.start.is_dir() else []
        files = [path for path in noted if path.with_suffix(".md").is_file()]
        return json.loads(files[0].read_text("utf-8")) if files else None

    @property
    def packed(self) -> Path:
        """The file that is shipped."""
        return self.folder / f"{self.recipe.name}.safetensors"

    def run(self) -> dict[str, Any]:
        """Do what is not done yet; return what is known of the starter, which its card says as well.

        Raises:
            InvalidRecipe, UnsoundData: see `draw`.
            LedgerMismatch: the folder holds a starter that was made otherwise.
            StarterTooLarge: the packed file takes more than a package should carry.
            TrainingDiverged, TrainingCancelled: see `train_adapter`.
        """
        self.claim()
        self.facts["sources"] = self.material.facts()
        for taken in self.facts["sources"]:
            self.said(_taken(taken))
        ticket = self._ticket()
        self._train(ticket)
        self._pack()
        if self.tests:
            self._score()
        self._write_card()
        return self.facts

    def claim(self) -> None:
        """Read the sources, and make the folder this recipe's, or find that it is. Raises as `run` does."""
        if self.recipe.begins_from and self.start is None:
            told = f"{self.recipe.name} begins from {self.recipe.begins_from}"
            raise InvalidRecipe(f"{told}: build that first, and name its folder as the start (--start FOLDER)")
        self.folder.mkdir(parents=True, exist_ok=True)
        _ = self.material
        identity: dict[str, Any] = {
            "recipe": recipe.facts(self.recipe),
            "files": dict(sorted(self.sources.files.items())),
            "backbone": self.backbone.info.fingerprint,
            "ticket_file": self.ticket and file_sha256(self.ticket),
            "start": self.begins and file_sha256(self.begins),
        }
        path = self.folder / IDENTITY
        if not path.is_file():
            atomic_file.write_text(path, json.dumps(identity, indent=1, allow_nan=False))
        before = json.loads(path.read_text("utf-8"))
        differing = [name for name in identity if name != "recipe" and before.get(name) != identity[name]]
        if not recipe.same(self.recipe, before.get("recipe")):
            differing = ["recipe", *differing]
        if differing:
            told = " and ".join(name.replace("_", " ") for name in differing)
            raise LedgerMismatch(f"{self.folder} holds a starter with another {told}; name another folder")
        self.facts |= {"identity": identity_of(**identity), **identity, "begun_from": self._begun_from()}

    def _ticket(self) -> Ticket:
        path, info = self.folder / TICKET, self.backbone.info
        if not path.is_file():
            self._chosen_ticket().save(path)
        ticket = Ticket.load(path, info)
        figures = ticket.figures()
        self.facts["ticket"] = {name: figures[name] for name in ("active", "selectable")} | {"sha256": ticket.sha256}
        self.said(f"ticket: {ticket.active:,} of {ticket.selectable:,} parameters")
        return ticket

    def _chosen_ticket(self) -> Ticket:
        if self.ticket:
            return Ticket.load(self.ticket, self.backbone.info)
        if self.started and self.started.ticket:
            return self.started.ticket
        return select(self._drift(), self.recipe.ticket)

    def _drift(self) -> Drift:
        path = self.folder / DRIFT
        if not path.is_file():
            drift = train_drift(
                self.backbone,
                self.material.lines,
                strategy="decoupled",
                config=self.recipe.mlm,
                progress=self.progress,
                checkpoints=Checkpoints(self.folder / "drift.checkpoints"),
                device=self.device,
            )
            drift.save(path)
            shutil.rmtree(self.folder / "drift.checkpoints", ignore_errors=True)
        return Drift.load(path, self.backbone.info)

    def _train(self, ticket: Ticket) -> None:
        """Train the adapter and write its export, and how it went beside it."""
        if not (self.folder / TRAINED).is_file():
            trained = train_adapter(
                self.backbone,
                ticket,
                method="ltp",
                train=self.material.examples("train"),
                dev=self.material.examples("dev"),
                config=replace(self.recipe.training, delta_dtype="fp16"),  # packing codes the values
                seeds=self.recipe.seeds,
                progress=self.progress,
                checkpoints=Checkpoints(self.folder / "adapter.checkpoints"),
                device=self.device,
                warn=self.said,
                start=self._start_on(ticket),
            )
            notes = _notes(trained.metrics, trained.training, trained.report)
            trained.adapter.save(self.folder / ADAPTER, ticket=ticket, notes=json.dumps(notes, allow_nan=False))
            about = {"dev": trained.metrics["dev"], "training": trained.training}
            about |= {name: trained.report[name] for name in ("seconds", "start") if name in trained.report}
            atomic_file.write_text(self.folder / TRAINED, json.dumps(about, allow_nan=False))
            shutil.rmtree(self.folder / "adapter.checkpoints", ignore_errors=True)
        self.facts["trained"] = json.loads((self.folder / TRAINED).read_text("utf-8"))
        dev, seconds = self.facts["trained"]["dev"], self.facts["trained"]["seconds"]
        self.said(f"adapter: {dev['accuracy']:.1%} of {dev['pairs']:,} held-out pairs; trained in {seconds:,.0f} s")

    def _start_on(self, ticket: Ticket) -> Start | None:
        if self.started is None:
            return None
        return start_from(self.started.adapter, self.started.ticket, ticket, self.backbone)

    def _pack(self) -> None:
        """Write the packed file: int8 where that answers alike, else fp16."""
        pairs = self.material.examples("dev")
        exact = Answers(self.backbone, self.folder / ADAPTER, device=self.device)(pairs)
        for coding in ("int8", "fp16"):
            found = self._packed_as(coding, exact)
            self.said(
                f"{coding}: {self.packed.stat().st_size:,} bytes; the same label on {found.same_label:.2%} of"
                f" {found.pairs:,} held-out pairs, accuracy {found.packed_accuracy:.2%} for {found.accuracy:.2%}"
            )
            if found.passes:
                break
        size = self.packed.stat().st_size
        starter = described(self.packed)
        self.facts["packed"] = {"coding": coding, "bytes": size, "export_sha256": starter.export_sha256}
        self.facts["packed"] |= {"sha256": file_sha256(self.packed), "agreement": found.facts()}
        if size > self.most_bytes:
            raise StarterTooLarge(
                f"{self.packed} has {size:,} bytes, and a package carries at most {self.most_bytes:,}; lower the"
                " ticket's active_ratio in the recipe"
            )

    def _packed_as(self, coding: Coding, exact: Any) -> agreement.Agreement:
        pairs = self.material.examples("dev")
        with atomic_file.new_content(self.packed) as file:
            file.write(pack(self.folder / ADAPTER, coding=coding))
        export = unpack(self.packed, self.folder / "unpacked", backbone=self.backbone.info)
        answers = Answers(self.backbone, export, device=self.device)(pairs)
        return agreement.compare(exact, answers, numbers_of(pairs))

    def _score(self) -> None:
        """Score what is shipped on the test files that are there."""
        path, sha256 = self.folder / SCORES, self.facts["packed"]["sha256"]
        kept = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        if kept.get("sha256") != sha256:
            answers = Answers(self.backbone, self.folder / "unpacked" / "starter.safetensors", device=self.device)
            rows = scored(
                answers,
                self.sources,
                self.recipe.tests,
                lambda step, total: self.progress(Progress("scoring", step, total)),
            )
            kept = {"sha256": sha256, "scores": list(rows)}
            atomic_file.write_text(path, json.dumps(kept, allow_nan=False))
        self.facts["scores"] = kept["scores"]

    def _write_card(self) -> None:
        self.facts |= {"command": self.command, "scores": self.facts.get("scores", [])}
        atomic_file.write_text(self.packed.with_suffix(".md"), card.written(self.recipe, self.facts))
        atomic_file.write_text(self.packed.with_suffix(".json"), json.dumps(self.facts, indent=1, allow_nan=False))


def _notes(metrics: dict[str, Any], training: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """What an export tells a registry of the adapter in it."""
    counts = report["examples"]
    return {
        "lang": LANG,
        "name": NAME,
        "seeds": training["seeds"],
        "training": training,
        "metrics": {"dev": metrics["dev"]},
        "examples": {part: counts[part] for part in ("train", "dev")},
    }


def _taken(taken: dict[str, Any]) -> str:
    left = f"; {taken['left_out']:,} rows left out" if taken["left_out"] else ""
    languages = ", ".join(taken["languages"])
    return f"{taken['source']}: {taken['train']:,} pairs to train on, {taken['dev']:,} held out ({languages}){left}"
