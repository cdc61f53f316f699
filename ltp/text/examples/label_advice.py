"""What to type so that labels are understood that the reader does not know, or knows in more than one meaning.

Nothing here can be typed as it stands and be wrong: where only a person knows the answer, LABEL stands in its place.
"""

from __future__ import annotations

from collections.abc import Sequence

from ltp.text.columns import LESSER_NAMES, NAMES, fold
from ltp.text.label_words import label_of_word

_MOST = 12
_HEADINGS = {fold(name) for name in (*NAMES["label"], *LESSER_NAMES["label"])}
_KNOWN: tuple[tuple[set[str], str], ...] = (
    (
        {"entailment", "paraphrase", "none"},
        (
            "ASSIN's None does not say which of neutral and contradiction it is: --labels"
            ' "Entailment=entailment,Paraphrase=entailment,None=not_entailment"'
        ),
    ),
    (
        {"entailment", "none"},
        (
            "ASSIN's None does not say which of neutral and contradiction it is: --labels"
            ' "Entailment=entailment,None=not_entailment"'
        ),
    ),
    ({"yes", "no"}, 'RTE means --labels "yes=entailment,no=not_entailment", FraCaS "yes=entailment,no=contradiction"'),
    (
        {"yes", "unknown", "no"},
        '--labels "yes=entailment,unknown=neutral,no=contradiction", as the RTE challenges and FraCaS mean it',
    ),
    ({"true", "false"}, '--labels "true=entailment,false=not_entailment", or "true=entailment,false=contradiction"'),
)
"""All the spellings of a set, as `fold` leaves them, and what they mean there."""


def for_words(unknown: Sequence[str], every: Sequence[str]) -> str:
    """What to do about spellings that are no known label, in a column that holds `every` one of these."""
    if any(fold(spelling) in _HEADINGS for spelling in unknown):
        return (
            "That line names the columns: keep it as the first line of the file, where nothing stands above it, and"
            " remove it elsewhere"
        )
    there = {fold(spelling) for spelling in every if label_of_word(spelling) is None or fold(spelling) == "entailment"}
    for spellings, hint in _KNOWN:
        if there - {"entailment"} == spellings - {"entailment"}:
            return f"Say what it means: {hint}"
    return f"Say what it means: {_asked(unknown)}. Where nobody has judged a row, leave its label empty"


def for_numbers(numbers: Sequence[str]) -> str:
    """What to do about numbers that may mean one thing or another."""
    if set(numbers) == {"0", "1"}:
        return (
            '--labels e,ne if 0 is entailment (GLUE RTE), --labels ne,e if 1 is, or for example --labels "0=entailment'
            ',1=contradiction" where the file is a part of a set with three labels'
        )
    if set(numbers) == {"-1", "0", "1"}:
        return '--labels "1=entailment,0=neutral,-1=contradiction" if 1 is entailment, or as your set has it'
    if set(numbers) == {"0", "1", "2"}:
        return "their order, as in --labels c,e,n where 0 is contradiction, 1 entailment and 2 neutral"
    return _asked(numbers)


def _asked(spellings: Sequence[str]) -> str:
    asked = ",".join(f"{spelling}=LABEL" for spelling in spellings[:_MOST])
    return f'--labels "{asked}", where each LABEL is entailment, neutral, contradiction or not_entailment'
