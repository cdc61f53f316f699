"""The template: its exact tokens, the punctuation of many scripts, truncation, and texts that try to break it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltp.backbone.load import Backbone
from ltp.config import AdapterConfig
from ltp.errors import InvalidConfig
from ltp.model.methods import METHODS, Form, Method
from ltp.model.template import LAYOUTS, Template, kept_lengths, least_tokens
from ltp.text.sentences import TERMINALS, without_final_punctuation

N = 4


def template(backbone: Backbone, max_length: int = 64, *, soft: int = N, literal: bool = False) -> Template:
    return Template(backbone, prompt_length=soft, max_length=max_length, text_form=1, literal=literal)


def test_the_layout_token_by_token(tiny_backbone: Backbone) -> None:
    (encoded,) = template(tiny_backbone).encode([("The dog was eating.", "the cat was not eating")])
    pieces = [tiny_backbone.tokenizer.id_to_token(token) for token in encoded.ids]

    assert pieces == [
        *["<s>", "▁The", "▁dog", "▁was", "▁eating", "▁."],
        *["▁the", "▁cat", "▁was", "▁not", "▁eating", "▁?"],
        *["<pad>"] * N,
        *["<mask>", "</s>"],
    ]
    assert encoded.soft == N
    assert not encoded.truncated


def test_it_equals_tokenizing_the_sentence_as_a_whole(tiny_backbone: Backbone) -> None:
    (encoded,) = template(tiny_backbone).encode([("the dog was eating .", "the cat was not!")])
    whole = tiny_backbone.tokenizer.encode("the dog was eating . the cat was not ?").ids
    assert [*encoded.ids[: -N - 2], tiny_backbone.special.eos] == whole


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("He went home.", "He went home"),
        ("He went home ...  ", "He went home"),
        ("Really?!", "Really"),
        ("他说,妈妈,我回来了。", "他说,妈妈,我回来了"),
        ("你去哪儿?", "你去哪儿"),
        ("اور اس نے کہا امّی، میں گھر آگیا ہوں۔", "اور اس نے کہا امّی، میں گھر آگیا ہوں"),
        ("هل عدت للمنزل؟", "هل عدت للمنزل"),
        ("هل عدت للمنزل؟\u200f", "هل عدت للمنزل\u200f"),
        ("मैं घर आया हूं।", "मैं घर आया हूं"),
        ("इति॥", "इति"),
        ("Πού πας;", "Πού πας"),
        ('He said "no."', 'He said "no"'),
        ('He said "no".', 'He said "no"'),
        ("Er sagte: „Nein.“", "Er sagte: „Nein“"),
        ("Il dit « non. »", "Il dit « non»"),
        ("她说:「不。」", "她说:「不」"),
        ("He left (at last.)", "He left (at last)"),
        ("It cost 3.5", "It cost 3.5"),
        ("Mr. Smith left, then", "Mr. Smith left, then"),
        ("...", "..."),
        ("?", "?"),
    ],
)
def test_final_punctuation_of_many_scripts(text: str, kept: str) -> None:
    assert without_final_punctuation(text) == kept


@given(st.text(max_size=30))
def test_stripping_is_idempotent_and_never_touches_the_words(text: str) -> None:
    kept = without_final_punctuation(text)
    assert without_final_punctuation(kept) == kept
    assert bool(kept) == bool(text.strip())
    spaceless = [mark for mark in kept if not mark.isspace()]
    source = iter(text)
    assert all(any(mark == other for other in source) for mark in spaceless)  # a subsequence of the text
    dropped = len([mark for mark in text if mark in TERMINALS]) - len([mark for mark in kept if mark in TERMINALS])
    assert len([mark for mark in text if not mark.isspace()]) - len(spaceless) == dropped


def test_literal_appends_instead(tiny_backbone: Backbone) -> None:
    (encoded,) = template(tiny_backbone, literal=True).encode([("the dog.", "the cat?")])
    pieces = [tiny_backbone.tokenizer.id_to_token(token) for token in encoded.ids]
    assert pieces[:9] == ["<s>", "▁the", "▁dog", ".", "▁.", "▁the", "▁cat", "?", "▁?"]


def test_truncation_takes_from_the_longer_text_only_and_is_reported(tiny_backbone: Backbone) -> None:
    long, short = "the dog " * 40, "cat water house"
    first, second, neither = template(tiny_backbone, 32).encode([(long, short), (short, long), (short, short)])
    ids = [tiny_backbone.tokenizer.token_to_id(f"▁{word}") for word in short.split()]

    assert first.truncated
    assert second.truncated
    assert not neither.truncated
    assert len(first.ids) == len(second.ids) == 32
    assert first.ids[-N - 3 - 3 : -N - 3] == ids
    assert second.ids[1:4] == ids
    for encoded in (first, second, neither):
        assert encoded.ids[-N - 2 :] == [tiny_backbone.special.pad] * N + [
            tiny_backbone.special.mask,
            tiny_backbone.special.eos,
        ]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(2, 60))
def test_kept_lengths_is_cutting_one_token_at_a_time(premise: int, hypothesis: int, room: int) -> None:
    kept = kept_lengths(premise, hypothesis, room)
    while premise + hypothesis > room:
        if premise >= hypothesis:
            premise -= 1
        else:
            hypothesis -= 1
    assert kept == (premise, hypothesis)


def test_special_tokens_in_a_text_are_only_text(tiny_backbone: Backbone) -> None:
    (encoded,) = template(tiny_backbone).encode([("the <mask> dog </s>", "<s> the <pad> cat")])
    special = tiny_backbone.special
    body = encoded.ids[1 : -N - 2]
    assert not {special.bos, special.eos, special.pad, special.mask} & set(body)
    assert body.count(special.unk) == 4


@pytest.mark.parametrize(("max_length", "soft"), [(513, 4), (10, 4), (70, 64)])
def test_impossible_lengths_are_refused(tiny_backbone: Backbone, max_length: int, soft: int) -> None:
    with pytest.raises(InvalidConfig, match="max_length"):
        template(tiny_backbone, max_length, soft=soft)


@pytest.mark.parametrize("form", LAYOUTS)
@pytest.mark.parametrize("soft", [1, N, 64])
def test_the_least_length_is_the_first_that_a_template_takes(tiny_backbone: Backbone, form: Form, soft: int) -> None:
    least = least_tokens(form, prompt_length=soft, tokenizer=tiny_backbone.tokenizer)
    Template(tiny_backbone, prompt_length=soft, max_length=least, text_form=1, form=form)
    with pytest.raises(InvalidConfig, match=f"it must be at least {least} with this prompt"):
        Template(tiny_backbone, prompt_length=soft, max_length=least - 1, text_form=1, form=form)
    assert least_tokens(form, prompt_length=soft) <= least


@pytest.mark.slow
@pytest.mark.parametrize(("method", "least"), [("mp", 18), ("dp", 14), ("ltp", 12), ("sp", 12), ("pt", 12), ("ft", 6)])
def test_what_mini_needs_with_the_default_prompt(mini_backbone: Backbone, method: Method, least: int) -> None:
    form = METHODS[method].form
    assert least_tokens(form, prompt_length=AdapterConfig().prompt_length, tokenizer=mini_backbone.tokenizer) == least


def test_tokens_that_are_not_known_are_counted_of_what_is_kept(tiny_backbone: Backbone) -> None:
    pairs = [("the dog ᱟᱢ", "ᱪᱮᱫ."), ("the dog", "a cat"), ("ᱟᱢ " * 60, "a cat")]
    mixed, known, cut = template(tiny_backbone).encode(pairs)
    assert (mixed.tokens.words, mixed.tokens.unknown) == (4, 2)
    assert (known.tokens.words, known.tokens.unknown) == (4, 0)
    assert cut.tokens.unknown < 60


LONG = {
    "Latin": "The farmer walks to the market, and nobody asks the goats. ",
    "Thai": "ชาวนาเดินไปตลาดกับแพะสองตัว",
    "Chinese": "农民带着两只山羊走到市场去买东西。",
    "Arabic": "يمشي المزارع إلى السوق مع عنزتين كل صباح. ",
    "ligatures": "ﷺ",
}


@pytest.mark.slow
@pytest.mark.parametrize("script", LONG)
def test_a_long_text_is_cut_before_it_is_tokenized_and_reads_the_same(mini_backbone: Backbone, script: str) -> None:
    text, room = (LONG[script] * 20_000)[:20_000], 40
    whole = mini_backbone.tokenizer.encode(text, add_special_tokens=False).ids
    template = Template(mini_backbone, prompt_length=N, max_length=room + 4 + N, text_form=1, literal=True)
    (first,), (second,) = template.encode([(text, "Yes")]), template.encode([("Yes", text)])
    assert whole[:30] == first.ids[1:31]
    assert second.ids[4:30] == whole[: len(second.ids[4:30])]
    assert first.truncated
    assert second.truncated


def test_what_a_cut_drops_is_reported_even_where_little_is_left(tiny_backbone: Backbone) -> None:
    (encoded,) = template(tiny_backbone, literal=True).encode([("\u00ad" * 19_000 + " dog", "the dog")])
    assert encoded.truncated


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_form_0_reads_texts_as_they_are(tiny_backbone: Backbone, premise: str, hypothesis: str) -> None:
    """What adapters read that were made before there were forms, byte for byte."""
    template = Template(tiny_backbone, prompt_length=N, max_length=200, text_form=0, form="pair")
    tokenizer, special = tiny_backbone.tokenizer, tiny_backbone.special
    parts = [tokenizer.encode(text, add_special_tokens=False).ids for text in (premise, hypothesis)]
    written = [[special.unk if token in special.ids() else token for token in part] for part in parts]
    ids = [special.bos, *written[0], special.eos, special.eos, *written[1], special.eos]
    assert template.encode([(premise, hypothesis)])[0].ids == ids


def test_final_marks_are_looked_for_in_what_the_form_makes_of_a_text(tiny_backbone: Backbone) -> None:
    ways = ["the dog.", "the  dog.", "the dog.\u200f ", "\ufeffthe dog.\u200b\u3000", "the dog.\u00a0"]
    for literal in (False, True):
        encoded = template(tiny_backbone, literal=literal).encode([(way, "a") for way in ways])
        assert len({tuple(each.ids) for each in encoded}) == 1


def test_a_text_is_cut_where_its_prepared_form_is(tiny_backbone: Backbone) -> None:
    plain, spaced = "dog " * 30, "  dog \u200b" * 30
    short = template(tiny_backbone, max_length=32)
    first, second = short.encode([(plain, "a"), (spaced, "a")])
    assert (first.ids, first.truncated) == (second.ids, second.truncated)
    assert first.truncated
    assert not short.encode([(f"dog{' ' * 5000}cat", "a")])[0].truncated
