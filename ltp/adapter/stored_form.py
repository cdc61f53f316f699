"""In which form an adapter's values are stored: int8 codes where these answer as fp16 values do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

from ltp.adapter.agreement import compared
from ltp.adapter.artefact import Adapter
from ltp.adapter.report import Scored
from ltp.config import AUTO, StoredDtype
from ltp.delta.delta import DeltaDtype

AGREEMENT = "stored_agreement"
"""Of the metrics: how codes answered beside fp16 values, and which of the two are stored."""
DIGITS = 4
"""Of differences that are told: further ones depend on the number of threads."""


class StoredForm(NamedTuple):
    """What is published, what it answers to the pairs on which forms were compared, and what metrics say of that."""

    adapter: Adapter
    scored: Scored | None
    """None where only the exact form can have been scored."""
    dtype: DeltaDtype
    metrics: dict[str, Any]


def compared_as(wanted: StoredDtype) -> DeltaDtype:
    """The form in which adapters are chosen among; codes come after the choice."""
    return "fp32" if wanted == "fp32" else "fp16"


def stored_form(
    wanted: StoredDtype,
    exact: Adapter,
    scored: Scored | None,
    *,
    encode: Callable[[DeltaDtype], Adapter],
    score: Callable[[Adapter], Scored],
) -> StoredForm:
    """Take int8 codes in place of `exact` where they are wanted, or where it is `auto` and they answer alike.

    `encode` makes the same adapter in another form, and `score` has one answer the pairs on which forms are compared;
    `scored` is what `exact` answers to them, where that is known.
    """
    as_it_is = StoredForm(exact, None, compared_as(wanted), {})
    if wanted not in (AUTO, "int8") or not exact.delta.values:
        return as_it_is
    coded = encode("int8")
    exactly, its = scored or score(exact), score(coded)
    agreement = compared(*(each.logits.softmax(1).numpy() for each in (exactly, its)))
    taken = wanted == "int8" or agreement.passes()
    form = StoredForm(coded, its, "int8", {}) if taken else as_it_is
    told = {name: round(figure, DIGITS) for name, figure in asdict(agreement).items()}
    return form._replace(metrics={AGREEMENT: {**told, "stored": form.dtype}})
