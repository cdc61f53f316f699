"""What an adapter answered to the pairs that it is scored on: written by its training, kept with it, erased with it.

One gzipped file of JSON lines. The first says what the others are of; each other is a pair with its label, what the
adapter took it for, and a probability a label. Bounded in bytes, so that it is read whole.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from app.errors import BlobNotFound, NotReadyYet, PairsNotKept
from app.storage.blobs import BlobStore
from app.storage.models import AdapterRow
from ltp import atomic_file
from ltp.config import LABEL_SPACES, Label, LabelSpace
from ltp.text.examples import Example

KEPT_BYTES = 16 * 1024 * 1024
"""Most of an adapter's answers, before they are compressed: some sixty thousand pairs. The first that fit are kept."""
DIGITS = 6
Part = Literal["train", "dev"]
Estimated = Literal["cross_fitted"] | None
Sort = Literal["file", "certainty", "uncertainty"]
Probabilities = Sequence[Sequence[float]]

WHY_NOT = {
    "import": "it was imported, and answers are no part of an export",
    "composed": "it was composed of others, and was scored on no pairs",
    "starter": "it came with the program",
    "training": "it was trained by a release before they were kept; train it again",
}
"""By the adapter's origin."""


@dataclass(frozen=True)
class Answer:
    """One pair, and what the adapter answered. `probabilities` are in the order of the label space."""

    line: int | None
    lang: str | None
    premise: str
    hypothesis: str
    label: Label
    predicted: Label
    probabilities: tuple[float, ...]

    @property
    def is_right(self) -> bool:
        """Whether it answered the label."""
        return self.label == self.predicted

    @property
    def certainty(self) -> float:
        """The probability of what it answered."""
        return max(self.probabilities)

    def by_label(self, space: LabelSpace) -> dict[Label, float]:
        """The probability of each label of its adapter's space."""
        return dict(zip(LABEL_SPACES[space], self.probabilities, strict=True))


@dataclass(frozen=True)
class Wanted:
    """Which of the answers, and in which order."""

    wrong: bool | None = None
    label: Label | None = None
    predicted: Label | None = None
    sort: Sort = "file"

    def has(self, answer: Answer) -> bool:
        """Whether an answer is one of them."""
        if self.wrong is not None and self.wrong == answer.is_right:
            return False
        return self.label in (None, answer.label) and self.predicted in (None, answer.predicted)


@dataclass(frozen=True)
class Answers:
    """All that were kept of an adapter, as lines of JSON; `judged` is how many pairs there were."""

    part: Part
    estimated: Estimated
    judged: int
    label_space: LabelSpace
    has_langs: bool
    lines: Sequence[bytes]

    def __getitem__(self, place: int) -> Answer:
        kept = json.loads(self.lines[place])
        return Answer(**{**kept, "probabilities": tuple(kept["probabilities"])})

    def chosen(self, wanted: Wanted) -> list[int]:
        """The places of those that are wanted, in the order that is."""
        found = [(answer.certainty, place) for place in range(len(self.lines)) if wanted.has(answer := self[place])]
        if wanted.sort == "file":
            return [place for _, place in found]
        sign = -1 if wanted.sort == "certainty" else 1
        return [place for _, place in sorted(found, key=lambda each: (sign * each[0], each[1]))]


def write(
    path: Path,
    examples: Sequence[Example],
    probabilities: Probabilities,
    *,
    part: Part,
    estimated: Estimated,
    label_space: LabelSpace,
) -> None:
    """Write what was answered to these examples, (N, K) probabilities, as many of the first as may be kept."""
    langs = any(example.lang for example in examples)
    about = {
        "part": part,
        "estimated": estimated,
        "judged": len(examples),
        "label_space": label_space,
        "has_langs": langs,
    }
    content = b"".join([_line(about), *_fitting(_rows(examples, probabilities, LABEL_SPACES[label_space]))])
    with atomic_file.new_content(path) as file:
        file.write(gzip.compress(content, mtime=0))


def _rows(examples: Sequence[Example], probabilities: Probabilities, labels: Sequence[Label]) -> Iterator[bytes]:
    for example, chances in zip(examples, probabilities, strict=True):
        yield _line(
            {
                "line": example.line,
                "lang": example.lang,
                "premise": example.premise,
                "hypothesis": example.hypothesis,
                "label": example.label,
                "predicted": labels[max(range(len(labels)), key=lambda index: chances[index])],
                "probabilities": [round(float(chance), DIGITS) for chance in chances],
            }
        )


def _fitting(rows: Iterable[bytes]) -> Iterator[bytes]:
    left = KEPT_BYTES
    for row in rows:
        left -= len(row)
        if left < 0:
            return
        yield row


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read(store: BlobStore, adapter: AdapterRow, *, tenant: str) -> Answers:
    """Read an adapter's answers for a tenant.

    Raises:
        NotReadyYet: it is not published.
        PairsNotKept: there are none, or they are another tenant's, who shares the adapter and not its pairs.
    """
    blob_id = _blob_of(adapter, tenant=tenant)
    try:
        content = gzip.decompress(store.read(blob_id))
    except BlobNotFound as error:
        raise PairsNotKept("answers", adapter.id, "they were deleted") from error
    first, *lines = content.splitlines()
    return Answers(**json.loads(first), lines=lines)


def _blob_of(adapter: AdapterRow, *, tenant: str) -> str:
    if adapter.status != "ready":
        raise NotReadyYet(f"adapter {adapter.id} is {adapter.status}; it has answered nothing yet")
    if adapter.tenant != tenant and adapter.origin != "starter":
        raise PairsNotKept("answers", adapter.id, "it is another tenant's, and so are the pairs that it was scored on")
    if adapter.answers_blob_id is None:
        raise PairsNotKept("answers", adapter.id, WHY_NOT[adapter.origin])
    return adapter.answers_blob_id
