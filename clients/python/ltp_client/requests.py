"""What requests may say besides a method's own parameters, as keyword arguments.

Written by `make client` from the service's OpenAPI document.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class AdapterConfig(TypedDict, total=False):
    """Stage 2: the soft prompt and the ticket's active parameters, or what another method trains (3.2, 4.2)."""

    epochs: int | None
    """
    Passes over the training examples; the best on the development examples is kept. Null is 70 (4.2), or 12 from a
    `start`.
    """

    batch_size: int
    """Examples a step (4.2)."""

    learning_rate: float | Literal["auto"] | None
    """
    AdamW's rate for the model's parameters; null takes the backbone's recommended one (2e-5 for XLM-R base, 4.2),
    from a `start` half of it; `auto` tries several and takes the best.
    """

    prompt_learning_rate: float | None
    """AdamW's rate for the soft prompt, where the method has one; null takes `learning_rate`."""

    prompt_length: int
    """Soft tokens in the template, where the method has any (4.2)."""

    max_length: int
    """Longest input in tokens, soft tokens included; the longer of premise and hypothesis is cut (4.2)."""

    dev_share: float
    """Share of whole premises held out when no development examples are given."""

    literal: bool
    """Append the template's punctuation after the sentences' own, instead of replacing it."""

    text_form: Literal[0, 1]
    """
    How texts are prepared: 1 composed, blanks as one, characters that the vocabulary lacks replaced by known ones; 0
    as they are. The adapter's own form is used whenever it answers.
    """

    delta_dtype: Literal["auto", "int8", "fp16", "fp32"]
    """
    How the trained changes are stored: `fp32`, `fp16`, `int8`, a byte and a bit each; `auto` is int8 where that
    answers as fp16 does on the development pairs, or those cross-fitted on, else fp16. Which it was is recorded.
    """

    precision: Literal["auto", "fp32", "bf16"]
    """
    Arithmetic of training; recorded, and part of what makes a run repeatable. `auto` is bf16 where the machine has
    it in hardware, else fp32; which it was is recorded.
    """

    order: Literal["shuffled", "by_length"]
    """
    How a pass is cut into batches: `shuffled`, as in the paper; `by_length`, texts of like length together and the
    batches in random order, which needs less time where lengths differ much.
    """

    schedule: Literal["constant", "linear"]
    """Rates over the steps: `constant` (4.2), or `linear`: up in the first 6 % of the steps, then down to zero."""

    attention_dropout: bool
    """Whether attention is thinned out by the checkpoint's own rate; without, a step takes about half the time."""

    average: Literal["none", "epochs", "seeds", "both"]
    """
    What is averaged, values and prompts alike, to be published if it does better on the development examples:
    `epochs`, the last third of a seed's; `seeds`, the best epoch of each; or `both`.
    """

    estimate: Literal["auto", "cross_fit", "holdout"]
    """
    How it is found out how good the adapter is: `holdout`, by development examples, given or held out; `cross_fit`,
    by answers to each pair of adapters that never saw its premise, so that all pairs train; `auto`, that for few.
    """

    folds: int
    """Parts, of whole premises, that are left out in turn where the estimate is cross-fitted."""

    source_temperature: float
    """
    Of several sources one with n examples is drawn from in proportion to weight x n^(1/source_temperature): 1 takes
    them as they are, larger ones are nearer to even (5: Arivazhagan et al. 2019).
    """

    epoch_pairs: int | None
    """Examples of one pass over several sources; null takes as many as there are."""

    seed: int
    """First seed; the split follows it, further seeds are seed + 1, seed + 2, ..."""


class AdapterRequest(TypedDict, total=False):
    """
    Train an adapter for one language on a few labelled pairs.

    `columns`, `labels` and `lang_column` are about uploaded files, `conflicts` is about examples in the request, too.
    """

    columns: Columns | None
    """Which columns of the file hold premise, hypothesis, label, language and adapter; the others are found by name."""

    lang_column: str | None
    """
    The column with each row's language, in a file of several; rows of other languages than `lang` are left out, and
    counted.
    """

    labels: str | dict[str, Literal["entailment", "neutral", "contradiction", "not_entailment"]] | None
    """What the file's labels mean: the order of its numbers from 0 on (`"c,e,n"`), or each spelling's label."""

    conflicts: Literal["drop", "majority", "keep"] | None
    """
    What becomes of pairs that stand there with different labels: `drop` them (in training, where nothing is said),
    take the `majority`'s label, or `keep` every row.
    """

    ticket: str | None
    """
    For method `ltp` only. Default: the ticket of the adapter that training begins from, else the starter's; where
    there is none, the newest ready ticket of the served backbone.
    """

    start: str | None
    """
    The adapter that training begins from, by its reference; `starter` is the one that comes with the program. It has
    the same method, labels, words and length of prompt; values carry over where both tickets are active. `null` begins
    from the pretrained values, the paper's way. Default: the starter, where there is one that fits, and `ticket` is
    absent, its own, or of the same drift.
    """

    language_delta: str | None
    """
    A language delta (`POST /languages/{lang}/text`), by `lang@version`, its id, or `lang` for the newest. Its values
    are added to those that training begins from, and are part of what is published. `ticket` is then its own by
    default, and may be no other.
    """

    average: Literal["none", "epochs", "seeds", "both"] | None
    """
    What is averaged into one adapter: `none`, `epochs` (the late ones), `seeds`, or `both`. Default:
    `training.average`.
    """

    estimate: Literal["auto", "cross_fit", "holdout"] | None
    """
    Where the scores come from: `holdout`, pairs that are held out or given; `cross_fit`, answers to each pair by
    models that never saw its premise, so that all pairs train; `auto`, the latter for few pairs. Default: `auto` from a
    start, else `training.estimate`.
    """

    method: Literal["ltp", "ft", "dp", "sp", "mp", "pt"]
    """
    `ltp`: soft prompt and the ticket's active parameters; `pt`: the soft prompt alone. The others train every
    parameter and need no ticket: `ft` fine-tuning with a classification head, `dp` a template of words, `sp` the soft
    prompt, `mp` words and soft prompt.
    """

    label_space: Literal["three_way", "two_way"] | None
    """
    `three_way`: entailment, neutral, contradiction; `two_way`: entailment, not_entailment. Default: what the
    examples' labels are. Of examples with three labels `two_way` reads neutral and contradiction as not_entailment.
    """

    verbalizer: dict[str, str] | None
    """
    The word predicted for each label of the label space, one token of the backbone's vocabulary each. Default: the
    method's own, for `ltp` right, maybe and wrong, or right and wrong for two labels. Method `ft` has no words.
    """

    name: str | None
    """For people."""

    alias: str | None
    """Point this alias at the adapter when it is published."""

    seeds: int
    """Train so often, from `training.seed` on, and publish the best; mean and deviation are kept."""

    training: AdapterConfig
    """
    Hyperparameters. From a start, where they are not given, `precision` is `auto`, `order` is `by_length`,
    `attention_dropout` is off, and `prompt_length` is the start's.
    """


class AddressedPair(TypedDict, total=False):
    """A premise and a hypothesis, and the adapter to judge them with if it is not the request's."""

    lang: str | None
    """Its `production` adapter, else its newest ready one."""

    adapter: str | None
    """`lang`, `lang@version`, `lang@alias`, `starter`, or an adapter's id."""

    premise: str
    hypothesis: str


class CheckRequest(TypedDict, total=False):
    """What the file is meant for, and how it is to be read where its own names do not say it."""

    columns: Columns | None
    """Which columns of the file hold premise, hypothesis, label, language and adapter; the others are found by name."""

    lang_column: str | None
    """
    The column with each row's language, in a file of several; rows of other languages than `lang` are left out, and
    counted.
    """

    labels: str | dict[str, Literal["entailment", "neutral", "contradiction", "not_entailment"]] | None
    """What the file's labels mean: the order of its numbers from 0 on (`"c,e,n"`), or each spelling's label."""

    conflicts: Literal["drop", "majority", "keep"] | None
    """
    What becomes of pairs that stand there with different labels: `drop` them (in training, where nothing is said),
    take the `majority`'s label, or `keep` every row.
    """

    lang: str | None
    """The language asked for; of a file with a language column only its rows are read."""


class Columns(TypedDict, total=False):
    """
    The column that holds each part, by its name in the file: `inner.name` inside nested JSON; `1`, `2`, ... without
    a header. A part that is left out is found by the names in use.
    """

    premise: str | None
    hypothesis: str | None
    label: str | None
    lang: str | None
    adapter: str | None


class CompositionRequest(TypedDict, total=False):
    """Compose an adapter of others. All are on one ticket, with the same labels and words."""

    name: str | None
    """For people."""

    alias: str | None
    """Point this alias at it."""


class EstimateRequest(TypedDict, total=False):
    """
    A training as it would be asked for, with how many pairs there are in the place of the pairs.

    Fields that `POST /adapters` has, too, mean what they mean there.
    """

    dev_pairs: int
    """How many `dev_examples` there are."""

    source_pairs: int
    """How many `sources` have together."""

    tokens: float | None
    """Mean tokens of both texts of a pair: `tokens` of `POST /data/check`. Default: some thirty."""

    method: Literal["ltp", "ft", "dp", "sp", "mp", "pt"]
    """What trains."""

    ticket: str | None
    """The ticket, if one is named."""

    start: str | None
    """The adapter that training begins from. `null`: the pretrained values. Default: the starter, where one fits."""

    label_space: Literal["three_way", "two_way"]
    """Of the examples."""

    estimate: Literal["auto", "cross_fit", "holdout"] | None
    """Where the scores come from."""

    average: Literal["none", "epochs", "seeds", "both"] | None
    """What is averaged."""

    seeds: int
    """How often it is trained."""

    training: AdapterConfig
    """Hyperparameters."""


class KeyRequest(TypedDict, total=False):
    """A new key, of one's own tenant or, with ADMIN_KEY, of any."""

    tenant: str | None
    """Default: your own. Only ADMIN_KEY may name another; it is created when it is new."""

    name: str
    """For people: whose key it is, or what it is for."""

    scopes: list[Literal["read", "predict", "train", "admin"]]
    """What it may do, and nothing else: `read`, `predict`, `train`, `admin`. You can only give what you have."""

    expires_at: str | None
    """When it ends; never without it. It cannot outlive the key that makes it."""


class LabelledPair(TypedDict, total=False):
    """A premise, a hypothesis, and what the one says about the other."""

    premise: str
    hypothesis: str
    label: Literal["entailment", "neutral", "contradiction", "not_entailment"] | int
    """
    By name, or 0, 1, 2 in the order entailment, neutral, contradiction. Two-way pairs are `entailment` or
    `not_entailment`.
    """


class LanguageConfig(TypedDict, total=False):
    """A language's own text at a ticket's positions: the MLM run of stage 1, for hundreds to ten thousands of lines."""

    epochs: int | None
    """
    Passes over the training part of the text, at most: `patience` may end the run before. Null makes some 1,000
    steps of them, from 2 to 30 epochs.
    """

    batch_size: int
    """Corpus lines a step (4.2)."""

    learning_rate: float | None
    """Peak rate of AdamW, decayed linearly to zero; null takes twice the backbone's recommended one."""

    l1: float
    """Pull to the pretrained values: l1 x sum|theta_l - theta| / N over all N parameters of the dense model (4.2)."""

    max_length: int
    """Longest example in tokens, `<s>` and `</s>` included; see `long_lines` for longer lines (4.2)."""

    long_lines: Literal["split", "cut"]
    """
    What becomes of a longer line: `split` at its sentences' ends, else at blanks, into several examples; or `cut`,
    one line one example, as in the paper.
    """

    text_form: Literal[0, 1]
    """
    How texts are prepared: 1 composed, blanks as one, characters that the vocabulary lacks replaced by known ones; 0
    as they are.
    """

    mask_share: float
    """Share of tokens to predict; of these 80 % become `<mask>`, 10 % a random token, 10 % stay (BERT's recipe)."""

    random_tokens: Literal["vocabulary", "corpus"]
    """Where random replacements are drawn from: the tokenizer's whole vocabulary, or the tokens of the corpus."""

    sample: int | None
    """
    Take a seeded sample of so many lines of a larger corpus, before long ones are split; null takes all (the paper:
    300,000, 4.1).
    """

    holdout: float
    """Share of the lines held out for validation, each with all that it is split into (4.2)."""

    eval_every: int
    """Steps between validations; each epoch's end and the last step are validated as well."""

    precision: Literal["fp32", "bf16"]
    """Arithmetic of the run; part of what makes it repeatable."""

    seed: int
    """Seeds the sample, the held-out split, masking, order and dropout."""

    patience: int | None
    """
    Validations without a new lowest loss on the held-out lines after which the run ends; null never ends it early.
    The values with the lowest are kept in any case.
    """


class LanguageTextRequest(TypedDict, total=False):
    """Train a ticket's parameters on the language's own sentences, by predicting hidden words."""

    ticket: str | None
    """
    Whose parameters train. Adapters on top of the language delta stand on the same one. Default: the starter's, else
    the newest ready ticket of the served backbone.
    """

    mlm: LanguageConfig
    """Hyperparameters of the MLM run; what is left out follows from the number of lines and the backbone."""


class MLMConfig(TypedDict, total=False):
    """Stage 1: the masked-language-modelling run whose changes are the drift (3.1, 4.2)."""

    epochs: int
    """Passes over the training part of the corpus (4.2)."""

    batch_size: int
    """Corpus lines a step (4.2)."""

    learning_rate: float
    """Peak rate of AdamW, decayed linearly to zero (4.2)."""

    l1: float
    """Pull to the pretrained values: l1 x sum|theta_l - theta| / N over all N parameters of the dense model (4.2)."""

    max_length: int
    """Longest example in tokens, `<s>` and `</s>` included; see `long_lines` for longer lines (4.2)."""

    long_lines: Literal["split", "cut"]
    """
    What becomes of a longer line: `split` at its sentences' ends, else at blanks, into several examples; or `cut`,
    one line one example, as in the paper.
    """

    text_form: Literal[0, 1]
    """
    How texts are prepared: 1 composed, blanks as one, characters that the vocabulary lacks replaced by known ones; 0
    as they are.
    """

    mask_share: float
    """Share of tokens to predict; of these 80 % become `<mask>`, 10 % a random token, 10 % stay (BERT's recipe)."""

    random_tokens: Literal["vocabulary", "corpus"]
    """Where random replacements are drawn from: the tokenizer's whole vocabulary, or the tokens of the corpus."""

    sample: int | None
    """
    Take a seeded sample of so many lines of a larger corpus, before long ones are split; null takes all (the paper:
    300,000, 4.1).
    """

    holdout: float
    """Share of the lines held out for validation, each with all that it is split into (4.2)."""

    eval_every: int
    """Steps between validations; each epoch's end and the last step are validated as well (4.2)."""

    precision: Literal["fp32", "bf16"]
    """Arithmetic of the run; part of what makes it repeatable."""

    seed: int
    """Seeds the sample, the held-out split, masking, order and dropout."""


class PredictRequest(TypedDict, total=False):
    """Pairs to judge. Every pair needs an adapter: its own or the request's."""

    fallback: str | None
    """Used, and flagged, for languages without an adapter: zero-shot. Default: the starter, where there is one."""

    min_confidence: float | None
    """Below it a prediction is marked `abstained`; the label stays the likeliest one."""

    target_accuracy: float | None
    """
    Instead of `min_confidence`: of the answers that are not marked `abstained`, this share is to be right. Each
    adapter's own curve (`metrics.calibration.curve`) says from which confidence on that is so; `thresholds` in the
    answer tells it. Refused where an adapter has no curve, or never reaches it, or stands in for another language.
    """


class PredictionRequest(TypedDict, total=False):
    """How to judge a file of pairs. A row's own `lang` or `adapter` column wins over the request's."""

    columns: Columns | None
    """Which columns of the file hold premise, hypothesis, label, language and adapter; the others are found by name."""

    lang_column: str | None
    """
    The column with each row's language, in a file of several; rows of other languages than `lang` are left out, and
    counted.
    """

    fallback: str | None
    """Used, and flagged, if the language has no adapter. Default: the starter, where there is one."""

    min_confidence: float | None
    """Below it a pair is marked as abstained."""

    target_accuracy: float | None
    """
    Instead of `min_confidence`: how many of the pairs that are not marked as abstained are to be right, see
    `POST /predict`. What that comes to is settled, for every adapter that the file names, when it is accepted.
    """

    ignore_row_lang: bool
    """The request's adapter judges every row, whatever the row's own `lang` or `adapter` column names."""


class SuggestionRequest(TypedDict, total=False):
    """How many pairs to suggest, and how to choose them. A row's own `lang` or `adapter` does not count."""

    columns: Columns | None
    """Which columns of the file hold premise, hypothesis, label, language and adapter; the others are found by name."""

    lang_column: str | None
    """
    The column with each row's language, in a file of several; rows of other languages than `lang` are left out, and
    counted.
    """

    n: int
    """How many; fewer where the file has no more."""

    strategy: Literal["auto", "random", "uncertain"]
    """
    `random`: any, one a premise as long as there are others; `uncertain`: those that the adapter is unsure of,
    unlike each other; `auto`: `random`, since the other was not found to be better.
    """

    seed: int
    """Another seed chooses otherwise; the same one chooses the same again."""


class Term(TypedDict, total=False):
    """One adapter, or what an MLM run on a language's own text changed, and how much of it."""

    adapter: str | None
    """An adapter, by its reference."""

    language_delta: str | None
    """Or a language delta, by `lang@version`, its id, or `lang` for the newest."""

    weight: float
    """What its values, and its prompt, are multiplied with; below 0 they are subtracted."""


class TicketRequest(TypedDict, total=False):
    """Measure a drift on unlabelled text and select a ticket from it; with `drift`, select from a stored one."""

    name: str | None
    """For people."""

    language: str
    """Language of the corpus."""

    active_ratio: float
    """Active share of the selectable parameters; exactly round(ratio x selectable) are chosen."""

    rule: Literal["global", "per_layer"]
    """`global`: one threshold across layers; `per_layer`: the ratio in the embeddings and in each layer (4.2)."""

    layers: Literal["all", "lower", "middle", "upper"] | list[int]
    """Scope: everything, a third of the Transformer layers, or a list of layer numbers from 1 (5.4)."""

    strategy: Literal["decoupled", "tied", "frozen_embeddings"]
    """Which embeddings train and can be selected: `decoupled`, `tied` (the vanilla setting) or `frozen_embeddings`."""

    mlm: MLMConfig
    """Hyperparameters of the MLM run."""
