"""Bounds that make an experiment smaller, and sentences on what they leave out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from ltp.config import Precision
from ltp.errors import InvalidExperiment
from ltp.reproduce.plan.experiment import Experiment, Setting
from ltp.reproduce.plan.rates import format_rate
from ltp.reproduce.plan.variant import Variant


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What to do less of; None leaves the experiment's own value."""

    methods: tuple[Variant, ...] | None = None
    """Instead of each setting's methods; of an experiment on tickets, instead of these."""
    shots: tuple[int, ...] | None = None
    """Instead of each setting's K."""
    seeds: int | None = None
    languages: tuple[str, ...] | None = None
    """Only these of the languages scored, and trained on for themselves."""
    pairs: int | None = None
    epochs: int | None = None
    rates: tuple[float, ...] | None = None
    """Instead of the grid of learning rates; empty for the paper's rate alone."""
    precision: Precision | None = None
    sentences: int | None = None
    passes: int | None = None

    def over(self, other: Bounds) -> Bounds:
        """These bounds, and the other's where these leave a value open."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(other, **{name: value for name, value in given.items() if value is not None})

    def applied(self, experiment: Experiment) -> Experiment:
        """The experiment within these bounds.

        Raises:
            InvalidExperiment: nothing is left of it, or a value cannot be.
        """
        plain = ("seeds", "pairs", "epochs", "rates", "precision", "sentences", "passes")
        given = {name: value for name in plain if (value := getattr(self, name)) is not None}
        settings = [smaller for setting in experiment.settings if (smaller := self._setting(setting))]
        if self.languages is not None:
            known = {language for setting in experiment.settings for language in setting.languages}
            if unknown := [language for language in self.languages if language not in known]:
                of = f"{experiment.name} scores {', '.join(sorted(known)) or 'none'}"
                raise InvalidExperiment(f"{', '.join(unknown)}: there is no such language in it; {of}")
        tickets = experiment.tickets
        if self.methods is not None and tickets:
            tickets = tuple(variant for variant in self.methods if variant.ticket is not None)
        return replace(experiment, settings=tuple(settings), tickets=tickets, **given)

    def _setting(self, setting: Setting) -> Setting | None:
        chosen = self.languages
        languages = tuple(name for name in setting.languages if chosen is None or name in chosen)
        if not languages:
            return None
        given = {name: value for name in ("methods", "shots") if (value := getattr(self, name)) is not None}
        return replace(setting, languages=languages, **given)


def differences(full: Experiment, bounded: Experiment) -> list[str]:
    """Say what `bounded` does otherwise than `full`, a sentence each."""
    said = [_capital(text) for text in _of_settings(full, bounded)]
    words: dict[str, Callable[[Any], str]] = {
        "seeds": "seeds: {}".format,
        "rates": lambda value: f"grid of learning rates: {', '.join(map(format_rate, value)) or 'none'}",
        "epochs": "epochs: {}".format,
        "sentences": "unlabelled sentences at most: {:,}".format,
        "passes": "passes over them: {}".format,
        "pairs": lambda value: f"test pairs a language: {'all' if value is None else f'the first {value:,}'}",
        "precision": "precision: {}".format,
    }
    for name, say in words.items():
        own, wanted = getattr(bounded, name), getattr(full, name)
        if own != wanted:
            said.append(f"{_capital(say(own))} instead of {say(wanted).partition(': ')[2]}.")
    if bounded.tickets != full.tickets:
        said.append(f"Tickets: {_keys(bounded.tickets)} instead of {_keys(full.tickets)}.")
    return said


def _of_settings(full: Experiment, bounded: Experiment) -> Iterator[str]:
    kept = {setting.name: setting for setting in bounded.settings}
    for setting in full.settings:
        where = f"{setting.title}, " if len(full.settings) > 1 else ""
        if (own := kept.get(setting.name)) is None:
            yield f"{setting.title}: left out."
            continue
        if own.methods != setting.methods:
            yield f"{where}methods: {_keys(own.methods)} instead of {_keys(setting.methods)}."
        if own.shots != setting.shots:
            yield f"{where}K: {_numbers(own.shots)} instead of {_numbers(setting.shots)}."
        if own.languages != setting.languages:
            yield f"{where}languages: {', '.join(own.languages)} ({len(own.languages)} of {len(setting.languages)})."


def _keys(variants: tuple[Variant, ...]) -> str:
    return ", ".join(variant.key for variant in variants) or "none"


def _numbers(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
