"""Which label each spelling of a file means: settled by the whole file, or refused with what would settle it.

Words mean what they say. Numbers mean what the words beside them say, what somebody said, or what they meant in the
training file; by themselves they are read only where they are the hub's 0, 1 and 2, and nothing in the file disagrees.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ltp.config import LABELS, Label, LabelSpace
from ltp.errors import ExamplesError, FileFault
from ltp.text.examples.label_advice import for_numbers, for_words
from ltp.text.label_words import label_of_word

MOST_SPELLINGS = 1000
"""Different values after which a column holds no labels."""
MOST_SHOWN = 12
UNDECIDED = {"-", "-1"}
"""How SNLI and MultiNLI (and the hub's copies) mark a pair on which the annotators did not agree."""
MISSING = {"nan", "na", "n/a", "#n/a", "null", "<na>"}
"""How programs write a cell in which nothing stands. ASSIN's `None` is a label."""
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_NUMBER = re.compile(r"[+-]?\d+(?:\.0+)?")
_HUB = {str(number): label for number, label in enumerate(LABELS)}


def spelling_of(value: object) -> str:
    """A label as it is compared: nothing blank or invisible around it, and 1, 1.0 and "1.0" are one number."""
    text = str(value).strip().strip(_INVISIBLE).strip()
    if isinstance(value, bool):
        return text.lower()
    return str(int(float(text))) if _NUMBER.fullmatch(text) else text


@dataclass
class Spelling:
    """One spelling: how often it stands, where first, and which words stand beside it by column."""

    line: int
    column: int | None = None
    rows: int = 0
    beside: dict[str, Counter[Label]] = field(default_factory=dict)
    score: float = 0.0
    """The sum of a score that says how near the texts are, where the file has one."""


@dataclass(frozen=True)
class LabelMap:
    """What every spelling means; None where the row has no agreed label."""

    labels: Mapping[str, Label | None]
    space: LabelSpace
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()


def settle(
    spellings: Mapping[str, Spelling],
    *,
    column: str,
    said: Mapping[str, Label] | None = None,
    known: Mapping[str, Label | None] | None = None,
    space: LabelSpace | None = None,
    scored: str | None = None,
    names: Sequence[str] = (),
) -> LabelMap:
    """Settle what the spellings of a file's label column mean.

    `said` is what somebody said, `known` what the spellings meant in the training file, `scored` the column whose
    scores were summed, `names` what the file itself calls its numbers from 0 on (the hub's ClassLabel). Raises
    ExamplesError at the first row that cannot be settled.
    """
    labels: dict[str, Label | None] = {}
    notes: list[str] = []
    warnings: list[str] = []
    of_said = {_key(spelling): label for spelling, label in (said or {}).items()}
    if absent := [spelling for spelling in said or {} if _key(spelling) not in set(map(_key, spellings))]:
        notes.append(f"no row of the file has the label {_listed(absent)}, which --labels names")
    named = _named(spellings, names, of_said, notes)
    for spelling in spellings:
        if _key(spelling) in of_said:
            labels[spelling] = of_said[_key(spelling)]
        elif (label := named.get(spelling) or label_of_word(spelling)) is not None:
            labels[spelling] = label  # what the file says of itself counts more than another file
        elif known and spelling in known:
            labels[spelling] = known[spelling]
        elif spelling == "-" or spelling.casefold() in MISSING:
            labels[spelling] = None
    rest = [spelling for spelling in spellings if spelling not in labels]
    if rest:
        labels |= _numbers(spellings, rest, labels, column, scored, notes, warnings)
    labels = {spelling: labels[spelling] for spelling in spellings}
    warnings += _contradicted(spellings, labels, column, refuse=not said)
    return LabelMap(*_in_space(spellings, labels, space, column, notes), notes, warnings)


def _named(
    spellings: Mapping[str, Spelling],
    names: Sequence[str],
    said: Mapping[str, Label],
    notes: list[str],
) -> dict[str, Label]:
    """What the numbers mean that the file itself names."""
    meant: dict[str, Label] = {}
    for number, name in enumerate(names):
        label = said.get(_key(name)) or label_of_word(name)
        if str(number) in spellings and str(number) not in said and label:
            meant[str(number)] = label
    if meant:
        words = ", ".join(f"{number} = {label}" for number, label in meant.items())
        notes.append(f"the numbers were read as the file itself names them: {words}")
    return meant


def _key(spelling: str) -> str:
    return spelling_of(spelling).casefold()


def _numbers(
    spellings: Mapping[str, Spelling],
    rest: Sequence[str],
    labels: Mapping[str, Label | None],
    column: str,
    scored: str | None,
    notes: list[str],
    warnings: list[str],
) -> dict[str, Label | None]:
    """What the spellings mean that are no words, if it can be told: by words beside them, or as the hub's numbers."""
    numbers = {spelling for spelling in rest if _NUMBER.fullmatch(spelling)}
    decided = set(rest) - UNDECIDED
    if not decided:
        return dict.fromkeys(numbers)
    if said := _from_words(spellings, decided, column, notes):
        return {**dict.fromkeys(numbers), **said}
    if len(numbers) < len(rest):
        raise _unknown(spellings, [spelling for spelling in rest if spelling not in numbers], column)
    if any(labels.values()):
        raise _unknown(spellings, sorted(numbers), column)
    if decided == set(_HUB):
        if scored and (doubt := _doubt(spellings, scored)):
            raise _ambiguous(spellings, column, doubt)
        warnings.append(
            f"the labels in {column!r} are numbers, and nothing in the file says which is which; they were read as"
            " 0 = entailment, 1 = neutral, 2 = contradiction, as most public sets write them. Where that is wrong,"
            " every label is: compare the rows that are shown, and say what 0, 1 and 2 mean, in this order, as in"
            " --labels c,e,n (0 contradiction, 1 entailment, 2 neutral) or --labels e,c,n"
        )
        return {**dict.fromkeys(numbers), **_HUB}
    raise _ambiguous(spellings, column, "")


def _from_words(
    spellings: Mapping[str, Spelling], numbers: set[str], column: str, notes: list[str]
) -> dict[str, Label | None]:
    """What the words beside numbers or codes say; nothing where there are none.

    Raises ExamplesError where a number stands beside different ones.
    """
    for beside in dict.fromkeys(name for number in numbers for name in spellings[number].beside):
        counts = {number: spellings[number].beside.get(beside, Counter()) for number in numbers}
        if not all(counts.values()):
            continue
        mixed = next((number for number in sorted(counts) if len(counts[number]) > 1), None)
        if mixed is not None and not all(map(_NUMBER.fullmatch, numbers)):
            continue
        if mixed is not None:
            words = _listed(f"{label} {rows:,}" for label, rows in counts[mixed].most_common())
            raise _at(
                spellings[mixed],
                f"{mixed!r} in {column!r} stands beside different words in {beside!r} ({words}); take the"
                f" words with --columns label={beside}, or say what the numbers mean with --labels",
            )
        means: dict[str, Label | None] = {number: next(iter(count)) for number, count in counts.items()}
        words = ", ".join(f"{number} = {means[number]}" for number in sorted(means))
        notes.append(f"the labels in {column!r} were read as the words in {beside!r} say: {words}")
        return means
    return {}


def _doubt(spellings: Mapping[str, Spelling], scored: str) -> str:
    """Why 0 cannot be entailment, if a score of how near the texts are says so."""
    means = {number: spellings[number].score / spellings[number].rows for number in _HUB}
    if means["0"] >= max(means.values()):
        return ""
    shown = ", ".join(f"{number}: {mean:.2f}" for number, mean in means.items())
    return f"the rows with 0 are not those with the highest {scored!r} ({shown}), as rows with entailment would be; "


def _contradicted(
    spellings: Mapping[str, Spelling], labels: Mapping[str, Label | None], column: str, *, refuse: bool
) -> list[str]:
    """Numbers that mean something else than the words beside them say: refused, or said where somebody asked for it."""
    found = []
    for spelling, label in labels.items():
        for beside, counts in spellings[spelling].beside.items():
            other = next((word for word in counts if label and word != label), None)
            if other is None or not _NUMBER.fullmatch(spelling):
                continue
            message = (
                f"{spelling} in {column!r} is read as {label}, and {counts[other]:,} of its rows say {other} in"
                f" {beside!r}"
            )
            if refuse:
                raise _at(spellings[spelling], f"{message}; take the words with --columns label={beside}")
            found.append(message)
    return found


def _in_space(
    spellings: Mapping[str, Spelling],
    labels: dict[str, Label | None],
    space: LabelSpace | None,
    column: str,
    notes: list[str],
) -> tuple[dict[str, Label | None], LabelSpace]:
    """The labels in the label space that was asked for, or the one that they show. Raises ExamplesError."""
    occurring = {label for label in labels.values() if label}
    finer = sorted(occurring & {"neutral", "contradiction"})
    if "not_entailment" in occurring and finer and space != "two_way":
        odd = next(spelling for spelling, label in labels.items() if label == "not_entailment")
        raise _at(
            spellings[odd],
            f"{odd!r} in {column!r} is of two labels, and {' and '.join(finer)} of three; give rows of one"
            " kind, or read neutral and contradiction as not_entailment with --label-space two_way",
        )
    if space == "three_way" and "not_entailment" in occurring:
        odd = next(spelling for spelling, label in labels.items() if label == "not_entailment")
        raise _at(spellings[odd], f"{odd!r} in {column!r} is neutral or contradiction, and does not say which")
    if space == "two_way" and finer:
        notes.append("neutral and contradiction were read as not_entailment")
        coarse: dict[str, Label | None] = {
            spelling: "not_entailment" if label in finer else label for spelling, label in labels.items()
        }
        return coarse, "two_way"
    return labels, space or ("two_way" if "not_entailment" in occurring else "three_way")


def _unknown(spellings: Mapping[str, Spelling], unknown: Sequence[str], column: str) -> ExamplesError:
    """The refusal of spellings that are no labels, with all of them and what to do."""
    message = f"{unknown[0]!r:.60} is not a label that is known; {column!r} holds {_shown(spellings)}. "
    return _at(spellings[unknown[0]], message + for_words(unknown, list(spellings)), unknown)


def _ambiguous(spellings: Mapping[str, Spelling], column: str, doubt: str) -> ExamplesError:
    """The refusal of numbers that may mean one thing or another."""
    numbers = sorted((one for one in spellings if _NUMBER.fullmatch(one)), key=int)
    return _at(
        spellings[numbers[0]],
        f"the labels in {column!r} are numbers ({_shown(spellings)}), which mean one thing in one set and another in"
        f" the next; {doubt}say what they mean: {for_numbers(numbers)}",
        numbers,
    )


def _at(spelling: Spelling, message: str, unknown: Sequence[str] = ()) -> ExamplesError:
    """The error at a spelling; `unknown` are those of which somebody has to say what they mean."""
    fault: FileFault | None = "unknown_labels" if unknown else None
    return ExamplesError(message, line=spelling.line, column=spelling.column, fault=fault, values=unknown)


def _shown(spellings: Mapping[str, Spelling]) -> str:
    shown = [
        f"{spelling!r:.40} ({found.rows:,} row{'s' * (found.rows != 1)}, first in line {found.line:,})"
        for spelling, found in spellings.items()
    ]
    more = f" and {len(shown) - MOST_SHOWN:,} more" if len(shown) > MOST_SHOWN else ""
    return ", ".join(shown[:MOST_SHOWN]) + more


def _listed(words: object) -> str:
    return ", ".join(map(str, words))  # type: ignore[call-overload]
