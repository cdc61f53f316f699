"""What the service answers. What a later release adds to an answer is there as a further attribute.

Written by `make client` from the service's OpenAPI document.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from ltp_client.record import Record


class Adapter(Record):
    """A soft prompt and a sparse delta on one ticket, or what another method trained. Immutable once ready."""

    id: str
    name: str | None = None
    lang: str
    version: int | None = None
    """From 1 per language, never reused; null until published."""

    aliases: list[str]
    status: Literal["pending", "ready", "failed", "cancelled"] | str
    method: Literal["ltp", "ft", "dp", "sp", "mp", "pt"] | str
    origin: str
    """`training`, `import`, `composed` of other adapters, or `starter`: it came with the program for all languages."""

    shared: bool
    """Whether every tenant may use it, as the starter."""

    ticket: str | None = None
    """Null unless the method is `ltp`."""

    start: Start | None = None
    """What training began from; null for the pretrained values, and of imports, whose file may say it in `training`."""

    language_delta: LanguageDeltaUsed | None = None
    """The language's own text that training was on top of; null for none. Its values are in the adapter."""

    backbone: str
    """Fingerprint of the backbone it belongs to."""

    text_form: Literal[0, 1] | int
    """
    How texts are prepared before it reads them: 1 composed, blanks as one, characters that the vocabulary lacks
    replaced by known ones; 0 as they are, as adapters do that were made before there were forms.
    """

    seeds: int
    label_space: Literal["three_way", "two_way"] | str
    """`three_way`: it answers entailment, neutral or contradiction; `two_way`: entailment or not_entailment."""

    verbalizer: dict[str, str] | None = None
    """The word it predicts for each label; null for method `ft`, which has a classification head."""

    metrics: AdapterMetrics
    """Empty until published."""

    advice: list[str]
    """What to try next where it is no better than guessing on the development pairs; else empty."""

    training: dict[str, Any]
    """Hyperparameters as they were used, and, except in lists, `report`: how training went."""

    courses: Annotated[list[Course], Field(validate_default=True)] = []
    """
    Loss and development accuracy, epoch by epoch, of each seed. Empty in lists, where it was too much to keep, and
    where nothing was trained.
    """

    examples: ExampleCounts
    bytes: int | None = None
    """Size of the stored adapter."""

    reading: Reading | None = None
    """
    What was understood of the examples it was trained on, without their first rows. Null in lists, and where it is
    not known: of imports, and of what versions before trained.
    """

    held_out_readings: Annotated[dict[str, Reading], Field(validate_default=True)] = {}
    """The same of the development and test sets that were given."""

    created_at: AwareDatetime
    published_at: AwareDatetime | None = None


class AdapterMetrics(Record):
    """Scores of the decoded, published artefact."""

    dev: Score | None = None
    test: Score | None = None
    """Only when test examples were given."""

    per_seed: list[dict[str, Any]] = []
    """Seed, best epoch and scores of each run. Empty in lists, and where it was too much to keep."""

    mean: dict[str, dict[str, float | None]] | None = None
    """Over the seeds: part, then figure."""

    std: dict[str, dict[str, float | None]] | None = None
    """Sample standard deviation over the seeds; null for a single one."""

    baseline: Baseline | None = None
    """What guessing and the start give on the development pairs."""

    calibration: Calibration | None = None
    """Where pairs were held out nothing is applied, and the curve is of these; null where nobody measured one."""

    certainty: Certainty | None = None
    """Null where nothing was scored, and of adapters made before this was kept."""

    stored_agreement: StoredAgreement | None = None
    """Whether the values may be a byte each. Null where that was not tried."""

    int8_agreement: Int8Agreement | None = None
    """Measured by workers whose `LTP_PRECISION` is `int8`; else null."""


class AdapterRef(Record):
    """The adapter that judged."""

    id: str
    lang: str
    version: int


class Alias(Record):
    """A movable name for one version of a language."""

    lang: str
    alias: str
    version: int
    adapter: str


class Answer(Record):
    """One pair, and what the adapter took it for."""

    line: int | None = None
    """Line of the uploaded file, or its place in the request, from 1."""

    lang: str | None = None
    """Its language, where the pairs are of several."""

    premise: str
    hypothesis: str
    label: Literal["entailment", "neutral", "contradiction", "not_entailment"] | str
    predicted: Literal["entailment", "neutral", "contradiction", "not_entailment"] | str
    probabilities: ThreeWay | TwoWay


class Answering(Record):
    """The adapter that answers where only a language is named: what `production` points at, else its newest version."""

    adapter: str
    version: int
    name: str | None = None
    label_space: Literal["three_way", "two_way"] | str
    since: AwareDatetime
    """When `production` was pointed at it; without that alias, when it was published."""

    accuracy: float | None = None
    """On its development pairs; null where it has no score, as those that were composed."""

    interval: list[float] | None = None
    """95 % interval of that."""

    pairs: int | None = None
    """How many those are."""

    guessing: float | None = None
    """What always giving the commonest label would be right in."""

    beats_guessing: bool | None = None
    """Whether the interval lies above that."""


class AuditEvent(Record):
    """One change. It was written together with this event, or not at all."""

    id: str
    actor: str
    """`key:<id>`, `admin` (ADMIN_KEY), `local` (authentication is off), `job:<id>` for how a job ended, `retention`."""

    action: str
    """
    The operation's id in this document, or `publish_ticket`, `publish_adapter`, `publish_prediction`, `fail_job`,
    and `delete_job`, which is retention's alone. An import that brings a ticket along leaves `create_ticket` as well,
    an alias that is moved by a publication or an import `set_alias`.
    """

    resource: Concerned | None = None
    request_id: str | None = None
    """The request's `X-Request-ID`; null for what a job did."""

    created_at: AwareDatetime


class Backbone(Record):
    """The pretrained model every adapter shares."""

    name: str
    fingerprint: str
    """Artefacts made on another one are refused."""

    layers: int
    hidden: int
    vocabulary: int
    parameters: int
    learning_rate: float
    """Used where a request names none."""

    max_positions: int
    """Tokens in the longest input."""

    precision: Literal["fp32", "bf16", "int8"] | str | None = None
    """Arithmetic of predictions; null until they can be served."""

    precision_reason: str | None = None
    """Why this one."""

    state: Literal["starting", "preparing", "loading", "ready", "failed"] | str
    """`ready` once predictions can be served."""


class Baseline(Record):
    """What stands beside the accuracy on the development pairs."""

    guessing: float
    """What always giving the commonest label is right in."""

    start: Beside | None = None
    """What training began from; null where it began from the pretrained values, or was not compared."""


class BegunFrom(Record):
    """The adapter that training would begin from."""

    id: str
    lang: str
    version: int


class Beside(Record):
    """The start on the same pairs."""

    accuracy: float
    p: float
    """How often chance alone would make such a difference to it: a paired test by premises."""


class Calibration(Record):
    """How far the probabilities mean what they say, on pairs that no training saw."""

    temperature: float
    """The logits are divided by it before they are probabilities; 1 where nothing is applied."""

    bias: list[float]
    """Added to each label's logit."""

    ece_before: float
    """Expected calibration error without them."""

    ece_after: float
    curve: list[CurvePoint]
    """From everything answered to the surest answers alone; `target_accuracy` is resolved on it."""


class Caller(Record):
    """On whose behalf you ask."""

    authentication: Literal["on", "off"] | str
    """`off`: everybody on this machine may do everything, and no key is needed."""

    kind: Literal["key", "admin_key", "local"] | str
    """`admin_key` is the one of the settings; `local` whoever asks where authentication is off."""

    tenant: str
    """Whose things you see."""

    scopes: list[Literal["read", "predict", "train", "admin"] | str]
    """What you may do."""

    key: str | None = None
    """Id of your key; null for the two others."""

    expires_at: AwareDatetime | None = None
    """When it ends; null if it does not."""


class Certainty(Record):
    """How far its probabilities can be trusted: of the answers that `metrics.dev` is a score of, as they are given."""

    pairs: int
    reliability: list[ReliabilityBin]
    """
    A reliability diagram: of fifteen bins of equal width those that are not empty. The expected calibration error is
    the mean distance between confidence and accuracy over the pairs.
    """

    curve: list[CurvePoint]
    """Answered share against accuracy, from everything answered to the surest answers alone."""


class Compared(Record):
    """One of the two."""

    adapter: str
    lang: str
    version: int
    pairs: int
    """How many different pairs it is scored on."""

    accuracy: float | None = None
    """On the pairs that both are scored on."""

    only_this_right: int
    """How many of these it alone is right in."""


class Comparison(Record):
    """A paired comparison. Figures are null where there is no pair that both are scored on."""

    first: Compared
    second: Compared
    pairs: int
    """How many pairs both are scored on, and neither was trained on: these are compared."""

    premises: int | None = None
    """Of how many premises; pairs of one are right or wrong together."""

    same_pairs: bool
    """Whether both are scored on exactly the same pairs."""

    difference: float | None = None
    """The first's accuracy minus the second's."""

    interval: list[float] | None = None
    """95 % interval of that: a bootstrap over premises."""

    p: float | None = None
    """How often chance alone would make such a difference: a paired test by premises."""

    real: bool | None = None
    """Whether it rarely would: p below 0.05."""

    verdict: str
    """The same in words."""


class Concerned(Record):
    """What a change was about."""

    kind: str
    """`ticket`, `drift`, `adapter`, `prediction`, `alias`, `job`, `key` or `webhook`."""

    id: str
    """Its id; an alias is named `lang@alias`."""


class Course(Record):
    """One seed's training. Of several learning rates the best one's; others are in `training.report`."""

    seed: int
    best_epoch: int | None = None
    """The one that was kept; null where it was not noted."""

    epochs: list[Epoch]


class CurvePoint(Record):
    """With answers below `threshold` left out, `answered` is the share that remains, and `accuracy` theirs."""

    threshold: float
    answered: float
    accuracy: float


class Delivery(Record):
    """One message to a webhook: what it tells of, and whether it has arrived."""

    id: str
    """The message's `webhook-id`, the same with each attempt."""

    event: Literal["job.succeeded", "job.failed", "job.cancelled"] | str
    job: str
    """Id of the job."""

    status: Literal["pending", "delivered", "failed"] | str
    """`pending` until an attempt is answered with 2xx, or the last one was not: then `failed`."""

    attempts: int
    """How often it was sent."""

    response_status: int | None = None
    """Status of the last answer; null: there was none."""

    error: str | None = None
    """Why the last attempt failed; null: it did not."""

    next_at: AwareDatetime | None = None
    """When it is sent next; null once it is over."""

    created_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    """When it arrived, or was given up."""


class Disagreement(Record):
    """One pair with different labels."""

    labels: dict[str, int]
    """Rows by label."""

    lines: list[int]


class Drift(Record):
    """One MLM run: how far each parameter moved. Every ticket of these texts is selected from it."""

    id: str
    status: Literal["pending", "ready", "failed", "cancelled"] | str
    backbone: str
    """Fingerprint."""

    backbone_name: str
    language: str
    strategy: Literal["decoupled", "tied", "frozen_embeddings"] | str
    corpus: str | None = None
    """Name of the built-in corpus; null for one that was uploaded."""

    corpus_sha256: str | None = None
    config: dict[str, Any]
    """Hyperparameters of the run."""

    text_form: Literal[0, 1] | int
    """
    How the corpus was prepared: 1 composed, blanks as one, characters that the vocabulary lacks replaced by known
    ones; 0 as it is, as before there were forms.
    """

    steps: int | None = None
    """Training steps taken."""

    best_step: int | None = None
    """The step whose parameters are kept."""

    losses: list[Loss]
    moved: int | None = None
    """Selectable parameters whose drift is not zero."""

    selectable: int | None = None
    report: dict[str, Any]
    """Everything else the run noted: lines, how long ones were read, tokens, seconds, tokens a second."""

    tickets: list[str]
    """Tickets selected from it, oldest first; of many the newest thousand."""

    created_at: AwareDatetime
    published_at: AwareDatetime | None = None


class Epoch(Record):
    """How training stood after an epoch."""

    epoch: int
    """From 1."""

    train_loss: float
    """Mean cross-entropy of the training pairs while they were trained on."""

    dev_loss: float
    """Of those that judge: set apart, or of each fold those that it left out."""

    dev_accuracy: float


class Estimate(Record):
    """About how long a training takes, from the moment a worker takes it: without the wait in the queue."""

    seconds: float
    """About so long."""

    least_s: float
    """Hardly less,"""

    most_s: float
    """and hardly more."""

    trainings: int
    """From how many recent trainings of yours that was told; 0: from a rough constant."""

    said: str
    """How it was got, in words."""

    estimate: Literal["cross_fit", "holdout"] | str
    """Whether all pairs would train, or some would be held out."""

    start: BegunFrom | None = None
    """What it would begin from; null for the pretrained values."""


class ExampleCounts(Record):
    """What it was trained on."""

    train: int | None = None
    dev: int | None = None
    test: int | None = None
    sha256: str | None = None
    sources: list[Source] | None = None
    """Of which languages they are, where there were several files."""


class HeldOutLoss(Record):
    """Masked-token loss of lines that were held out, in nats a token."""

    before: float
    """With the pretrained values."""

    after: float
    """With the language delta."""


class Int8Agreement(Record):
    """How answers in int8 arithmetic agree with those in fp32, on the pairs of `metrics.dev` (512 at most)."""

    pairs: int
    """The development pairs; where all were trained on, these."""

    labels_changed: int
    """Pairs to which the two gave different labels."""

    mean_difference: float
    """Of all probabilities."""

    largest_difference: float
    levels: int
    """How far from zero the weights went on the machine that measured it: 127, or 64 without a dot product of bytes."""

    passed: bool
    """At least 20 pairs, at most 0.5 % of the labels changed, and probabilities by 0.01 in the mean."""


class Job(Record):
    """One durable unit of work. Once accepted it is never lost; it is published at most once."""

    id: str
    kind: Literal["ticket", "adapter", "prediction", "language_delta"] | str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"] | str
    progress: Progress
    attempt: int
    """How often it has been started: a job whose machine dies is started again elsewhere."""

    waiting_for: str | None = None
    """Why a queued job is taken by nobody, if no worker that was heard lately can do it; null for every other."""

    error: JobFailure | None = None
    resource: ResourceRef
    created_at: AwareDatetime
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None


class JobFailure(Record):
    """Why a job failed."""

    code: str
    detail: str


class JudgedRow(Record):
    """One of the first rows of a result, its texts cut."""

    premise: str
    hypothesis: str
    label: Literal["entailment", "neutral", "contradiction", "not_entailment"] | str
    probabilities: ThreeWay | TwoWay
    adapter: AdapterRef
    fallback: bool
    abstained: bool


class Key(Record):
    """A key without its secret, which is kept nowhere."""

    id: str
    tenant: str
    name: str
    scopes: list[Literal["read", "predict", "train", "admin"] | str]
    made_by: str | None = None
    """Id of the key that made it; null: ADMIN_KEY did, or a version that did not note it."""

    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    """Null: never."""

    last_used_at: AwareDatetime | None = None
    """To about a minute; null: not yet."""


class KeyCreated(Record):
    """A key with its secret, this once."""

    id: str
    tenant: str
    name: str
    scopes: list[Literal["read", "predict", "train", "admin"] | str]
    made_by: str | None = None
    """Id of the key that made it; null: ADMIN_KEY did, or a version that did not note it."""

    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    """Null: never."""

    last_used_at: AwareDatetime | None = None
    """To about a minute; null: not yet."""

    secret: str
    """Send it as `Authorization: Bearer <secret>`. It is not shown again."""


class LabelScore(Record):
    """One label against the others."""

    precision: float
    recall: float
    f1: float
    support: int


class Language(Record):
    """A language that has published adapters."""

    lang: str
    name: str
    versions: list[int]
    """Ready ones, newest first, a thousand at most; `lang@version` names one."""

    aliases: dict[str, int]
    """Alias to version, a thousand at most."""

    answering: Answering | None = None
    """What answers for the language now."""

    starters: list[int] = []
    """Those of the versions that came with the program, for every language: under `mul` alone."""

    macrolanguage: str | None = None
    """The macrolanguage that it is or belongs to, by ISO 639-3: `qu` of `quy`; null if there is none."""

    related: list[str]
    """Others of this language or macrolanguage with a ready adapter; none is taken for another unless asked for."""


class LanguageDelta(Record):
    """What a language's own text changed at a ticket's positions. An adapter trained on top of it holds the sum."""

    id: str
    lang: str
    version: int | None = None
    """Counts up in its language, apart from adapters; null until it is ready."""

    status: Literal["pending", "ready", "failed", "cancelled"] | str
    ticket: str | None = None
    backbone: str
    """Fingerprint of the backbone it belongs to."""

    helps: bool | None = None
    """Whether the loss of held-out lines is lower with it; null until it is ready."""

    verdict: str | None = None
    """The same in a sentence."""

    held_out: HeldOutLoss | None = None
    corpus_sha256: str | None = None
    config: dict[str, Any]
    """Hyperparameters of the run: as they were used once it is ready, before as they were asked for."""

    steps: int | None = None
    """Training steps taken."""

    best_step: int | None = None
    """The step whose values are kept."""

    losses: list[Loss]
    """At validations; of very many some."""

    report: dict[str, Any]
    """Everything else the run noted: lines, repeated and long ones, tokens, seconds, warnings."""

    bytes: int | None = None
    created_at: AwareDatetime
    published_at: AwareDatetime | None = None


class LanguageDeltaUsed(Record):
    """The language's own text whose changes an adapter holds."""

    id: str
    """It may be gone since."""

    lang: str
    version: int


class LayerShare(Record):
    """Where a ticket's active parameters are."""

    layer: Literal["embeddings"] | str | int
    active: int
    """Active parameters in this layer."""

    share: float
    """Of all active parameters."""

    density: float
    """Of the layer's selectable parameters."""


class LeftOut(Record):
    """Rows that were not read, and why."""

    reason: str
    code: Literal["repeated_judgement", "disagree", "outvoted", "tied", "undecided", "blank"] | str | None = None
    """The same for programs; null for reasons that the file itself gives, and in what was read before it was told."""

    rows: int
    first_line: int | None = None
    """The line (or a table's row) of the first of them."""


class Loss(Record):
    """Masked-token loss in nats at one validation."""

    step: int
    train: float | None = None
    validation: float | None = None


class NamedAdapter(Record):
    """What one reference in a file of pairs means, fixed when the file was accepted."""

    reference: str
    """As the request, or a row's `adapter` or `lang`, gives it."""

    adapter: AdapterRef
    """The adapter that judges; still named here once it was deleted."""

    fallback: bool
    """The language had no adapter; the fallback, or the starter, judges."""

    rows: int | None = None
    """How many rows it judged; null until the prediction is ready."""

    threshold: Threshold | None = None
    """What `target_accuracy` came to for it; null where none was asked for."""


class PairPrediction(Record):
    """What the hypothesis is to the premise."""

    label: Literal["entailment", "neutral", "contradiction", "not_entailment"] | str
    probabilities: ThreeWay | TwoWay
    """Two where the adapter was trained on two labels, or the request asked for two-way answers."""

    adapter: AdapterRef
    fallback: bool
    """The language has no adapter; the fallback, or the starter, judged."""

    truncated: bool
    """Premise and hypothesis were too long together and were cut."""

    abstained: bool
    """The label's probability is below `min_confidence`, or what `target_accuracy` came to."""

    unknown: float
    """
    Share of the tokens that the backbone's vocabulary does not have (`<unk>`), of those that carry letters: pairs
    that differ in nothing else get the same answer. Where it is 1 for every pair, the request is refused.
    """


class PredictAnswer(Record):
    """One prediction a pair, in the order of the pairs."""

    predictions: list[PairPrediction]
    thresholds: list[Threshold] | None = None
    """What `target_accuracy` came to, for each adapter that answered; null where none was asked for."""

    timing_ms: Timing


class Prediction(Record):
    """A file of pairs with labels to be added."""

    id: str
    status: Literal["pending", "ready", "failed", "cancelled"] | str
    lang: str | None = None
    adapter: AdapterRef | None = None
    """The adapter that judges; null once it was deleted."""

    fallback: bool
    """The language had no adapter; the fallback, or the starter, judges."""

    min_confidence: float | None = None
    target_accuracy: float | None = None
    """As the request said; what it came to for each adapter is in `adapters` of the prediction's own page."""

    answered_as: Annotated[Literal["two_way"] | str | None, Field(alias="as")] = None
    """As the request said; null: as each adapter was trained."""

    filename: str | None = None
    pairs: int
    summary: dict[str, Any]
    """
    Counts by label, by label space (`label_spaces`), of pairs truncated, abstained or with `unknown` tokens, the
    share of these tokens, `warnings`, and the arithmetic they were judged in; empty until ready.
    """

    created_at: AwareDatetime
    published_at: AwareDatetime | None = None


class PredictionDetail(Record):
    """A file of pairs with labels to be added, and which adapters judge it."""

    id: str
    status: Literal["pending", "ready", "failed", "cancelled"] | str
    lang: str | None = None
    adapter: AdapterRef | None = None
    """The adapter that judges; null once it was deleted."""

    fallback: bool
    """The language had no adapter; the fallback, or the starter, judges."""

    min_confidence: float | None = None
    target_accuracy: float | None = None
    """As the request said; what it came to for each adapter is in `adapters` of the prediction's own page."""

    answered_as: Annotated[Literal["two_way"] | str | None, Field(alias="as")] = None
    """As the request said; null: as each adapter was trained."""

    filename: str | None = None
    pairs: int
    summary: dict[str, Any]
    """
    Counts by label, by label space (`label_spaces`), of pairs truncated, abstained or with `unknown` tokens, the
    share of these tokens, `warnings`, and the arithmetic they were judged in; empty until ready.
    """

    created_at: AwareDatetime
    published_at: AwareDatetime | None = None
    sample: list[JudgedRow]
    """The first rows of the result; empty until it is ready, and of what earlier versions judged."""

    adapters: list[NamedAdapter]
    """One for each different reference in the file and the request's own; none where an earlier version accepted it."""


class Progress(Record):
    """How far a job has come."""

    phase: str | None = None
    """What it is doing; null before it starts."""

    step: int
    """Steps done in this phase."""

    total: int
    """Steps in this phase; 0 while unknown."""

    eta_s: float | None = None
    """Estimated seconds to the end of the phase."""

    metrics: dict[str, Any]
    """
    The latest figures, the loss among them: of an adapter also `epoch`, `seed`, `train_loss`, `dev_loss` and
    `dev_accuracy` once an epoch has ended. Each epoch's are in the events.
    """


class Quota(Record):
    """What your tenant has, and what it may have."""

    stored_bytes: int
    """Uploads, artefacts, and the records that tell of them; what came with the program costs nothing."""

    most_stored_bytes: int
    unfinished_jobs: int
    """Queued and running."""

    most_unfinished_jobs: int
    keys: int
    """Those that are valid."""

    most_keys: int


class ReadColumns(Record):
    """The column that was taken for each part; null where there is none."""

    premise: str | None = None
    hypothesis: str | None = None
    label: str | None = None
    lang: str | None = None
    adapter: str | None = None


class ReadLabel(Record):
    """What one spelling was read as, and how many rows have it."""

    label: Literal["entailment", "neutral", "contradiction", "not_entailment"] | str | None = None
    """Null for one that marks a pair without an agreed label; its rows are left out."""

    rows: int


class Readiness(Record):
    """Predictions can be served."""

    status: Literal["ready"] | str = "ready"
    backbone: str
    """Name of the loaded backbone."""

    database: str | None = None
    """What is wrong with the database, where predictions go on all the same; null when nothing is."""

    blob_store: str | None = None
    """What is wrong with the store of contents, likewise; null where there is none."""


class Reading(Record):
    """What was understood of a file."""

    format: str
    """
    `jsonl`, `json`, `csv`, `tsv`, `xlsx`, `ods`, `parquet`, `feather`, `xml`; `text` for a corpus; `request` for
    examples that came in the request itself.
    """

    encoding: str | None = None
    """Null where the format is no text."""

    compression: str | None = None
    separator: str | None = None
    quoting: bool | None = None
    """Whether cells may be quoted; null where the format has no cells."""

    columns: ReadColumns
    """The column of each part, by its name in the file."""

    names: list[str] = []
    """The columns that the file has, two hundred at most: what `columns` may name. Empty where nobody noted them."""

    labels: Annotated[dict[str, ReadLabel], Field(validate_default=True)] = {}
    """By the spelling in the file; empty where labels are not looked at."""

    label_space: Literal["three_way", "two_way"] | str | None = None
    """The labels among which is chosen."""

    rows: int = 0
    """Rows of the file, or lines of a corpus."""

    read: int = 0
    left_out: Annotated[list[LeftOut], Field(validate_default=True)] = []
    """`rows` is `read` and these."""

    duplicates: int = 0
    """Rows whose pair stands in an earlier row."""

    conflicts: int = 0
    """Pairs with different labels."""

    disagreements: Annotated[list[Disagreement], Field(validate_default=True)] = []
    """The first of these pairs."""

    shared_premises: int = 0
    """Premises that stand in the training set, too."""

    leaks: int = 0
    """Pairs that stand in the training set, too: scores on them say little."""

    tokens: float | None = None
    """Mean tokens of both texts of a pair, as `POST /adapters/estimate` takes them; null where nobody counted."""

    truncated: int | None = None
    """Pairs (or lines of a corpus) that are cut to fit the model; null where nobody counted."""

    unknown: UnknownTokens | None = None
    """Null while the backbone is being loaded."""

    languages: dict[str, int] = {}
    """Rows of each language, as the file writes it; empty without a column that says."""

    notes: list[str] = []
    """What was decided that nobody needs to act on."""

    note_codes: list[
        Literal["conflicts", "left_out", "truncated", "unknown", "leaks", "shared_premises", "label_column"]
        | str
        | None
    ] = []
    """For each of `notes` what it is about, if other fields hold the same: a program need not show both."""

    warnings: list[str] = []
    """What somebody should look at."""

    warning_codes: list[
        Literal["conflicts", "left_out", "truncated", "unknown", "leaks", "shared_premises", "label_column"]
        | str
        | None
    ] = []
    """The same for each of `warnings`."""

    sample: list[dict[str, Any]] = []
    """The first rows as they were read; empty in what an adapter keeps."""


class ReliabilityBin(Record):
    """Answers that are about as sure."""

    low: float
    """They are surer than this,"""

    high: float
    """and no surer than this."""

    pairs: int
    confidence: float
    """The mean probability of what was answered."""

    accuracy: float
    """How many of them are right."""


class ResourceRef(Record):
    """What a job makes."""

    kind: Literal["ticket", "adapter", "prediction", "language_delta"] | str
    id: str
    lang: str | None = None
    """Its language; null where it has none, and in answers that accept or cancel a job."""

    name: str | None = None
    """Its name, or the name of the file that is judged."""


class Score(Record):
    """How good the published adapter is on one set."""

    accuracy: float
    interval: list[float]
    """95 % interval of the accuracy: Wilson's, or where it is `estimated` one that knows of premises and of choices."""

    selected_on: bool = False
    """True for the development set: the epoch was chosen on it, so these figures flatter."""

    estimated: Literal["cross_fitted"] | str | None = None
    """Where all pairs trained: each was answered by an adapter that never saw its premise. Null for a set apart."""

    label_space: Literal["three_way", "two_way"] | str = "three_way"
    """The labels among which was chosen; figures of one space say nothing beside those of the other."""

    macro_f1: float
    """Mean F1 over the labels of `macro_f1_over`."""

    macro_f1_over: list[Literal["entailment", "neutral", "contradiction", "not_entailment"] | str] = [
        "entailment",
        "neutral",
        "contradiction",
    ]
    """The labels that occur in the set. Adapters made before they were noted have the mean over all three."""

    ece: float
    """Expected calibration error over 15 equal-width bins."""

    per_label: dict[str, LabelScore]
    confusion: list[list[int]]
    """`confusion[gold][predicted]` in the order entailment, neutral, contradiction, or entailment, not_entailment."""


class Source(Record):
    """One language of several that an adapter was trained on."""

    lang: str
    weight: float
    pairs: int
    """Labelled pairs that were read of it."""


class Start(Record):
    """The adapter that training began from, as it was then; it may have been deleted since."""

    id: str
    lang: str
    version: int
    carried: float | None = None
    """Share of its values other than zero that have a place on the ticket; null until published."""

    nested: bool | None = None
    """Whether one of the two tickets contains the other, or they are the same; null until published."""


class StoredAgreement(Record):
    """How the adapter with int8 values answered beside the same one with fp16 values, and which of them is stored."""

    pairs: int
    """The development pairs; where all were trained on, these."""

    labels_changed: int
    """Pairs to which the two gave different labels."""

    mean_difference: float
    """Of all probabilities."""

    largest_difference: float
    stored: Literal["int8", "fp16"] | str
    """With `delta_dtype` `auto` int8 where at most 0.5 % of labels changed, and probabilities by 0.01 in the mean."""


class Suggestion(Record):
    """A pair to have labelled."""

    line: int
    """Where its row starts in the file, from 1."""

    premise: str
    hypothesis: str
    probabilities: ThreeWay | TwoWay
    """What the adapter takes it for."""

    score: float
    """How unsure the adapter is: 0 where one label is certain, 1 where the two likeliest are as likely."""


class Suggestions(Record):
    """Pairs to have labelled, the first to label first."""

    items: list[Suggestion]
    adapter: AdapterRef
    pairs: int
    """Rows of the file."""

    judged: int
    """How many of them were looked at: of a large file a random sample."""


class ThreeWay(Record):
    """Probabilities of three labels; they sum to 1."""

    entailment: float
    neutral: float
    contradiction: float


class Threshold(Record):
    """What a target accuracy came to for one adapter."""

    adapter: AdapterRef
    min_confidence: float
    """Answers below it are marked `abstained`."""

    answered: float
    """Share of the pairs it was measured on that are answered so."""

    accuracy: float
    """How many of those were right."""


class Ticket(Record):
    """A binary mask over the backbone's parameters: the active ones train, the others stay as they are."""

    id: str
    name: str | None = None
    status: Literal["pending", "ready", "failed", "cancelled"] | str
    drift: str | None = None
    """
    The drift it was selected from. Null when that was deleted or belongs to another tenant, or the ticket came with
    an imported adapter.
    """

    origin: Literal["drift", "import"] | str
    shared: bool
    """Readable and usable by every tenant; changed and deleted by its own only."""

    backbone: str
    """Fingerprint of the backbone it belongs to."""

    language: str | None = None
    active_ratio: float
    active: int | None = None
    """Active parameters; exactly round(active_ratio x selectable)."""

    selectable: int | None = None
    """Parameters that could have been chosen."""

    moved: int | None = None
    """Selectable parameters whose drift is not zero."""

    zero_drift: int | None = None
    """Active parameters that never moved: the corpus was too small for the ratio."""

    rule: Literal["global", "per_layer"] | str
    layers: Literal["all", "lower", "middle", "upper"] | str | list[int]
    strategy: Literal["decoupled", "tied", "frozen_embeddings"] | str
    distribution: list[LayerShare]
    """Per layer; empty until the ticket is ready."""

    mask_bytes: int | None = None
    """Size of the stored mask."""

    created_at: AwareDatetime


class TicketPreview(Record):
    """A ticket as it would be."""

    active: int
    """Active parameters, exactly."""

    selectable: int
    """Parameters that could be chosen."""

    moved: int
    """Those of them whose drift is not zero."""

    zero_drift: int
    """Active parameters that never moved: the corpus was too small for the ratio."""

    distribution: list[LayerShare]
    """Per layer, to about a hundredth. Empty where a release before measured the drift: it did not keep the layers'."""

    mask_bytes: int
    """About the size of the mask as it is downloaded."""

    stored_mask_bytes: int
    """About its size where it is kept, compressed."""

    adapter_bytes: list[int]
    """
    What each adapter on it will take, at least and at most: 1.03 bytes a changed value in int8, 2 in fp16. Rows of
    the embeddings that no training text touches are not stored.
    """


class Timing(Record):
    """Milliseconds."""

    queue: float
    """Waiting for the engine."""

    compute: float
    """From the first pair to the last."""


class TwoWay(Record):
    """Probabilities of two labels; they sum to 1."""

    entailment: float
    not_entailment: float


class UnknownTokens(Record):
    """What the served backbone's vocabulary does not have of the texts."""

    tokens_share: float
    """`<unk>`, of the tokens that carry letters."""

    texts_share: float
    """Texts with at least one of them."""

    characters: list[str]
    """The characters behind them, the commonest first."""


class Version(Record):
    """What runs here."""

    version: str
    api: str
    python: str
    code: str
    """Version, and a hash of the code that figures depend on: two services that have it in common compute alike."""

    packages: dict[str, str]
    """Versions of the packages that compute."""


class Webhook(Record):
    """A webhook without its secret."""

    id: str
    url: str
    events: list[Literal["job.succeeded", "job.failed", "job.cancelled"] | str]
    """Which ends of jobs are told."""

    created_at: AwareDatetime


class WebhookCreated(Record):
    """A webhook with its secret, this once."""

    id: str
    url: str
    events: list[Literal["job.succeeded", "job.failed", "job.cancelled"] | str]
    """Which ends of jobs are told."""

    created_at: AwareDatetime
    secret: str
    """Messages are signed with it, as Standard Webhooks has it. It is not shown again."""


class Worker(Record):
    """A runner that was heard lately."""

    id: str
    host: str
    device: str
    job: str | None = None
    """The job it is doing, if that is one of yours; null also while it is doing another tenant's."""

    kinds: list[Literal["ticket", "adapter", "prediction", "language_delta"] | str] | None = None
    """Kinds of jobs it takes; of this, `backbone` and `code`, null if it is of a release that does not say so."""

    backbone: str | None = None
    """Fingerprint of its backbone: it takes only jobs for that one. Empty while it is being prepared."""

    code: str | None = None
    """Its release and the hash of its program, as `GET /version` has them of the API."""

    last_seen: AwareDatetime
