"""What must be known to ask an exported model, as JSON beside it (`nli.json`), and a check that it is right.

A pair is asked as the engine does: both texts are tokenized, the longer is cut, and the template's ids are put around
them. Who has a text to give, as to a pipeline, fills the template in, which is exact for pairs that need no cut; for a
classification head there is none, and the two are given as a pair. Marks that end a sentence are dropped before, as
`ltp.text.sentences` does, by two patterns.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from tokenizers import Tokenizer

from ltp.adapter.artefact import Adapter
from ltp.backbone.answer_tokens import SPECIAL
from ltp.backbone.load import Backbone
from ltp.config import TextForm
from ltp.errors import NotExportable
from ltp.export.tokenizer import prompt_tokens
from ltp.model.methods import METHODS
from ltp.model.template import END, LAYOUTS, MASK, SOFT, Template, kept_lengths
from ltp.text.characters import rows
from ltp.text.form import NEWEST, READ_AS_BLANK
from ltp.text.sentences import TERMINALS, closing_marks

UNKNOWN = "<unk>"
PROBES = (
    ("A man is sleeping.", "Nobody is awake!"),
    ("  Two   dogs\u200b run .  ", " «¿Corren dos perros?»"),
    ("Two   dogs\u200b run .", "«¿Corren dos perros?»"),
    ("Ɛyɛ ɖe, n'daŋ\u0301 (ŋutɔ).", "Cafe\u0301 au lait…"),
    ("He wrote <mask> and <s> twice", "1,000 words; no more"),
    ("!?", "यह क्या है।"),
    ("那是什么？他说。", "ما هذا؟"),
)
"""Pairs whose ids are compared before anything is exported."""


@dataclass(frozen=True)
class Question:
    """How texts become what the model is given."""

    around: tuple[list[int], list[int], list[int]]
    """Ids before, between and after the tokens of premise and hypothesis."""
    room: int
    """Tokens of premise and hypothesis together, at most: the longer is cut."""
    final_marks: tuple[str, str] | None
    """A pattern of what a text ends in, and one of what of it is dropped; None where texts keep their marks."""
    edges: str
    """A pattern of the blanks around a text that are dropped first."""
    reserved: str
    """A pattern of what would be read as a special token; `<unk>` takes its place."""
    template: str | None
    """With `{premise}` and `{hypothesis}`, for texts without blanks around them; None for a pair."""

    def ids(self, tokenizer: Tokenizer, premise: str, hypothesis: str) -> list[int]:
        """The ids of a pair."""
        texts = [self._plain(text) for text in (premise, hypothesis)]
        read = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        first, second = kept_lengths(len(read[0]), len(read[1]), self.room)
        before, between, after = self.around
        return [*before, *read[0][:first], *between, *read[1][:second], *after]

    def ids_as_text(self, tokenizer: Tokenizer, premise: str, hypothesis: str) -> list[int]:
        """The ids of a pair that is given as one text, or as a pair of texts; nothing is cut."""
        premise, hypothesis = self._plain(premise), self._plain(hypothesis)
        if self.template is None:
            found: list[int] = tokenizer.encode(premise, hypothesis).ids
        else:
            found = tokenizer.encode(self.template.format(premise=premise, hypothesis=hypothesis)).ids
        return found

    def _plain(self, text: str) -> str:
        text = re.sub(self.edges, "", re.sub(self.reserved, UNKNOWN, text))
        if self.final_marks is None:
            return text
        ending, dropped = self.final_marks
        return re.sub(ending, lambda marks: re.sub(dropped, "", marks[0]), text)


def question_of(adapter: Adapter, backbone: Backbone, *, first: int) -> Question:
    """Say how the adapter is asked; `first` is the id of the first soft token."""
    form, length = METHODS[adapter.method].form, len(adapter.prompt)
    template = template_of(adapter, backbone, max_length=adapter.template.max_length)
    literal = adapter.template.literal or form == "pair"
    return Question(
        around=template.around(range(first, first + length)),
        room=template.room,
        final_marks=None if literal else final_marks(adapter.text_form),
        edges=edges(adapter.text_form, literal=literal),
        reserved=_reserved(backbone.tokenizer, length, adapter.text_form),
        template=None if form == "pair" else _template_text(*LAYOUTS[form], prompt_length=length),
    )


def template_of(adapter: Adapter, backbone: Backbone, *, max_length: int) -> Template:
    """The engine's own, for as many tokens."""
    return Template(
        backbone,
        prompt_length=len(adapter.prompt),
        max_length=max_length,
        text_form=adapter.text_form,
        literal=adapter.template.literal,
        form=METHODS[adapter.method].form,
    )


def _template_text(between: tuple[str, ...], after: tuple[str, ...], *, prompt_length: int) -> str:
    pieces = {SOFT: "".join(prompt_tokens(prompt_length)), MASK: MASK, END: ""}
    parts = ["{premise}", *between, "{hypothesis}", *after]
    return " ".join(filter(None, (pieces.get(part, part) for part in parts)))


def blanks(text_form: TextForm) -> str:
    """What a pattern's class of blanks holds: what a form reads as one, too."""
    return r"\s" + (READ_AS_BLANK.pattern.strip("[]") if text_form else "")


def edges(text_form: TextForm, *, literal: bool) -> str:
    """A pattern of the blanks around a text that are dropped; of a literal one as it is written (form 0) none."""
    if text_form:
        return rf"\A[{blanks(text_form)}]+|[{blanks(text_form)}]+\Z"
    return "(?!)" if literal else r"\A\s+|\s+\Z"


def final_marks(text_form: TextForm) -> tuple[str, str]:
    """Patterns of `without_final_punctuation`, for texts that are prepared after it: with what becomes such a mark."""
    become = "".join(row.character for row in rows() if row.replacement in TERMINALS) if text_form else ""
    dropped = re.escape("".join(sorted(TERMINALS)) + become) + blanks(text_form)
    tail = dropped + re.escape(closing_marks())
    return rf"(?<=[^{tail}])[{tail}]+\Z", rf"[{dropped}]"


def _reserved(tokenizer: Tokenizer, prompt_length: int, text_form: TextForm) -> str:
    """A pattern of the tokens' names, and of the blanks that some of them swallow."""
    known = tokenizer.get_added_tokens_decoder().values()
    stripped = {token.content for token in known if token.lstrip}
    names = [*SPECIAL, *prompt_tokens(prompt_length)]
    return "|".join((f"[{blanks(text_form)}]*" if name in stripped else "") + re.escape(name) for name in names)


def facts(adapter: Adapter, backbone: Backbone, question: Question) -> dict[str, Any]:
    """What `nli.json` says. `tokens` are the words' ids, in the order of the labels; none under a classifier."""
    words, calibration = adapter.verbalizer.by_label, adapter.calibration
    labels = list(adapter.verbalizer.labels)
    tokens = None if words is None else backbone.tokens_of(words).tolist()
    return {
        "labels": labels,
        "words": words,
        "tokens": tokens,
        "targets": None if tokens is None else [backbone.tokenizer.id_to_token(token) for token in tokens],
        **asdict(question),
        "temperature": 1.0 if calibration is None else calibration.temperature,
        "bias": [0.0] * len(labels) if calibration is None else list(calibration.bias),
    }


def check_ids(adapter: Adapter, backbone: Backbone, question: Question, tokenizer: Tokenizer) -> None:
    """Compare the ids of some pairs with those that the engine computes with.

    Raises:
        NotExportable: they differ, as they may where a backbone's tokenizer works in another way than XLM-R's.
    """
    template = template_of(adapter, backbone, max_length=backbone.info.max_positions)
    whole = replace(question, room=template.room)
    first, around = tokenizer.get_vocab_size() - len(adapter.prompt), re.compile(edges(NEWEST, literal=False))
    for pair, encoded in zip(PROBES, template.encode(PROBES), strict=True):
        wanted = list(encoded.ids)
        wanted[encoded.soft_from : encoded.soft_from + encoded.soft] = range(first, first + encoded.soft)
        found = [whole.ids(tokenizer, *pair)]
        if not any(map(around.search, pair)):
            found.append(whole.ids_as_text(tokenizer, *pair))
        if found != [wanted] * len(found):
            told = "its tokenizer gives other ids for a text in a template than for the template's parts one by one"
            raise NotExportable(f"backbone {backbone.info.name}: {told}, as for {pair}; serve the adapter with LTP")
