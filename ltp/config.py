"""Hyperparameters, one frozen dataclass a stage, each default with its source. Imports no torch.

The same dataclasses are the API's request schema: bounds are written once, as `annotated_types` metadata, and the
docstring under a field is its description in OpenAPI. "4.2" and the like are sections of the paper.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, get_args, get_origin, get_type_hints

from annotated_types import BaseMetadata, Ge, Gt, Le, Lt

from ltp.errors import InvalidConfig

Rule = Literal["global", "per_layer"]
LayerScope = Literal["all", "lower", "middle", "upper"]
Precision = Literal["fp32", "bf16"]
ServingPrecision = Literal["fp32", "bf16", "int8"]
"""What answers may be computed in."""
AUTO: Final = "auto"
Average = Literal["none", "epochs", "seeds", "both"]
Estimate = Literal["auto", "cross_fit", "holdout"]
RandomTokens = Literal["vocabulary", "corpus"]
LongLines = Literal["split", "cut"]
Order = Literal["shuffled", "by_length"]
Schedule = Literal["constant", "linear"]
StoredDtype = Literal["auto", "int8", "fp16", "fp32"]
TextForm = Literal[0, 1]
"""How texts are prepared before they are tokenized, see `ltp.text.form`."""
Label = Literal["entailment", "neutral", "contradiction", "not_entailment"]
LabelSpace = Literal["three_way", "two_way"]

LABELS: tuple[Label, ...] = ("entailment", "neutral", "contradiction")
"""The order of the three classes everywhere: label 0, 1, 2 (XNLI's)."""
LABEL_SPACES: dict[LabelSpace, tuple[Label, ...]] = {
    "three_way": LABELS,
    "two_way": ("entailment", "not_entailment"),
}
"""The labels among which is chosen, in the order of classes. `not_entailment` is `neutral` or `contradiction`."""

MAX_PROMPT_LENGTH = 64
"""Soft tokens at most, in training and in a file."""

VERBALIZER: dict[Label, str] = {"entailment": "right", "neutral": "maybe", "contradiction": "wrong"}
"""The word predicted at `<mask>` for each label (3.2)."""
VERBALIZERS: dict[LabelSpace, dict[Label, str]] = {
    "three_way": VERBALIZER,
    "two_way": {"entailment": "right", "not_entailment": "wrong"},
}
"""The words of every label space, where a method with the paper's verbalizer is not given others."""


PAPER_EPOCHS, STARTED_EPOCHS = 70, 12
"""Passes over the examples where none are named: from the pretrained values (4.2), and from an adapter."""


def _broken(value: Any, bound: BaseMetadata) -> str | None:
    """Say in words what `value` had to be, or None when it is within `bound`."""
    match bound:
        case Ge(ge=limit) if not value >= limit:
            return f"at least {limit}"
        case Gt(gt=limit) if not value > limit:
            return f"greater than {limit}"
        case Le(le=limit) if not value <= limit:
            return f"at most {limit}"
        case Lt(lt=limit) if not value < limit:
            return f"less than {limit}"
    return None


class _Checked:
    """Validates every annotated field of a dataclass when it is made."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "use_attribute_docstrings": True}

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self), include_extras=True)
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            _check(field.name, getattr(self, field.name), hints[field.name])


def _check(name: str, value: Any, hint: Any) -> None:
    if value is None:
        return
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidConfig(name, value, "finite")
    parts = (hint, *get_args(hint))
    words = [word for part in parts if get_origin(part) is Literal for word in get_args(part)]
    bounds = [bound for part in parts for bound in getattr(part, "__metadata__", ())]
    if value in words:
        return
    if words and get_origin(hint) is Literal:
        raise InvalidConfig(name, value, f"one of {', '.join(map(repr, words))}")
    if words and bounds and isinstance(value, str):
        raise InvalidConfig(name, value, f"a number or {' or '.join(map(repr, words))}")
    for bound in bounds:
        if told := _broken(value, bound):
            raise InvalidConfig(name, value, told)


@dataclass(frozen=True, kw_only=True)
class MLMConfig(_Checked):
    """Stage 1: the masked-language-modelling run whose changes are the drift (3.1, 4.2)."""

    epochs: Annotated[int, Ge(1), Le(1000)] = 3
    """Passes over the training part of the corpus (4.2)."""
    batch_size: Annotated[int, Ge(1), Le(4096)] = 32
    """Corpus lines a step (4.2)."""
    learning_rate: Annotated[float, Gt(0), Le(1)] = 5e-5
    """Peak rate of AdamW, decayed linearly to zero (4.2)."""
    l1: Annotated[float, Ge(0), Le(1e6)] = 0.1
    """Pull to the pretrained values: l1 x sum|theta_l - theta| / N over all N parameters of the dense model (4.2)."""
    max_length: Annotated[int, Ge(8), Le(512)] = 256
    """Longest example in tokens, `<s>` and `</s>` included; see `long_lines` for longer lines (4.2)."""
    long_lines: LongLines = "split"
    """What becomes of a longer line: `split` at its sentences' ends, else at blanks, into several examples; or `cut`,
    one line one example, as in the paper."""
    text_form: TextForm = 1
    """How texts are prepared: 1 composed, blanks as one, characters that the vocabulary lacks replaced by known ones; 0
    as they are."""
    mask_share: Annotated[float, Gt(0), Lt(1)] = 0.15
    """Share of tokens to predict; of these 80 % become `<mask>`, 10 % a random token, 10 % stay (BERT's recipe)."""
    random_tokens: RandomTokens = "vocabulary"
    """Where random replacements are drawn from: the tokenizer's whole vocabulary, or the tokens of the corpus."""
    sample: Annotated[int, Ge(2)] | None = None
    """Take a seeded sample of so many lines of a larger corpus, before long ones are split; null takes all (the paper:
    300,000, 4.1)."""
    holdout: Annotated[float, Gt(0), Lt(1)] = 0.1
    """Share of the lines held out for validation, each with all that it is split into (4.2)."""
    eval_every: Annotated[int, Ge(1)] = 1000
    """Steps between validations; each epoch's end and the last step are validated as well (4.2)."""
    precision: Precision = "fp32"
    """Arithmetic of the run; part of what makes it repeatable."""
    seed: Annotated[int, Ge(0), Lt(2**32)] = 0
    """Seeds the sample, the held-out split, masking, order and dropout."""


LANGUAGE_STEPS, MOST_LANGUAGE_EPOCHS = 1000, 30
"""Steps that a language's own text is trained for where no epochs are given, and the most epochs that this makes."""


@dataclass(frozen=True, kw_only=True)
class LanguageConfig(MLMConfig):
    """A language's own text at a ticket's positions: the MLM run of stage 1, for hundreds to ten thousands of lines."""

    epochs: Annotated[int, Ge(1), Le(1000)] | None = None  # type: ignore[assignment]  # `resolved` settles it
    """Passes over the training part of the text, at most: `patience` may end the run before. Null makes some 1,000
    steps of them, from 2 to 30 epochs."""
    learning_rate: Annotated[float, Gt(0), Le(1)] | None = None  # type: ignore[assignment]
    """Peak rate of AdamW, decayed linearly to zero; null takes twice the backbone's recommended one."""
    eval_every: Annotated[int, Ge(1)] = 250
    """Steps between validations; each epoch's end and the last step are validated as well."""
    patience: Annotated[int, Ge(1)] | None = 4
    """Validations without a new lowest loss on the held-out lines after which the run ends; null never ends it early.
    The values with the lowest are kept in any case."""

    def resolved(self, *, lines: int, learning_rate: float) -> MLMConfig:
        """What is run on so many lines with a backbone of that recommended rate; no field is left open."""
        steps = max(1.0, lines * (1 - self.holdout) / self.batch_size)
        epochs = min(MOST_LANGUAGE_EPOCHS, max(2, round(LANGUAGE_STEPS / steps)))
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(MLMConfig)}
        open_fields = {"epochs": epochs, "learning_rate": 2 * learning_rate}
        return MLMConfig(**fields | {name: value for name, value in open_fields.items() if fields[name] is None})


@dataclass(frozen=True, kw_only=True)
class TicketConfig(_Checked):
    """Which entries of a drift become active (3.1, 5.3, 5.4)."""

    active_ratio: Annotated[float, Gt(0), Le(1)] = 0.2
    """Active share of the selectable parameters; exactly round(ratio x selectable) are chosen."""
    rule: Rule = "global"
    """`global`: one threshold across layers; `per_layer`: the ratio in the embeddings and in each layer (4.2)."""
    layers: LayerScope | tuple[Annotated[int, Ge(1)], ...] = "all"
    """Scope: everything, a third of the Transformer layers, or a list of layer numbers from 1 (5.4)."""

    def __post_init__(self) -> None:
        """Check the scope too: a literal, or distinct positive layer numbers."""
        super().__post_init__()
        if isinstance(self.layers, str):
            if self.layers not in get_args(LayerScope):
                raise InvalidConfig(
                    "layers", self.layers, "'all', 'lower', 'middle', 'upper' or a list of layer numbers"
                )
        elif not self.layers or len(set(self.layers)) != len(self.layers) or min(self.layers) < 1:
            raise InvalidConfig("layers", list(self.layers), "a non-empty list of distinct layer numbers from 1")


@dataclass(frozen=True, kw_only=True)
class AdapterConfig(_Checked):
    """Stage 2: the soft prompt and the ticket's active parameters, or what another method trains (3.2, 4.2)."""

    epochs: Annotated[int, Ge(1), Le(10_000)] | None = None
    """Passes over the training examples; the best on the development examples is kept. Null is 70 (4.2), or 12 from a
    `start`."""
    batch_size: Annotated[int, Ge(1), Le(4096)] = 32
    """Examples a step (4.2)."""
    learning_rate: Annotated[float, Gt(0), Le(1)] | Literal["auto"] | None = None
    """AdamW's rate for the model's parameters; null takes the backbone's recommended one (2e-5 for XLM-R base, 4.2),
    from a `start` half of it; `auto` tries several and takes the best."""
    prompt_learning_rate: Annotated[float, Gt(0), Le(1)] | None = None
    """AdamW's rate for the soft prompt, where the method has one; null takes `learning_rate`."""
    prompt_length: Annotated[int, Ge(1), Le(MAX_PROMPT_LENGTH)] = 4
    """Soft tokens in the template, where the method has any (4.2)."""
    max_length: Annotated[int, Ge(16), Le(512)] = 256
    """Longest input in tokens, soft tokens included; the longer of premise and hypothesis is cut (4.2)."""
    dev_share: Annotated[float, Gt(0), Lt(1)] = 0.5
    """Share of whole premises held out when no development examples are given."""
    literal: bool = False
    """Append the template's punctuation after the sentences' own, instead of replacing it."""
    text_form: TextForm = 1
    """How texts are prepared: 1 composed, blanks as one, characters that the vocabulary lacks replaced by known ones; 0
    as they are. The adapter's own form is used whenever it answers."""
    delta_dtype: StoredDtype = "auto"
    """How the trained changes are stored: `fp32`, `fp16`, `int8`, a byte and a bit each; `auto` is int8 where that
    answers as fp16 does on the development pairs, or those cross-fitted on, else fp16. Which it was is recorded."""
    precision: Literal["auto", "fp32", "bf16"] = "fp32"
    """Arithmetic of training; recorded, and part of what makes a run repeatable. `auto` is bf16 where the machine has
    it in hardware, else fp32; which it was is recorded."""
    order: Order = "shuffled"
    """How a pass is cut into batches: `shuffled`, as in the paper; `by_length`, texts of like length together and the
    batches in random order, which needs less time where lengths differ much."""
    schedule: Schedule = "constant"
    """Rates over the steps: `constant` (4.2), or `linear`: up in the first 6 % of the steps, then down to zero."""
    attention_dropout: bool = True
    """Whether attention is thinned out by the checkpoint's own rate; without, a step takes about half the time."""
    average: Average = "none"
    """What is averaged, values and prompts alike, to be published if it does better on the development examples:
    `epochs`, the last third of a seed's; `seeds`, the best epoch of each; or `both`."""
    estimate: Estimate = "holdout"
    """How it is found out how good the adapter is: `holdout`, by development examples, given or held out; `cross_fit`,
    by answers to each pair of adapters that never saw its premise, so that all pairs train; `auto`, that for few."""
    folds: Annotated[int, Ge(2), Le(20)] = 4
    """Parts, of whole premises, that are left out in turn where the estimate is cross-fitted."""
    source_temperature: Annotated[float, Ge(1), Le(100)] = 5.0
    """Of several sources one with n examples is drawn from in proportion to weight x n^(1/source_temperature): 1 takes
    them as they are, larger ones are nearer to even (5: Arivazhagan et al. 2019)."""
    epoch_pairs: Annotated[int, Ge(1), Le(10_000_000)] | None = None
    """Examples of one pass over several sources; null takes as many as there are."""
    seed: Annotated[int, Ge(0), Lt(2**32)] = 0
    """First seed; the split follows it, further seeds are seed + 1, seed + 2, ..."""
