"""Texts that are given as one, with the template around them, are the tokens that the engine reads."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import normalizers

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.load import Backbone
from ltp.config import TextForm
from ltp.delta.delta import Delta
from ltp.errors import NotExportable
from ltp.export import asking
from ltp.export.hf import Asked, prepared
from ltp.export.tokenizer import preparation
from ltp.model.methods import METHODS, Method
from ltp.model.template import Template
from ltp.text import form
from ltp.text.characters import rows

CHARACTERS = "ab .?!…»«()'\"\u0301\u200b\u2581ƀɛŋĔǃ。؟<>-\t\u00a0\ufeff0"
SPECIAL = ("<mask>", " <s>", "</s> ", "<pad>", "<unk>")
PIECES = st.lists(st.one_of(st.sampled_from(SPECIAL), st.text(CHARACTERS, max_size=8)), max_size=4).map("".join)
WRITTEN = st.builds("".join, st.tuples(st.text(" \u200b\t", max_size=2), st.sampled_from("aɛŋ.0"), PIECES))
"""A text that begins with a special token is the one that a template reads otherwise."""


MADE: dict[tuple[str, int, bool], Asked] = {}


def adapter_of(backbone: Backbone, method: Method, *, text_form: TextForm, literal: bool = False) -> Adapter:
    soft = METHODS[method].soft
    return Adapter(
        prompt=torch.randn(4 if soft else 0, backbone.info.hidden),
        delta=Delta({}, {}, {}),
        method=method,
        strategy="decoupled",
        backbone=backbone.info.fingerprint,
        ticket_sha256=None,
        template=TemplateOptions(literal=literal, max_length=512),
        text_form=text_form,
    )


def made(backbone: Backbone, adapter: Adapter) -> Asked:
    """What is exported of it, made once."""
    key = (adapter.method, adapter.text_form, adapter.template.literal)
    if key not in MADE:
        MADE[key] = prepared(backbone, adapter)
    return MADE[key]


@pytest.mark.parametrize("method", ["mp", "ft"])
@pytest.mark.parametrize("literal", [False, True], ids=["marks dropped", "literal"])
@pytest.mark.parametrize("text_form", [0, 1])
@given(premise=WRITTEN, hypothesis=WRITTEN)
@settings(max_examples=30, deadline=None)
def test_a_filled_in_template_is_the_engines_ids(
    tiny_backbone: Backbone, method: Method, literal: bool, text_form: TextForm, premise: str, hypothesis: str
) -> None:
    adapter = adapter_of(tiny_backbone, method, text_form=text_form, literal=literal)
    exported = made(tiny_backbone, adapter)
    template = Template(
        tiny_backbone,
        prompt_length=len(adapter.prompt),
        max_length=512,
        text_form=text_form,
        literal=literal,
        form=METHODS[method].form,
    )
    (encoded,) = template.encode([(premise, hypothesis)])
    wanted = list(encoded.ids)
    wanted[encoded.soft_from : encoded.soft_from + encoded.soft] = range(exported.first, exported.first + encoded.soft)
    assert exported.question.ids(exported.tokenizer, premise, hypothesis) == wanted


def test_the_tokenizer_replaces_what_the_form_replaces() -> None:
    steps = normalizers.Sequence(preparation(1))  # type: ignore[arg-type]
    texts = [f"a{row.character}b {row.character}\u0301 {row.character}" for row in rows()]
    assert [steps.normalize_str(text) for text in texts] == [form.prepared(text, 1) for text in texts]


def test_a_longer_pair_is_cut_where_the_engine_cuts_it(tiny_backbone: Backbone) -> None:
    adapter = replace(adapter_of(tiny_backbone, "ltp", text_form=1), template=TemplateOptions(False, 40))
    exported = prepared(tiny_backbone, adapter)
    pair = ("the dog " * 40, "the cat and water " * 9)
    (encoded,) = Template(tiny_backbone, prompt_length=4, max_length=40, text_form=1).encode([pair])
    ids = exported.question.ids(exported.tokenizer, *pair)
    assert (len(ids), encoded.truncated) == (40, True)
    assert ids[: encoded.soft_from] == encoded.ids[: encoded.soft_from]


def test_a_tokenizer_that_reads_a_template_otherwise_is_refused(tiny_backbone: Backbone) -> None:
    adapter = adapter_of(tiny_backbone, "ltp", text_form=1)
    exported = prepared(tiny_backbone, adapter)
    exported.tokenizer.normalizer = normalizers.Lowercase()
    with pytest.raises(NotExportable, match="other ids for a text in a template"):
        asking.check_ids(adapter, tiny_backbone, exported.question, exported.tokenizer)
