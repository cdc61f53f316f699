"""Texts that are given as one, with the template around them, are the tokens that the engine reads."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every_adapter import adapter_on
from support.tiny_backbone import tiny_tokenizer
from tokenizers import Regex, normalizers

from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.load import Backbone, load_backbone
from ltp.config import TextForm
from ltp.errors import NotExportable
from ltp.export import asking
from ltp.export.hf import Asked, prepared
from ltp.export.tokenizer import preparation
from ltp.model.methods import Method
from ltp.text import form
from ltp.text.characters import rows

CHARACTERS = "ab .?!…»«()'\"\u0301\u200b\u2581ƀɛŋĔǃ。؟<>-\t\u00a0\ufeff0"
SPECIAL = ("<mask>", " <s>", "</s> ", "<pad>", "<unk>")
PIECES = st.lists(st.one_of(st.sampled_from(SPECIAL), st.text(CHARACTERS, max_size=8)), max_size=4).map("".join)
AROUND = re.compile(asking.edges(1, literal=False))
WRITTEN = st.builds("".join, st.tuples(st.sampled_from("aɛŋ.0"), PIECES)).map(lambda text: AROUND.sub("", text))
"""What a template does not read otherwise: a text without blanks around it that begins with no special token."""
SPREADING = "㎏ﬃ㍐½…ﷺa "
"""Characters that are several tokens each, so that one may stand on both sides of a cut."""


MADE: dict[tuple[object, ...], Asked] = {}


def adapter_of(
    backbone: Backbone, method: Method, *, text_form: TextForm, literal: bool = False, max_length: int = 512
) -> Adapter:
    return adapter_on(backbone, method, text_form=text_form, template=TemplateOptions(literal, max_length))


def made(backbone: Backbone, adapter: Adapter) -> Asked:
    """What is exported of it, made once."""
    key = (adapter.method, adapter.text_form, adapter.template)
    if key not in MADE:
        MADE[key] = prepared(backbone, adapter)
    return MADE[key]


def engines_ids(backbone: Backbone, adapter: Adapter, pair: tuple[str, str]) -> list[int]:
    """What the engine computes with, with the ids of the soft tokens of an export."""
    (encoded,) = asking.template_of(adapter, backbone, max_length=adapter.template.max_length).encode([pair])
    first, ids = made(backbone, adapter).first, list(encoded.ids)
    ids[encoded.soft_from : encoded.soft_from + encoded.soft] = range(first, first + encoded.soft)
    return ids


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
    wanted = engines_ids(tiny_backbone, adapter, (premise, hypothesis))
    assert exported.question.ids_as_text(exported.tokenizer, premise, hypothesis) == wanted


@pytest.mark.parametrize("method", ["ltp", "mp", "ft"])
@given(pair=st.tuples(*[st.one_of(PIECES, st.text(SPREADING, max_size=30))] * 2), text_form=st.sampled_from([0, 1]))
@settings(max_examples=60, deadline=None)
def test_any_pair_is_the_engines_ids_also_where_it_is_cut(
    tiny_backbone: Backbone, method: Method, text_form: TextForm, pair: tuple[str, str]
) -> None:
    adapter = adapter_of(tiny_backbone, method, text_form=text_form, max_length=34)
    exported = made(tiny_backbone, adapter)
    assert exported.question.ids(exported.tokenizer, *pair) == engines_ids(tiny_backbone, adapter, pair)


def test_the_tokenizer_replaces_what_the_form_replaces() -> None:
    steps = normalizers.Sequence(preparation(1))  # type: ignore[arg-type]
    texts = [f"a{row.character}b {row.character}\u0301 {row.character}" for row in rows()]
    assert [steps.normalize_str(text) for text in texts] == [form.prepared(text, 1) for text in texts]


def test_literal_texts_can_be_exported_where_the_tokenizer_takes_blanks_for_one(
    tiny_backbone_dir: Path, tmp_path: Path
) -> None:
    """As mini's does: a text alone may then end in another token than the same text within a template."""
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(tiny_backbone_dir / name, tmp_path / name)
    tokenizer = tiny_tokenizer()
    blanks = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), blanks])  # type: ignore[arg-type]
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    backbone, pair = load_backbone(tmp_path), ("the dog  runs .  ", "  a cat  ")
    adapter = adapter_of(backbone, "ltp", text_form=0, literal=True)
    exported = prepared(backbone, adapter)
    (encoded,) = asking.template_of(adapter, backbone, max_length=512).encode([pair])
    assert exported.question.ids(exported.tokenizer, *pair)[: encoded.soft_from] == encoded.ids[: encoded.soft_from]


def test_a_tokenizer_that_reads_a_template_otherwise_is_refused(tiny_backbone: Backbone) -> None:
    adapter = adapter_of(tiny_backbone, "ltp", text_form=1)
    exported = prepared(tiny_backbone, adapter)
    exported.tokenizer.normalizer = normalizers.Lowercase()
    with pytest.raises(NotExportable, match="other ids for a text in a template"):
        asking.check_ids(adapter, tiny_backbone, exported.question, exported.tokenizer)
