"""Everything this package raises on purpose. Each class is a sentence; each message names the value and the cure.

LTPError
├── InvalidConfig (ValueError)          a hyperparameter is out of its range
├── BackboneError                       a checkpoint folder cannot be used
│   ├── BackboneNotFound
│   ├── BackboneIncomplete              a file or tensor is missing, truncated, or of the wrong shape
│   ├── BackboneChanged                 its files are not those that were prepared
│   ├── BackboneNotFinite               a weight is NaN or infinite
│   └── VerbalizerNotSingleToken
├── DeviceNotAvailable                  there is no such GPU
├── BackboneMismatch                    an artefact was made on another backbone
├── CorruptArtifact                     an artefact's bytes are not what its metadata says
│   ├── NonFiniteWeights
│   └── DeltaDoesNotFitTicket
├── AdapterNotUsable                    an adapter's answers are not finite
├── NotExportable                       an adapter cannot be had in the form that was asked for
├── TextFileError                       a text file cannot be read; carries line and column
│   ├── CorpusError                     the unlabelled text cannot be used
│   └── ExamplesError                   a labelled file cannot be read
├── UnknownText                         the backbone's vocabulary has none of a text's words
├── TooFewExamples                      a split cannot be made from what was given
├── UnsoundData                         a benchmark's folder is not what it must be
├── InvalidExperiment                   an experiment's file, or a bound on it, cannot be meant
├── InvalidRecipe                       a starter's recipe cannot be meant
├── StarterTooLarge                     a starter does not fit into a package
├── LedgerMismatch                      results of different runs would be mixed
├── TrainingDiverged                    a loss became NaN or infinite
└── TrainingCancelled                   the progress callback asked to stop
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Literal

FileFault = Literal[
    "blank_text",
    "no_label_column",
    "no_labels",
    "no_rows",
    "no_text_columns",
    "not_a_table",
    "not_utf8",
    "several_files",
    "too_few_examples",
    "unknown_labels",
    "unknown_script",
]
"""What is wrong with a text file, for programs; of those faults that people meet often."""


class LTPError(Exception):
    """Root of every error raised on purpose by this package."""


class InvalidConfig(LTPError, ValueError):
    """A hyperparameter is out of its range."""

    def __init__(self, field: str, value: object, expected: str) -> None:
        super().__init__(f"{field} is {value!r}; it must be {expected}")
        self.field = field


class BackboneError(LTPError):
    """A checkpoint folder cannot be used."""


class BackboneNotFound(BackboneError):
    """There is no checkpoint at the place that was named."""


class BackboneIncomplete(BackboneError):
    """A file or tensor of the checkpoint is missing, truncated, or of the wrong shape."""


class BackboneChanged(BackboneError):
    """Files of a prepared checkpoint are not those that were prepared."""

    def __init__(self, directory: object, files: Sequence[str]) -> None:
        super().__init__(
            f"{', '.join(files)} of {directory} changed since the backbone was prepared; put back what was there, or, "
            f"if the change is meant, delete ltp.json there and run `ltp backbone prepare` again"
        )
        self.files = tuple(files)


class BackboneNotFinite(BackboneError):
    """A weight of the checkpoint is NaN or infinite."""


class VerbalizerNotSingleToken(BackboneError):
    """A verbalizer word is not one token of the backbone's vocabulary."""


class DeviceNotAvailable(LTPError):
    """A GPU is asked for that torch does not find."""


class BackboneMismatch(LTPError):
    """An artefact was made on another backbone than the one it is used with."""

    def __init__(self, *, artefact: str, backbone: str) -> None:
        super().__init__(
            f"the artefact was made on backbone {artefact:.80}, and this is backbone {backbone}; artefacts from before "
            "0.1.0 name backbones by an older rule: such a one has to be made again"
        )


class CorruptArtifact(LTPError):
    """An artefact's bytes are not what its metadata says."""


class NonFiniteWeights(CorruptArtifact):
    """An artefact carries NaN or infinite values."""


class DeltaDoesNotFitTicket(CorruptArtifact):
    """The delta's value counts differ from the ticket's active counts."""


class AdapterNotUsable(LTPError):
    """Answers of an adapter are not finite numbers, so that it answers nothing at all. `keys` are all such adapters."""

    def __init__(self, keys: Iterable[Hashable]) -> None:
        self.keys = frozenset(keys)
        some = ", ".join(sorted(map(str, self.keys)))
        super().__init__(
            f"what adapter {some} computes is NaN or infinite, so it answers nothing; "
            "use another version, and train it anew with a lower learning rate"
        )


class NotExportable(LTPError):
    """An adapter, or this installation, cannot make the form of model that was asked for."""


class TextFileError(LTPError):
    """A text file cannot be read. `line` and `column` (both from 1) point at the first character of the fault.

    `fault` says which it is where a program may want to know, `values` what of the file it is about.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        fault: FileFault | None = None,
        values: Sequence[str] = (),
    ) -> None:
        where = "" if line is None else f"line {line}" + ("" if column is None else f", column {column}") + ": "
        super().__init__(where + message)
        self.line, self.column = line, column
        self.fault, self.values = fault, tuple(values)


class CorpusError(TextFileError):
    """The unlabelled text cannot be used: empty, too small to hold any out, or not UTF-8."""


class ExamplesError(TextFileError):
    """A labelled file cannot be read."""


class UnknownText(LTPError):
    """The backbone's vocabulary has none of the words of a text, so every such text is the same to the model."""

    def __init__(self, characters: Sequence[str]) -> None:
        super().__init__(
            f"the backbone's vocabulary has none of these words: their characters ({' '.join(characters)}) are all read"
            " as <unk>, and the model cannot tell such texts apart; write them in another script, or take a backbone"
            " that knows this one"
        )
        self.characters = tuple(characters)


class TooFewExamples(LTPError):
    """A training, development or few-shot split cannot be made from the examples given."""


class UnsoundData(LTPError):
    """A benchmark's folder is not what it must be: a file is missing, or its rows are not those of the others."""


class InvalidExperiment(LTPError):
    """An experiment's file, or a bound on it, cannot be meant."""


class InvalidRecipe(LTPError):
    """A starter's recipe, or an option on it, cannot be meant."""


class StarterTooLarge(LTPError):
    """A starter takes more bytes than a package should carry."""


class LedgerMismatch(LTPError):
    """The results in a folder were made with another backbone, other data or another program, or are being made."""


class TrainingDiverged(LTPError):
    """A loss became NaN or infinite."""


class TrainingCancelled(LTPError):
    """The progress callback asked to stop; nothing was published."""
