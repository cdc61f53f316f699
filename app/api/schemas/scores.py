"""How good an adapter is: scores, what stands beside them, how far its probabilities can be trusted, how it learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, FailFast, Field, TypeAdapter, ValidationError

from app.api.schemas.scalars import Answer
from ltp.config import LABELS, Label, LabelSpace


class LabelScore(Answer):
    """One label against the others."""

    precision: float
    recall: float
    f1: float
    support: int


class Score(Answer):
    """How good the published adapter is on one set."""

    model_config = ConfigDict(extra="allow")

    accuracy: float
    interval: Annotated[list[float], Field(min_length=2, max_length=2, examples=[[0.61, 0.83]])]
    """95 % interval of the accuracy: Wilson's, or where it is `estimated` one that knows of premises and of choices."""
    selected_on: bool = False
    """True for the development set: the epoch was chosen on it, so these figures flatter."""
    estimated: Literal["cross_fitted"] | None = None
    """Where all pairs trained: each was answered by an adapter that never saw its premise. Null for a set apart."""
    label_space: LabelSpace = "three_way"
    """The labels among which was chosen; figures of one space say nothing beside those of the other."""
    macro_f1: float
    """Mean F1 over the labels of `macro_f1_over`."""
    macro_f1_over: Annotated[list[Label], FailFast()] = Field(default=list(LABELS))
    """The labels that occur in the set. Adapters made before they were noted have the mean over all three."""
    ece: float
    """Expected calibration error over 15 equal-width bins."""
    per_label: dict[str, LabelScore]
    confusion: Annotated[list[Annotated[list[int], FailFast()]], FailFast()]
    """`confusion[gold][predicted]` in the order entailment, neutral, contradiction, or entailment, not_entailment."""


class Beside(Answer):
    """The start on the same pairs."""

    accuracy: float
    p: float
    """How often chance alone would make such a difference to it: a paired test by premises."""


class Baseline(Answer):
    """What stands beside the accuracy on the development pairs."""

    guessing: float
    """What always giving the commonest label is right in."""
    start: Beside | None = None
    """What training began from; null where it began from the pretrained values, or was not compared."""


class CurvePoint(Answer):
    """With answers below `threshold` left out, `answered` is the share that remains, and `accuracy` theirs."""

    threshold: float
    answered: float
    accuracy: float


class CalibrationPublic(Answer):
    """How far the probabilities mean what they say, on pairs that no training saw."""

    temperature: float
    """The logits are divided by it before they are probabilities; 1 where nothing is applied."""
    bias: Annotated[list[float], FailFast()]
    """Added to each label's logit."""
    ece_before: float
    """Expected calibration error without them."""
    ece_after: float
    curve: Annotated[list[CurvePoint], FailFast()]
    """From everything answered to the surest answers alone; `target_accuracy` is resolved on it."""


class ReliabilityBin(Answer):
    """Answers that are about as sure."""

    low: Annotated[float, Field(examples=[0.6])]
    """They are surer than this,"""
    high: Annotated[float, Field(examples=[0.666667])]
    """and no surer than this."""
    pairs: Annotated[int, Field(examples=[14])]
    confidence: Annotated[float, Field(examples=[0.63])]
    """The mean probability of what was answered."""
    accuracy: Annotated[float, Field(examples=[0.57])]
    """How many of them are right."""


class CertaintyPublic(Answer):
    """How far its probabilities can be trusted: of the answers that `metrics.dev` is a score of, as they are given."""

    pairs: Annotated[int, Field(examples=[96])]
    reliability: Annotated[list[ReliabilityBin], FailFast()]
    """A reliability diagram: of fifteen bins of equal width those that are not empty. The expected calibration error is
    the mean distance between confidence and accuracy over the pairs."""
    curve: Annotated[list[CurvePoint], FailFast()]
    """Answered share against accuracy, from everything answered to the surest answers alone."""


class AgreementPublic(Answer):
    """How far two ways of answering the same pairs agree."""

    pairs: Annotated[int, Field(examples=[48])]
    """The development pairs; where all were trained on, these."""
    labels_changed: Annotated[int, Field(examples=[0])]
    """Pairs to which the two gave different labels."""
    mean_difference: Annotated[float, Field(examples=[0.0007])]
    """Of all probabilities."""
    largest_difference: Annotated[float, Field(examples=[0.006])]


class StoredAgreementPublic(AgreementPublic):
    """How the adapter with int8 values answered beside the same one with fp16 values, and which of them is stored."""

    stored: Literal["int8", "fp16"]
    """With `delta_dtype` `auto` int8 where at most 0.5 % of labels changed, and probabilities by 0.01 in the mean."""


class Int8AgreementPublic(AgreementPublic):
    """How answers in int8 arithmetic agree with those in fp32, on the pairs of `metrics.dev` (512 at most)."""

    levels: Annotated[int, Field(examples=[127])]
    """How far from zero the weights went on the machine that measured it: 127, or 64 without a dot product of bytes."""
    passed: bool
    """At least 20 pairs, at most 0.5 % of the labels changed, and probabilities by 0.01 in the mean."""


class AdapterMetrics(Answer):
    """Scores of the decoded, published artefact."""

    model_config = ConfigDict(extra="allow")

    dev: Score | None = None
    test: Score | None = None
    """Only when test examples were given."""
    per_seed: Annotated[list[dict[str, Any]], FailFast()] = Field(default=[])
    """Seed, best epoch and scores of each run. Empty in lists, and where it was too much to keep."""
    mean: dict[str, dict[str, float | None]] | None = None
    """Over the seeds: part, then figure."""
    std: dict[str, dict[str, float | None]] | None = None
    """Sample standard deviation over the seeds; null for a single one."""
    baseline: Baseline | None = None
    """What guessing and the start give on the development pairs."""
    calibration: CalibrationPublic | None = None
    """Where pairs were held out nothing is applied, and the curve is of these; null where nobody measured one."""
    certainty: CertaintyPublic | None = None
    """Null where nothing was scored, and of adapters made before this was kept."""
    stored_agreement: StoredAgreementPublic | None = None
    """Whether the values may be a byte each. Null where that was not tried."""
    int8_agreement: Int8AgreementPublic | None = None
    """Measured by workers whose `LTP_PRECISION` is `int8`; else null."""


class Epoch(Answer):
    """How training stood after an epoch."""

    epoch: Annotated[int, Field(examples=[3])]
    """From 1."""
    train_loss: Annotated[float, Field(examples=[0.71])]
    """Mean cross-entropy of the training pairs while they were trained on."""
    dev_loss: Annotated[float, Field(examples=[0.93])]
    """Of those that judge: set apart, or of each fold those that it left out."""
    dev_accuracy: Annotated[float, Field(examples=[0.58])]


class Course(Answer):
    """One seed's training. Of several learning rates the best one's; others are in `training.report`."""

    seed: Annotated[int, Field(examples=[0])]
    best_epoch: Annotated[int | None, Field(examples=[3])] = None
    """The one that was kept; null where it was not noted."""
    epochs: list[Epoch]


def courses_of(training: Mapping[str, Any]) -> list[Course]:
    """Read the courses that a training's report has; those of a file that says something else are left out."""
    report = training.get("report")
    told = report.get("courses") if isinstance(report, dict) else None
    try:
        return COURSES.validate_python(told or [])
    except ValidationError:
        return []


COURSES = TypeAdapter(list[Course])
