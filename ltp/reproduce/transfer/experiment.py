"""What is compared: recipes, the tests they are scored on, and in which order the work is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from ltp.config import AdapterConfig, Average, Estimate, Order, Precision, Schedule
from ltp.errors import InvalidConfig, InvalidExperiment
from ltp.model.methods import METHODS
from ltp.reproduce.data.draw import ALL

ALL_WORD = "all"
HYPERPARAMETERS = (
    *("epochs", "learning_rate", "prompt_learning_rate", "batch_size", "max_length"),
    *("order", "schedule", "attention_dropout"),
)
"""Of `AdapterConfig`, what a recipe may set."""
Trained = Literal["ltp", "ft", "sp"]
Line = Literal["clean", "shipped", "further"]
"""Which starter: one that never saw the rows that shots translate, the one that is shipped, or any other."""
LINES: tuple[Line, ...] = get_args(Line)
USUAL: tuple[Line, ...] = ("clean", "shipped")
"""The starters that a step is done with if it does not say."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One way from a starter, or from the pretrained values, to a classifier."""

    name: str
    title: str
    method: Trained | Literal["zero-shot"] = "ltp"
    """`zero-shot` scores the starter itself; it takes no shots."""
    start: Literal["starter", "pretrained"] = "starter"
    estimate: Estimate = "cross_fit"
    """`cross_fit` trains on both sides of a sample; `holdout` on one, and chooses by the other."""
    average: Average = "none"
    publish: Literal["folds", "all"] | None = None
    """What cross-fitting publishes; None for its own default."""
    language_text: bool = False
    """Whether training begins on top of an MLM run in the language's own text, where there is one."""
    joint: bool = False
    """Whether a bounded sample of the source languages is trained on together with the shots."""
    epochs: int | None = None
    learning_rate: float | None = None
    prompt_learning_rate: float | None = None
    batch_size: int | None = None
    max_length: int | None = None
    order: Order | None = None
    schedule: Schedule | None = None
    attention_dropout: bool | None = None
    against: str = ""
    """The recipe that this one is tested against, seed by seed and pair by pair."""

    def __post_init__(self) -> None:
        """Check what cannot be together. Raises InvalidExperiment."""
        if self.method == "zero-shot" and self.start != "starter":
            raise InvalidExperiment(f"recipe {self.name!r} scores a starter; it cannot begin from pretrained values")
        if self.language_text and not self.on_ticket:
            raise InvalidExperiment(f"recipe {self.name!r}: a language's text is for method 'ltp' alone")
        try:
            self.config("fp32", seed=0)
        except InvalidConfig as error:
            raise InvalidExperiment(f"recipe {self.name!r}: {error}") from error

    @property
    def trains(self) -> bool:
        """Whether it takes shots."""
        return self.method != "zero-shot"

    @property
    def on_ticket(self) -> bool:
        """Whether it trains a ticket's parameters."""
        return self.method in METHODS and METHODS[self.method].needs_ticket

    @property
    def starts(self) -> bool:
        """Whether it differs from one starter to another."""
        return self.start == "starter"

    def config(self, precision: Precision, *, seed: int) -> AdapterConfig:
        """The configuration of one training; what the recipe leaves open is the stage's own default."""
        given = {name: getattr(self, name) for name in HYPERPARAMETERS}
        chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        chosen |= {"estimate": self.estimate, "average": self.average, "delta_dtype": "fp16"}
        return AdapterConfig(precision=precision, seed=seed, **chosen)

    def facts(self) -> dict[str, Any]:
        """All that decides a figure; not how it is called, nor what it is held against."""
        return {name: value for name, value in asdict(self).items() if name not in {"name", "title", "against"}}


@dataclass(frozen=True, kw_only=True)
class Target:
    """Test files of one benchmark, and where shots for their languages come from."""

    name: str
    title: str
    test: str
    """The benchmark whose test files are scored."""
    pool: str
    """The benchmark whose development files shots are drawn from."""
    languages: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    """Languages whose shots come from another file: `swa=xnli/sw`."""

    def source(self, language: str) -> tuple[str, str]:
        """Benchmark and language of the development file that a language's shots come from."""
        for entry in self.elsewhere:
            own, _, place = entry.partition("=")
            if own == language:
                suite, _, there = place.partition("/")
                return suite, there
        return self.pool, language


@dataclass(frozen=True, kw_only=True)
class Step:
    """Part of the work, done before the steps below it; what is empty stands for all there is (of lines: `USUAL`)."""

    recipes: tuple[str, ...]
    targets: tuple[str, ...] = ()
    shots: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A mean accuracy, in per cent, that was hoped for of the clean starter."""

    target: str
    recipe: str
    at_least: float
    shots: str = ""
    language: str = ""
    """One language of the target instead of the mean over all."""


@dataclass(frozen=True, kw_only=True)
class TransferExperiment:
    """A whole experiment; `TransferBounds` make a smaller one of it."""

    name: str
    title: str
    about: str
    recipes: tuple[Recipe, ...]
    targets: tuple[Target, ...]
    steps: tuple[Step, ...]
    goals: tuple[Goal, ...] = ()
    shots: tuple[str, ...] = ("32", "16", "8", ALL_WORD)
    seeds: int = 3
    pairs: int | None = None
    """Test pairs a language, the first of each file; None takes all."""
    precision: Precision = "bf16"
    """Arithmetic of training and scoring."""
    text: str = "americas-text"
    """The folder of the languages' own texts, `LL.txt` each."""
    text_epochs: int | None = None
    """Passes over a language's own text; None for what suits its length."""
    joint_pairs: int = 300
    """Pairs of the source languages at most that a joint training adds."""

    def __post_init__(self) -> None:
        """Check names against each other. Raises InvalidExperiment."""
        recipes, targets = [each.name for each in self.recipes], [each.name for each in self.targets]
        for kind, names in (("recipe", recipes), ("target", targets)):
            if len(set(names)) < len(names) or not names:
                raise InvalidExperiment(f"every {kind} needs a name of its own; there is {', '.join(names) or 'none'}")
        for step in self.steps:
            _known(step.recipes, recipes, "recipe")
            _known(step.targets, targets, "target")
            _known(step.lines, LINES, "line")
            [shots_of(word) for word in step.shots]
        _known([each.against for each in self.recipes if each.against], recipes, "recipe")
        _known([goal.recipe for goal in self.goals], recipes, "recipe")
        _known([goal.target for goal in self.goals], targets, "target")
        if not [shots_of(word) for word in self.shots] or self.seeds < 1 or (self.pairs or 1) < 1:
            raise InvalidExperiment(f"{self.name}: shots, seeds and pairs must be at least one")

    def recipe(self, name: str) -> Recipe:
        """By its name."""
        return next(recipe for recipe in self.recipes if recipe.name == name)

    def target(self, name: str) -> Target:
        """By its name."""
        return next(target for target in self.targets if target.name == name)


@dataclass(frozen=True, kw_only=True)
class TransferBounds:
    """What to do less of; None leaves the experiment's own value."""

    recipes: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    shots: tuple[str, ...] | None = None
    lines: tuple[Line, ...] | None = None
    seeds: int | None = None
    pairs: int | None = None
    epochs: int | None = None
    precision: Precision | None = None

    def over(self, other: TransferBounds) -> TransferBounds:
        """These bounds, and the other's where these leave a value open."""
        return replace(other, **{name: value for name, value in vars(self).items() if value is not None})

    def applied(self, full: TransferExperiment) -> TransferExperiment:
        """The experiment within these bounds. Raises InvalidExperiment: a bound names what is not in it."""
        plain = {name: value for name in ("seeds", "pairs", "precision", "shots") if (value := getattr(self, name))}
        targets = tuple(self._target(target) for target in full.targets)
        if self.languages is not None:
            _known(self.languages, [name for target in full.targets for name in target.languages], "language")
        if self.recipes is not None:
            _known(self.recipes, [recipe.name for recipe in full.recipes], "recipe")
        recipes = full.recipes
        if self.epochs is not None:
            recipes = tuple(replace(recipe, epochs=self.epochs) for recipe in recipes)
        kept = tuple(target for target in targets if target.languages)
        steps = tuple(
            step for each in full.steps if (step := self._step(each, plain.get("shots"), [one.name for one in kept]))
        )
        return replace(full, targets=kept, steps=steps, recipes=recipes, goals=self._goals(full, kept), **plain)

    def _target(self, target: Target) -> Target:
        chosen = self.languages
        return replace(target, languages=tuple(each for each in target.languages if chosen is None or each in chosen))

    def _step(self, step: Step, shots: Sequence[str] | None, targets: Sequence[str]) -> Step | None:
        """The part of a step that is left, or None."""
        recipes = tuple(name for name in step.recipes if self.recipes is None or name in self.recipes)
        lines = tuple(name for name in step.lines or USUAL if self.lines is None or name in self.lines)
        left = tuple(name for name in step.targets or targets if name in targets)
        own = tuple(word for word in step.shots if shots is None or word in shots)
        if not recipes or not lines or not left or (step.shots and not own):
            return None
        return replace(step, recipes=recipes, lines=lines, targets=left, shots=own)

    def _goals(self, full: TransferExperiment, kept: Sequence[Target]) -> tuple[Goal, ...]:
        """The goals whose mean covers every language that it was set for."""
        whole = {target.name for target in kept if target in full.targets}
        return tuple(goal for goal in full.goals if goal.target in whole)


def shots_of(word: str) -> int:
    """The number of examples of each label; `ALL` for `all`. Raises InvalidExperiment."""
    if word == ALL_WORD:
        return ALL
    if not word.isdecimal() or int(word) < 1:
        raise InvalidExperiment(f"{word!r} is no number of shots; it must be at least 1, or {ALL_WORD}")
    return int(word)


def shots_word(shots: int | None) -> str:
    """How a number of shots is written; a dash for none."""
    return "–" if shots is None else ALL_WORD if shots == ALL else str(shots)


def _known(names: Sequence[str], known: Sequence[str], what: str) -> None:
    if unknown := [name for name in names if name not in known]:
        raise InvalidExperiment(f"there is no {what} {unknown[0]!r}; there is {', '.join(dict.fromkeys(known))}")
