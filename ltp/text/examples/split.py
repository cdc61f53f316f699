"""Training and development sides that share no premise ("Splits and few-shot samples assign whole premises").

XNLI writes three hypotheses to a premise; a premise on both sides would let the development score reward memory.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ltp.config import LABEL_SPACES, Label, LabelSpace
from ltp.errors import InvalidConfig, TooFewExamples
from ltp.text.examples.example import Example

Group = list[Example]
Counts = Counter[Label | None]


@dataclass(frozen=True)
class Split:
    """Two sides without a premise in common."""

    train: list[Example]
    dev: list[Example]


def check_splittable(examples: Sequence[Example]) -> None:
    """Raise TooFewExamples unless `split` can hold some out; that depends on neither share nor seed.

    It can if one premise may leave training with an example of each of its labels.
    """
    groups = _groups(examples)
    counts = _labels(examples)
    if not any(all(counts[label] > count for label, count in _labels(group).items()) for group in groups):
        raise TooFewExamples(
            f"{len(groups)} premise(s) cannot be split into training and development sides that both have"
            " examples; give more premises, or development examples of their own"
        )


def split(examples: Sequence[Example], *, dev_share: float, seed: int) -> Split:
    """Hold out about `dev_share` of each label, whole premises at a time; every example lands on one side.

    The premises are shuffled by `seed`, the larger ones considered first, and one goes to development when that brings
    the labels there nearer to their shares and leaves none of its labels without training. Then a label that
    development still lacks takes a premise if training can spare it. Raises TooFewExamples when a side stays empty.
    """
    if not 0 < dev_share < 1:
        raise InvalidConfig("dev_share", dev_share, "between 0 and 1, both excluded")
    check_splittable(examples)
    groups = sorted(_shuffled_groups(examples, seed), key=len, reverse=True)
    target = {label: dev_share * count for label, count in _labels(examples).items()}
    sides = _Sides(groups)
    for index, group in enumerate(groups):
        labels = _labels(group)
        nearer = sum(count * (2 * (target[label] - sides.dev[label]) - count) for label, count in labels.items())
        if nearer > 0 and sides.can_spare(labels):
            sides.hold_out(index)
    for index in reversed(range(len(groups))):
        labels = _labels(groups[index])
        if index not in sides.held_out and sides.can_spare(labels) and any(not sides.dev[label] for label in labels):
            sides.hold_out(index)
    return sides.split()


class _Sides:
    """Which premises are held out so far, and the labels on either side."""

    def __init__(self, groups: list[Group]) -> None:
        self.groups = groups
        self.held_out: set[int] = set()
        self.train: Counts = _labels(example for group in groups for example in group)
        self.dev: Counts = Counter()

    def can_spare(self, labels: Counts) -> bool:
        """Whether training keeps an example of each of these labels without these."""
        return all(self.train[label] > count for label, count in labels.items())

    def hold_out(self, index: int) -> None:
        labels = _labels(self.groups[index])
        self.held_out.add(index)
        self.train -= labels
        self.dev += labels

    def split(self) -> Split:
        held: list[Example] = []
        kept: list[Example] = []
        for index, group in enumerate(self.groups):
            (held if index in self.held_out else kept).extend(group)
        return Split(train=kept, dev=held)


def few_shot(examples: Sequence[Example], *, shots: int, seed: int, label_space: LabelSpace = "three_way") -> Split:
    """Draw `shots` examples of each of the space's labels for training, as many for development, of different premises.

    Premises are shuffled by `seed` and dealt to the sides in turn, those with all labels first so that a small
    set (AmericasNLI's Otomi has 64 of them) yields as much as it can; then the first `shots` of each label are taken.
    Raises TooFewExamples naming side and label.
    """
    labels = LABEL_SPACES[label_space]
    groups = sorted(_shuffled_groups(examples, seed), key=lambda group: len(set(labels) - set(_labels(group))))
    sides = enumerate(("training", "development"))
    train, dev = (_take(groups[start::2], shots, side, labels=labels) for start, side in sides)
    return Split(train, dev)


def _take(groups: Iterable[Group], shots: int, side: str, *, labels: Sequence[Label]) -> list[Example]:
    taken: list[Example] = []
    counts: Counts = Counter()
    for example in (example for group in groups for example in group):
        if example.label in labels and counts[example.label] < shots:
            counts[example.label] += 1
            taken.append(example)
    for label in labels:
        if counts[label] < shots:
            raise TooFewExamples(
                f"{shots} shots need {shots} {label} examples for {side}, and after dealing whole premises there are"
                f" {counts[label]}"
            )
    return taken


def _shuffled_groups(examples: Sequence[Example], seed: int) -> list[Group]:
    """The examples of each premise together, the premises in an order that follows the seed on every Python."""
    rng = random.Random(seed)  # noqa: S311  repeatable, not secret
    numbered = [(rng.random(), group) for group in _groups(examples)]
    return [group for _, group in sorted(numbered, key=lambda pair: pair[0])]


def _groups(examples: Sequence[Example]) -> list[Group]:
    """The examples of each premise together, in the order the premises appear."""
    groups: dict[str, Group] = {}
    for example in examples:
        groups.setdefault(example.premise_key, []).append(example)
    return list(groups.values())


def _labels(examples: Iterable[Example]) -> Counts:
    return Counter(example.label for example in examples)
