"""What a training run is given, checked and encoded once: examples in the template, rates, and the run's identity."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor

from ltp.adapter.hyperparameters import check_start, rates_of, released, resolve
from ltp.adapter.micro_batches import USUAL, PartSize
from ltp.adapter.mixture import OWN, Mixture, mixture_of
from ltp.adapter.reading import losses_of
from ltp.adapter.start import Start
from ltp.backbone.architecture import DECODER
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import Strategy, strategy_of_checkpoint
from ltp.config import AdapterConfig, Label, Precision
from ltp.errors import BackboneMismatch, ExamplesError, InvalidConfig
from ltp.model.methods import METHODS, Method, TuningMethod
from ltp.model.template import Encoded, Template
from ltp.model.verbalizer import Verbalizer, verbalizer_of
from ltp.text.examples import Example, check_trainable, texts_of
from ltp.text.examples.findings import PARTS
from ltp.text.vocabulary import Vocabulary
from ltp.ticket.mask import Ticket
from ltp.training.checkpoint import identity_of


@dataclass(frozen=True)
class Labelled:
    """Encoded pairs with their labels, (N,) int64, and the languages that their examples name (`OWN` for none)."""

    encoded: list[Encoded]
    labels: Tensor
    langs: tuple[str, ...] = ()
    """As many as there are pairs, or none."""

    def __len__(self) -> int:
        return len(self.encoded)


@dataclass(frozen=True)
class TrainingPlan:
    """One training run before its first step. `ticket` is None for methods that need none."""

    backbone: Backbone
    ticket: Ticket | None
    method: Method
    config: AdapterConfig
    """With epochs, both learning rates and precision filled in."""
    seeds: int
    train: Labelled
    dev: Labelled
    test: Labelled
    identity: str
    lost: dict[str, Any]
    """What the report says of texts that were cut and words that are not known (`losses_of`)."""
    verbalizer: Verbalizer
    words: Tensor | None
    """Its tokens, (K,); None under a classification head."""
    part_size: PartSize = USUAL
    """How much of a batch is computed at a time."""
    start: Start | None = None
    """What training begins from; None for the pretrained values."""
    mixture: Mixture | None = None
    """How several sources are drawn from; None where every pass has all examples once."""
    rates: tuple[float, ...] = ()
    """Learning rates that are to be tried, where none is given."""
    sources: Labelled | None = None
    """Where folds are trained, what every one of them has besides its part of `train`."""

    @property
    def recipe(self) -> TuningMethod:
        """What the method chooses."""
        return METHODS[self.method]

    @property
    def strategy(self) -> Strategy:
        """Whether input and output embeddings are one: as the ticket was drawn, else as the checkpoint stores them."""
        if self.ticket is not None:
            return self.ticket.strategy
        predicts = self.recipe.dense and self.words is not None
        return strategy_of_checkpoint(ties_output=predicts and DECODER not in self.backbone.parameters)

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the training examples."""
        return -(-self.pairs_per_epoch // self.config.batch_size)

    @property
    def pairs_per_epoch(self) -> int:
        """Examples of one pass."""
        return len(self.train) if self.mixture is None else self.mixture.pairs

    @property
    def learning_rate(self) -> float:
        """Of the model's parameters that train, and of a classification head."""
        return cast("float", self.config.learning_rate)

    @property
    def prompt_learning_rate(self) -> float:
        """Of the soft prompt."""
        return self.config.prompt_learning_rate or self.learning_rate

    @property
    def epochs(self) -> int:
        """Passes over the training examples."""
        return cast("int", self.config.epochs)

    @property
    def precision(self) -> Precision:
        """Arithmetic of training."""
        return cast("Precision", self.config.precision)

    @property
    def started(self) -> dict[str, Any]:
        """What a report says of the start: its facts and hash, and whether its prompt is gone on with."""
        if self.start is None:
            return {}
        carried = self.start.carries_prompt(self.method)
        return {**self.start.facts, "sha256": self.start.sha256, "prompt": "carried over" if carried else "new"}

    @property
    def pad(self) -> int:
        """The backbone's `<pad>`, from which positions are counted."""
        return self.backbone.special.pad


def make_plan(
    backbone: Backbone,
    ticket: Ticket | None,
    *,
    method: Method,
    train: Sequence[Example],
    dev: Sequence[Example] | None,
    test: Sequence[Example],
    config: AdapterConfig,
    seeds: int,
    part_size: PartSize = USUAL,
    verbalizer: Verbalizer | None = None,
    start: Start | None = None,
    source_weights: Mapping[str, float] | None = None,
) -> TrainingPlan:
    """Check and encode everything. `dev` is None where the training examples judge, and those of each fold are its own.

    With `source_weights`, by language, the training examples of each language are a source that is drawn from.

    Raises:
        BackboneMismatch: the ticket was drawn on another backbone.
        InvalidConfig: a value does not fit the backbone or the method.
        ExamplesError, TooFewExamples: see `check_trainable`.
        UnknownText, VerbalizerNotSingleToken: none of a part's words is in the vocabulary; see `answer_tokens`.
    """
    verbalizer = verbalizer or verbalizer_of(method)
    ticket = _ticket_for(method, ticket, backbone)
    if seeds < 1:
        raise InvalidConfig("seeds", seeds, "at least 1")
    check_trainable(train, verbalizer.label_space)
    vocabulary = Vocabulary(backbone.tokenizer, config.text_form)
    given = {"train": train, "dev": dev or (), "test": test}
    for examples in given.values():
        vocabulary.refuse_unknown(texts_of(examples))
    template = _template(backbone, config, METHODS[method])
    check_start(start, method, config)
    resolved = resolve(config, backbone, start)
    rates = rates_of(config, resolved)
    langs = [example.lang or OWN for example in train]
    mixture = None if source_weights is None else mixture_of(langs, source_weights, resolved)
    facts: dict[str, Any] = {"backbone": backbone.info.fingerprint, "ticket": ticket.sha256 if ticket else None}
    facts |= {"train": _contents(train), "dev": _contents(dev or ()), **_unusual(verbalizer, method)}
    facts |= _newer(start, None if mixture is None else [langs, mixture.weights], rates)
    encoded = _encoded(template, given, verbalizer.labels, {"test", *(["dev"] if dev is None else [])})
    return TrainingPlan(
        backbone=backbone,
        ticket=ticket,
        method=method,
        config=resolved,
        seeds=seeds,
        **encoded,
        identity=identity_of(kind="adapter", method=method, config=released(resolved), seeds=seeds, **facts),
        lost=losses_of({part: (encoded[part].encoded, examples) for part, examples in given.items()}, vocabulary),
        verbalizer=verbalizer,
        words=None if verbalizer.by_label is None else backbone.tokens_of(verbalizer.by_label),
        part_size=part_size,
        start=start,
        mixture=mixture,
        rates=rates,
    )


def _template(backbone: Backbone, config: AdapterConfig, recipe: TuningMethod) -> Template:
    return Template(
        backbone,
        prompt_length=config.prompt_length,
        max_length=config.max_length,
        text_form=config.text_form,
        literal=config.literal,
        form=recipe.form,
    )


def _ticket_for(method: Method, ticket: Ticket | None, backbone: Backbone) -> Ticket | None:
    if not METHODS[method].needs_ticket:
        if ticket is not None:
            raise InvalidConfig("ticket", ticket.sha256, f"none: method {method!r} trains without one")
        return None
    if ticket is None:
        raise InvalidConfig("ticket", None, f"a ticket: method {method!r} trains its active parameters")
    if ticket.backbone != backbone.info.fingerprint:
        raise BackboneMismatch(artefact=ticket.backbone, backbone=backbone.info.fingerprint)
    return ticket


def _unusual(verbalizer: Verbalizer, method: Method) -> dict[str, Any]:
    """What a run's identity says of its labels and words where they are not the paper's."""
    return {} if verbalizer == verbalizer_of(method) else {"verbalizer": asdict(verbalizer)}


def _newer(start: Start | None, mixture: list[Any] | None, rates: Sequence[float]) -> dict[str, Any]:
    """What a run's identity says of what the releases before did not have; nothing where it is not used."""
    begins = None if start is None else start.sha256
    told = {"start": begins, "mixture": mixture, "rates": rates or None}
    return {name: value for name, value in told.items() if value is not None}


def _encoded(
    template: Template, given: Mapping[str, Sequence[Example]], labels: Sequence[Label], may_lack: Collection[str]
) -> dict[str, Labelled]:
    """Encode every part; of some there may be no examples."""
    return {
        part: _labelled(template, examples, PARTS[part], labels)
        if examples or part not in may_lack
        else Labelled([], torch.empty(0, dtype=torch.int64))
        for part, examples in given.items()
    }


def _contents(examples: Sequence[Example]) -> list[tuple[str, str, str | None]]:
    return [(example.premise, example.hypothesis, example.label) for example in examples]


def _labelled(template: Template, examples: Sequence[Example], part: str, names: Sequence[Label]) -> Labelled:
    if not examples:
        raise ExamplesError(f"there are no {part} examples")
    labels = []
    for number, example in enumerate(examples, start=1):
        if example.label is None:
            raise ExamplesError(f"{part} example {number} has no label", line=example.line)
        if example.label not in names:
            known = " and ".join(names)
            raise ExamplesError(
                f"{part} example {number} is {example.label}; here labels are {known}", line=example.line
            )
        labels.append(names.index(example.label))
    encoded = template.encode([(example.premise, example.hypothesis) for example in examples])
    return Labelled(encoded, torch.tensor(labels), tuple(example.lang or OWN for example in examples))
