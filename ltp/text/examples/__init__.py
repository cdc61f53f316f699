"""Labelled sentence pairs: read as people have them, checked, split by whole premises. Imports no torch.

`reader` makes Examples of a file and a `reading` of what was understood; `pairs` streams a file of pairs and writes it
back with columns added. Both read `rows`: `layout` tells which column holds what, `annotations` what tools export,
`label_map` what labels mean, `tally` and `judged` which rows are read, `languages` in which languages they are;
`options` is what people may tell, `inline` reads examples that come without a file. `label_space` brings labels into
one space, `split` deals whole premises, `overlap` compares two sets, `findings` says it.
"""

from ltp.text.examples.example import Example, check_trainable, texts_of
from ltp.text.examples.findings import Findings, examine
from ltp.text.examples.inline import read_inline
from ltp.text.examples.label_space import (
    Settled,
    folded,
    in_label_space,
    label_space_of,
    label_space_of_set,
    settle,
    two_way,
)
from ltp.text.examples.options import Conflicts, ReadOptions, Task, parse_columns_option, parse_labels_option
from ltp.text.examples.overlap import leaks, shared_premises
from ltp.text.examples.pairs import RESULT_COLUMNS, FilePair, PairFile, PairWriter, labels_of
from ltp.text.examples.reader import check, read, read_examples
from ltp.text.examples.reading import Disagreement, LabelReading, LeftOut, Reading, Unknown, compare
from ltp.text.examples.split import Split, check_splittable, few_shot, split
from ltp.text.labels import parse_label

__all__ = [
    "RESULT_COLUMNS",
    "Conflicts",
    "Disagreement",
    "Example",
    "FilePair",
    "Findings",
    "LabelReading",
    "LeftOut",
    "PairFile",
    "PairWriter",
    "ReadOptions",
    "Reading",
    "Settled",
    "Split",
    "Task",
    "Unknown",
    "check",
    "check_splittable",
    "check_trainable",
    "compare",
    "examine",
    "few_shot",
    "folded",
    "in_label_space",
    "label_space_of",
    "label_space_of_set",
    "labels_of",
    "leaks",
    "parse_columns_option",
    "parse_label",
    "parse_labels_option",
    "read",
    "read_examples",
    "read_inline",
    "settle",
    "shared_premises",
    "split",
    "texts_of",
    "two_way",
]
