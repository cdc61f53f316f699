"""Label spaces at the keyboard: options, and answers and labels brought into one space before they are scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from app.cli.output import percent
from ltp.config import LABEL_SPACES, LABELS, LabelSpace

if TYPE_CHECKING:
    from numpy import bool_, float64, int64
    from numpy.typing import NDArray

    from ltp.text.examples import Example

AsTwoWay = Annotated[
    Literal["two_way"] | None,
    typer.Option("--as", help="Answer entailment or not_entailment: neutral and contradiction together."),
]
Space = Annotated[
    LabelSpace | None,
    typer.Option("--label-space", help="two_way: entailment or not_entailment; default: what the labels are."),
]
Words = Annotated[
    str | None,
    typer.Option(
        "--verbalizer",
        metavar="LABEL=WORD,...",
        help="The word to predict for each label, one token each.",
        show_default=False,
    ),
]
_SHORT: dict[str, str] = {"three_way": "three-way", "two_way": "two-way"}


def short(space: str) -> str:
    """A label space as tables have it; one of a service of a later release by its own name."""
    return _SHORT.get(space, space)


def parse_words(text: str | None) -> dict[str, str] | None:
    """Read `entailment=yes,neutral=maybe,contradiction=no`. Whether the words will do is for the service to say."""
    if text is None:
        return None
    words: dict[str, str] = {}
    for part in text.split(","):
        label, equals, word = (piece.strip() for piece in part.partition("="))
        if not equals or not word or label not in {*LABELS, "not_entailment"} or label in words:
            raise typer.BadParameter(
                f"{part!r} is not LABEL=WORD, a label once; write entailment=yes,neutral=maybe,contradiction=no",
                param_hint="--verbalizer",
            )
        words[label] = word
    return words


def label_columns(predictions: Sequence[dict[str, Any]]) -> list[str]:
    """Every label that some prediction has a probability for, in order."""
    known = [*LABELS, "not_entailment"]
    met = {label for given in predictions for label in given["probabilities"]}
    return [label for label in known if label in met]


def mixed(predictions: Sequence[dict[str, Any]]) -> str | None:
    """A sentence for answers of both spaces, which a fallback or a row's own adapter may give; None where alike."""
    two = sum("not_entailment" in given["probabilities"] for given in predictions)
    if two in (0, len(predictions)):
        return None
    return (
        f"{two:,} of {len(predictions):,} pairs were answered by adapters that know entailment and not_entailment"
        " alone; --as two_way has them all alike"
    )


class Judged(NamedTuple):
    """Answers beside the truth, both in one label space."""

    space: LabelSpace
    probabilities: NDArray[float64]
    """(N, K)."""
    truth: NDArray[int64]
    """(N,)."""
    notes: list[str]

    @property
    def right(self) -> NDArray[bool_]:
        """Which pairs were answered rightly, (N,)."""
        right: NDArray[bool_] = self.probabilities.argmax(1) == self.truth
        return right

    def scores(self) -> dict[str, Any]:
        """The figures, with the labels they are of and `notes`."""
        from ltp.metrics import score

        told = {"labels": list(LABEL_SPACES[self.space]), "notes": self.notes}
        return told | score(self.probabilities, self.truth, self.space).as_dict()


def judged(examples: Sequence[Example], predictions: Sequence[dict[str, Any]], *, two_way: bool = False) -> Judged:
    """Bring predictions and labels into the one space that they have in common, with notes that say so."""
    import numpy as np

    from ltp.text.examples import folded, label_space_of

    answers = [given["probabilities"] for given in predictions]
    three = sum("neutral" in answer for answer in answers)
    labelled = label_space_of(examples)
    space: LabelSpace = "two_way" if two_way or labelled == "two_way" or three < len(answers) else "three_way"
    notes = list(_notes(labelled, three, len(answers), asked=two_way)) if space == "two_way" else []
    labels = LABEL_SPACES[space]
    gold = folded(examples) if space == "two_way" else examples
    probabilities = np.array([_in_space(answer, space) for answer in answers])  # (N, K)
    truth = np.array([labels.index(example.label) for example in gold if example.label])  # (N,)
    return Judged(space, probabilities, truth, notes)


def _in_space(answer: dict[str, float], space: LabelSpace) -> list[float]:
    if space == "two_way" and "neutral" in answer:
        return [answer["entailment"], answer["neutral"] + answer["contradiction"]]
    return [answer[label] for label in LABEL_SPACES[space]]


def _notes(labelled: LabelSpace | None, three: int, answers: int, *, asked: bool) -> list[str]:
    told = []
    if labelled == "three_way":
        why = "two-way answers were asked for" if asked or three == answers else "the adapter knows two labels alone"
        told.append(f"{why}: neutral and contradiction in the file were read as not_entailment")
    if three:
        told.append(f"neutral and contradiction were added up in {three:,} three-way answers")
    return told


def macro_f1(scores: dict[str, Any]) -> str:
    """Macro F1, and the labels that it is the mean over."""
    *others, last = scores["macro_f1_over"]
    named = f"{', '.join(others)} and {last}" if others else last
    return f"macro F1 {percent(scores['macro_f1'])} over {named}"
