"""What is compared: a method, and for LTP which ticket it trains on. Written `sp`, `ltp@20`, `ltp@20:tied`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from ltp.backbone.strategy import Strategy
from ltp.config import LayerScope, Rule, TicketConfig
from ltp.errors import InvalidConfig, InvalidExperiment
from ltp.model.methods import METHODS

Kind = Literal["ft", "dp", "sp", "mp", "pt", "ltp"]
"""The methods that are compared (4.3). The trainer says which of them it knows."""

NAMES: dict[Kind, str] = {
    "ft": "fine-tuning with a classification head",
    "dp": "discrete prompt, all parameters",
    "sp": "soft prompt, all parameters",
    "mp": "mixed prompt, all parameters",
    "pt": "soft prompt alone",
    "ltp": "soft prompt and the ticket's parameters",
}
_FORM = re.compile(r"^ltp@(?P<percent>\d+(?:\.\d+)?)(?P<options>(?::[a-z_]+)*)$")
_FULL = 100


@dataclass(frozen=True)
class Variant:
    """One method as it is compared. `ticket` and `strategy` matter for LTP only."""

    method: Kind
    ticket: TicketConfig | None = None
    strategy: Strategy = "decoupled"

    @classmethod
    def parse(cls, text: str) -> Variant:
        """Read `ft`, or `ltp@PERCENT` with any of a strategy, a third of the layers, and a rule after colons.

        Raises:
            InvalidExperiment: it is neither.
        """
        plain = text.strip().casefold()
        if plain in METHODS and not METHODS[plain].needs_ticket:
            return cls(plain)
        if not (match := _FORM.match(plain)):
            raise InvalidExperiment(
                f"{text!r} is no method; it must be one of ft, dp, sp, mp, pt, or ltp@20 (20 % of the parameters),"
                " which may be followed by a strategy, layers or a rule: ltp@20:tied, ltp@20:middle, ltp@20:per_layer"
            )
        return cls._with_options(text, float(match["percent"]), match["options"].split(":")[1:])

    @classmethod
    def _with_options(cls, text: str, percent: float, options: list[str]) -> Variant:
        kinds = {"strategy": get_args(Strategy), "layers": get_args(LayerScope), "rule": get_args(Rule)}
        chosen: dict[str, str] = {}
        for option in options:
            kind = next((kind for kind, known in kinds.items() if option in known), None)
            if kind is None or kind in chosen:
                known = ", ".join(name for names in kinds.values() for name in names)
                raise InvalidExperiment(f"{text!r}: {option!r} must be one of {known}, and one of each kind")
            chosen[kind] = option
        try:
            ticket = TicketConfig(
                active_ratio=percent / _FULL,
                layers=cast("LayerScope", chosen.get("layers", "all")),
                rule=cast("Rule", chosen.get("rule", "global")),
            )
        except InvalidConfig as error:
            raise InvalidExperiment(f"{text!r}: {error}") from error
        return cls("ltp", ticket, cast("Strategy", chosen.get("strategy", "decoupled")))

    @property
    def key(self) -> str:
        """How it is written; `parse` reads it back."""
        if self.ticket is None:
            return self.method
        chosen = (self.strategy, str(self.ticket.layers), self.ticket.rule)
        usual = (Variant.strategy, TicketConfig.layers, TicketConfig.rule)
        options = [option for option, default in zip(chosen, usual, strict=True) if option != default]
        return ":".join([f"ltp@{self.percent:g}", *options])

    @property
    def percent(self) -> float:
        """The active ratio in per cent; 0 without a ticket."""
        return round(_FULL * self.ticket.active_ratio, 6) if self.ticket else 0.0

    @property
    def label(self) -> str:
        """How a report names it: `SP`, `LTP 20 %, tied`."""
        name, *options = self.key.split(":")
        words = [option.replace("_", " ") for option in options]
        return ", ".join([f"LTP {self.percent:g} %" if self.ticket else name.upper(), *words])
