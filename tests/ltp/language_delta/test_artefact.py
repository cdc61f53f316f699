"""A language delta's file: what goes in comes out, and nothing that was tampered with gets in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.synthetic import random_changes, random_ticket

from ltp import tensorfile
from ltp.backbone.load import Backbone
from ltp.delta.delta import encode
from ltp.delta.header_checksum import with_checksum
from ltp.errors import BackboneMismatch, CorruptArtifact, DeltaDoesNotFitTicket, NonFiniteWeights
from ltp.language_delta.artefact import LanguageDelta
from ltp.ticket.mask import Ticket


@pytest.fixture(scope="module")
def ticket(tiny_backbone: Backbone) -> Ticket:
    return random_ticket(tiny_backbone, 0.1)


@pytest.fixture(scope="module")
def language(tiny_backbone: Backbone, ticket: Ticket) -> LanguageDelta:
    delta = encode(random_changes(ticket), ticket)
    report = {"helps": True, "verdict": "it helps"}
    return LanguageDelta(delta, ticket.sha256, tiny_backbone.info.fingerprint, "decoupled", 1, report)


def test_what_is_saved_is_loaded(
    language: LanguageDelta, ticket: Ticket, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    language.save(tmp_path / "file")
    for loaded in (LanguageDelta.load(tmp_path / "file"), LanguageDelta.load(tmp_path / "file", tiny_backbone.info)):
        loaded.check(ticket)
        assert all(torch.equal(loaded.delta.values[name], values) for name, values in language.delta.values.items())
        assert all(torch.equal(loaded.delta.rows[name], rows) for name, rows in language.delta.rows.items())
        assert replace(loaded, delta=language.delta) == language


def test_every_flipped_byte_is_refused(language: LanguageDelta, tmp_path: Path) -> None:
    language.save(tmp_path / "file")
    whole = (tmp_path / "file").read_bytes()
    for place in np.random.default_rng(0).integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        (tmp_path / "damaged").write_bytes(damaged)
        with pytest.raises(CorruptArtifact):
            LanguageDelta.load(tmp_path / "damaged")


def test_a_value_that_is_not_finite_is_refused(
    language: LanguageDelta, ticket: Ticket, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    name = next(iter(language.delta.values))
    spoilt = language.delta.values[name].clone()
    spoilt[0] = torch.nan
    replace(language, delta=replace(language.delta, values=language.delta.values | {name: spoilt})).save(
        tmp_path / "file"
    )
    with pytest.raises(NonFiniteWeights, match=name):
        LanguageDelta.load(tmp_path / "file")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"version": "2"}, "version 2"),
        ({"format": "ltp-adapter"}, "not a language delta"),
        ({"strategy": "odd"}, "cannot be"),
        ({"report": "[]"}, "not a whole"),
        ({"names": json.dumps(["roberta.embeddings.word_embeddings.weight"])}, "not a whole"),
        ({"text_form": "7"}, "text_form|form"),
    ],
)
def test_a_header_that_says_what_cannot_be_is_refused(
    language: LanguageDelta, tmp_path: Path, changed: dict[str, str], message: str
) -> None:
    language.save(tmp_path / "file")
    arrays, facts = tensorfile.read(tmp_path / "file", check=lambda header: header.metadata)
    facts = {key: value for key, value in facts.items() if not key.endswith("sha256") or key == "ticket_sha256"}
    tensorfile.write(tmp_path / "forged", arrays, with_checksum(arrays, facts | changed))
    with pytest.raises(CorruptArtifact, match=message):
        LanguageDelta.load(tmp_path / "forged")


def test_a_tensor_larger_than_the_backbones_is_refused_before_it_is_read(
    language: LanguageDelta, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    language.save(tmp_path / "file")
    arrays, facts = tensorfile.read(tmp_path / "file", check=lambda header: header.metadata)
    name = next(name for name in arrays if name.endswith("output.dense.bias"))
    arrays[name] = np.zeros(10_000, np.float16)
    facts = {key: value for key, value in facts.items() if not key.endswith("sha256") or key == "ticket_sha256"}
    tensorfile.write(tmp_path / "forged", arrays, with_checksum(arrays, facts))
    with pytest.raises(CorruptArtifact, match="which none has here"):
        LanguageDelta.load(tmp_path / "forged", tiny_backbone.info)


def test_what_belongs_elsewhere_is_refused(
    language: LanguageDelta, ticket: Ticket, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    with pytest.raises(DeltaDoesNotFitTicket, match="make one on this ticket"):
        language.check(random_ticket(tiny_backbone, 0.1, seed=1))
    replace(language, backbone="another").save(tmp_path / "file")
    with pytest.raises(BackboneMismatch):
        LanguageDelta.load(tmp_path / "file", tiny_backbone.info)
