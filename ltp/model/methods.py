"""What the compared methods are (4.3), as what each chooses: template x verbalizer x head x trainable set. No torch.

LTP and PT are the paper's own; FT, DP, SP and MP are those of Zhao & Schuetze (2021), to which it compares. All of them
share one trainer, so that nothing but these choices differs. What differs between methods is asked of the recipe,
never of the method's name: a new one is an entry of `METHODS` and a name in `Method`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ltp.config import VERBALIZERS, Label, LabelSpace

Method = Literal["ltp", "ft", "dp", "sp", "mp", "pt"]
"""The names that requests, files and figures carry."""
Form = Literal["pair", "discrete", "mixed", "soft"]
"""How a pair is laid out, see `ltp.model.template`."""
Trains = Literal["prompt", "ticket", "all"]
"""What moves of the model: nothing but what the method adds to it, a ticket's active parameters, or every one."""

YES_OR_NO: dict[LabelSpace, dict[Label, str]] = {
    "three_way": {"entailment": "yes", "neutral": "maybe", "contradiction": "no"},
    "two_way": {"entailment": "yes", "not_entailment": "no"},
}
"""The words of the templates with a question."""


@dataclass(frozen=True)
class TuningMethod:
    """One method. `verbalizers` are the words predicted at `<mask>`; None for a classification head on `<s>`."""

    form: Form
    verbalizers: dict[LabelSpace, dict[Label, str]] | None
    trains: Trains

    @property
    def soft(self) -> bool:
        """Whether there is a soft prompt."""
        return self.form in ("soft", "mixed")

    @property
    def needs_ticket(self) -> bool:
        """Whether a ticket says which parameters train; the other methods take none."""
        return self.trains == "ticket"

    @property
    def dense(self) -> bool:
        """Whether every parameter trains, and what moved is published without a ticket."""
        return self.trains == "all"

    @property
    def classifies(self) -> bool:
        """Whether a classification head of its own answers, in place of words predicted at `<mask>`."""
        return self.verbalizers is None

    @property
    def words(self) -> dict[Label, str] | None:
        """The three-way words, the paper's."""
        return None if self.verbalizers is None else self.verbalizers["three_way"]


METHODS: dict[Method, TuningMethod] = {
    "ltp": TuningMethod("soft", VERBALIZERS, "ticket"),
    "ft": TuningMethod("pair", None, "all"),
    "dp": TuningMethod("discrete", YES_OR_NO, "all"),
    "sp": TuningMethod("soft", VERBALIZERS, "all"),
    "mp": TuningMethod("mixed", YES_OR_NO, "all"),
    "pt": TuningMethod("soft", VERBALIZERS, "prompt"),
}
