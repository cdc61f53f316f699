"""Examples that come without a file: in memory, labelled already, and read by the same rules as a file's rows."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ltp.config import Label, LabelSpace
from ltp.text.examples.example import Example
from ltp.text.examples.judged import CODES, REASONS, WHY, Resolved, resolve
from ltp.text.examples.label_space import label_space_of, two_way
from ltp.text.examples.options import Conflicts, ReadOptions, Task
from ltp.text.examples.reading import LabelReading, LeftOut, Reading, Told

FORMAT = "request"
"""What the reading of such examples calls their format."""
RULES: dict[Conflicts, str] = {
    "drop": "all their rows were left out",
    "majority": "the label that most of their rows have was taken, and ties were left out",
    "keep": "all their rows were kept",
}


def read_inline(
    examples: Sequence[Example], *, options: ReadOptions, task: Task = "train"
) -> tuple[list[Example], Reading]:
    """Settle repeated pairs and pairs with different labels; the number of an example, from 1, is its line.

    Raises ExamplesError where examples to train on have labels of two label spaces, and none was asked for.
    """
    rule = options.conflicts or ("drop" if task == "train" else "keep")
    pairs = array("q", (hash(example.pair_key) for example in examples))
    if task == "train" and options.label_space is None:
        label_space_of(examples)  # refuses labels of both spaces, which would only seem to contradict each other
    codes = np.array([_code(example.label, options.label_space) for example in examples], np.int8)
    settled = resolve(pairs, codes, array("Q", range(1, len(examples) + 1)), rule=rule, merged=False)
    kept = [example for example, why in zip(examples, settled.why, strict=True) if not why]
    counts = Counter(example.label for example in examples if example.label)
    return kept, Reading(
        format=FORMAT,
        labels={str(label): LabelReading(label, count) for label, count in counts.items()},
        label_space="two_way" if counts["not_entailment"] else "three_way",
        rows=len(examples),
        read=len(kept),
        left_out=_left_out(settled),
        duplicates=settled.duplicates,
        conflicts=settled.conflicts,
        disagreements=settled.disagreements,
        warnings=_warnings(settled, rule),
    )


def _code(label: Label | None, space: LabelSpace | None) -> int:
    """The label by number, as it is compared: in the space that was asked for neutral and contradiction may be one."""
    if label is None:
        return -1
    return CODES.index(two_way(label) if space == "two_way" else label)


def _left_out(settled: Resolved) -> list[LeftOut]:
    found = []
    for number, reason in REASONS.items():
        at = np.flatnonzero(settled.why == number)
        if len(at):
            found.append(LeftOut(reason, len(at), int(at[0]) + 1, WHY[number]))
    return found


def _warnings(settled: Resolved, rule: Conflicts) -> list[str]:
    if not settled.conflicts:
        return []
    pairs = "1 pair stands" if settled.conflicts == 1 else f"{settled.conflicts:,} pairs stand"
    told = f"{pairs} with different labels: {RULES[rule]}; --conflicts says drop, majority or keep"
    return [Told(told, "conflicts")]
