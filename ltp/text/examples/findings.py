"""What people should know of their examples before they believe in them: counted and said, never removed in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ltp.text.examples.example import Example
from ltp.text.examples.overlap import leaks, repeats, shared_premises

Part = Literal["train", "dev", "test"]
PARTS: dict[str, str] = {"train": "training", "dev": "development", "test": "test"}
"""The parts of a set, and what people call them."""


@dataclass(frozen=True)
class Findings:
    """Counts by part; a part without any is left out."""

    repeated: dict[str, int]
    """Examples whose pair stands earlier in the same part."""
    conflicting: dict[str, int]
    """Of those, examples with another label than the first had."""
    leaked: dict[str, int]
    """Held-out examples whose pair is in training, too."""
    shared_premises: dict[str, int]
    """Premises of held-out examples that are in training, too."""

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return asdict(self)

    def sentences(self) -> Iterator[str]:
        """Say what was found."""
        for part, count in self.repeated.items():
            conflicts = self.conflicting.get(part, 0)
            with_another = f", {conflicts:,} of them with another label" if conflicts else ""
            yield f"{count:,} of the {PARTS[part]} examples repeat an earlier one{with_another}"
        for part, count in self.leaked.items():
            yield f"{count:,} of the {PARTS[part]} examples also stand in training: scores on them say little"
        for part, count in self.shared_premises.items():
            yield f"{count:,} premises of the {PARTS[part]} examples also stand in training"


def examine(parts: Mapping[Part, Sequence[Example]]) -> Findings:
    """Look at the parts of a set: `train`, and `dev` and `test` if they were given."""
    train = parts.get("train", ())
    repeated = {part: repeats(examples) for part, examples in parts.items()}
    held_out = {part: examples for part, examples in parts.items() if part != "train"}
    return Findings(
        repeated=_found({part: len(again) for part, again in repeated.items()}),
        conflicting=_found({part: sum(differs for _, differs in again) for part, again in repeated.items()}),
        leaked=_found({part: len(leaks(train, examples)) for part, examples in held_out.items()}),
        shared_premises=_found({part: len(shared_premises(train, examples)) for part, examples in held_out.items()}),
    )


def _found(counts: Mapping[Part, int]) -> dict[str, int]:
    return {part: count for part, count in counts.items() if count}
