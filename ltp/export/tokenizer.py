"""The backbone's tokenizer with the soft prompt's tokens added, which prepares texts itself as the adapter's are.

So whoever gives it a filled-in template gets the ids that the engine computes with, and need not know of text forms.
"""

from __future__ import annotations

from collections import defaultdict

from tokenizers import AddedToken, Regex, Tokenizer, normalizers, processors

from ltp.backbone.fingerprint import TOKENIZER
from ltp.backbone.manifest import BackboneInfo
from ltp.config import TextForm
from ltp.text.characters import rows
from ltp.text.form import READ_AS_BLANK

BLANKS = r"[\s\x1c-\x1f]+"
"""What `str.split` parts at."""


def prompt_tokens(count: int) -> list[str]:
    """Name the soft prompt's tokens as the paper does, `<p1>` to `<pn>` (3.2)."""
    return [f"<p{number}>" for number in range(1, count + 1)]


def exported_tokenizer(backbone: BackboneInfo, *, prompt_length: int, text_form: TextForm) -> Tokenizer:
    """Make the tokenizer of an export; the soft prompt's tokens have the ids after all others."""
    tokenizer = Tokenizer.from_file(str(backbone.directory / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if steps := preparation(text_form):
        own = [] if tokenizer.normalizer is None else [tokenizer.normalizer]
        tokenizer.normalizer = normalizers.Sequence([*steps, *own])
    tokenizer.add_special_tokens(
        [AddedToken(token, lstrip=True, normalized=False, special=True) for token in prompt_tokens(prompt_length)]
    )
    ends = [(piece, tokenizer.token_to_id(piece)) for piece in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ends
    )
    return tokenizer


def preparation(text_form: TextForm) -> list[normalizers.Normalizer]:
    """What `ltp.text.form.prepared` does inside a text, as steps of a tokenizer; blanks at its ends stay.

    Words longer than any are composed whole.
    """
    if text_form == 0:
        return []
    replaced = _replacements()
    return [
        normalizers.Replace(Regex(READ_AS_BLANK.pattern), " "),
        normalizers.NFC(),
        *replaced,
        normalizers.NFC(),  # a mark's replacement may compose, and what comes of it be in the table
        *replaced,
        normalizers.Replace(Regex(BLANKS), " "),
    ]


def _replacements() -> list[normalizers.Normalizer]:
    """The table of characters, those of one replacement together."""
    characters: defaultdict[str, str] = defaultdict(str)
    for row in rows():
        characters[row.replacement] += row.character
    return [normalizers.Replace(Regex(f"[{several}]"), one) for one, several in characters.items()]
