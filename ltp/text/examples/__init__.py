"""Labelled sentence pairs: read as people have them, checked, split by whole premises. Imports no torch.

`reader` makes Examples of a JSONL, CSV or TSV file; `pairs` streams a file of pairs and writes it back with columns
added. `columns_of` tells which column of the file holds what, `split` deals whole premises, `overlap` compares two
sets, `findings` says it.
"""

from ltp.text.examples.example import Example, check_trainable, texts_of
from ltp.text.examples.findings import Findings, examine
from ltp.text.examples.overlap import leaks, shared_premises
from ltp.text.examples.pairs import RESULT_COLUMNS, FilePair, PairFile, PairWriter
from ltp.text.examples.reader import read_examples
from ltp.text.examples.split import Split, check_splittable, few_shot, split
from ltp.text.labels import parse_label

__all__ = [
    "RESULT_COLUMNS",
    "Example",
    "FilePair",
    "Findings",
    "PairFile",
    "PairWriter",
    "Split",
    "check_splittable",
    "check_trainable",
    "examine",
    "few_shot",
    "leaks",
    "parse_label",
    "read_examples",
    "shared_premises",
    "split",
    "texts_of",
]
