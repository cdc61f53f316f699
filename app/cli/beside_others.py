"""An evaluated adapter beside guessing and another adapter on the same pairs, and what to try next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from app.cli.beside import comparison_line
from app.cli.failure import Failure
from app.cli.output import percent
from app.cli.prediction_requests import PredictionOptions, named, predict_pairs
from app.cli.references import STARTER, find_starter
from ltp.advice import Situation, next_steps
from ltp.comparison import beats_guessing, compare, guessing

if TYPE_CHECKING:
    from app.cli.command import Session
    from app.cli.label_spaces import Judged
    from ltp.text.examples import Example

NONE = "none"


def beside_others(
    session: Session,
    examples: Sequence[Example],
    predictions: Sequence[dict[str, Any]],
    found: Judged,
    *,
    other: str | None,
) -> dict[str, Any]:
    """What guessing gives, how `other` does on the same pairs, and advice if the answers are no better than guessing.

    `other` is an adapter, or `none`; None is the starter, unless there is none, or it answered itself.
    """
    scores = found.scores()
    told: dict[str, Any] = {"guessing": guessing(scores), "beats_guessing": beats_guessing(scores), "advice": []}
    judges = {given["adapter"]["id"]: given["adapter"] for given in predictions}
    known = session.client.get(f"/adapters/{next(iter(judges))}") if len(judges) == 1 else {}
    starter = find_starter(session.client)
    reference = other or (starter["id"] if starter and starter["id"] not in judges else None)
    if reference and reference != NONE:
        told["beside"] = _beside(session, examples, found, reference)
    if not told["beats_guessing"]:
        unknown = sum(given["unknown"] > 0 for given in predictions) / len(predictions)
        told["advice"] = next_steps(_situation(known, unknown, starter=starter is not None))
    return told


def _beside(session: Session, examples: Sequence[Example], found: Judged, reference: str) -> dict[str, Any]:
    pairs = [{"premise": example.premise, "hypothesis": example.hypothesis} for example in examples]
    answers = list(predict_pairs(session.client, PredictionOptions(reference), pairs))
    (other,) = judged_alike(examples, answers, two_way=found.space == "two_way")
    refuse_unlike(found, other)
    compared = compare(found.right, other.right, [example.premise.strip() for example in examples])
    return {"adapter": named(answers[0]["adapter"]), "accuracy": compared.second, **compared.as_dict()}


def judged_alike(examples: Sequence[Example], *answers: Sequence[dict[str, Any]], two_way: bool) -> list[Judged]:
    """Judge the answers of several adapters. Raises Failure unless all are in one label space."""
    from app.cli.label_spaces import judged

    found = [judged(examples, given, two_way=two_way) for given in answers]
    refuse_unlike(*found)
    return found


def refuse_unlike(*found: Judged) -> None:
    """Raise Failure unless all were scored in one label space."""
    if len({each.space for each in found}) > 1:
        spaces = " and ".join(each.space for each in found)
        raise Failure("label_spaces_differ", f"these answer {spaces}; --as two_way has them alike")


def _situation(adapter: dict[str, Any], unknown: float, *, starter: bool) -> Situation:
    return Situation(
        lang=adapter.get("lang") or "LANG",
        pairs=(adapter.get("examples") or {}).get("train"),
        started=_started(adapter),
        starter=starter,
        has_text=bool(adapter.get("language_delta")),
        unknown=unknown,
    )


def _started(adapter: dict[str, Any]) -> bool:
    """Whether it began from another; of an import its file says it."""
    begun = adapter.get("start") or (adapter.get("training") or {}).get("start")
    return bool(begun) or adapter.get("origin") in {STARTER, "composed"}


def beside_lines(report: dict[str, Any]) -> Iterator[str]:
    """What of it is said."""
    from rich.markup import escape

    better = "better than" if report["beats_guessing"] else "[yellow]no better than[/yellow]"
    yield f"{better} guessing, which gives {percent(report['guessing'])}"
    if beside := report.get("beside"):
        sentence = comparison_line(", ".join(report["adapters"]), beside["adapter"], beside)
        yield f"{escape(beside['adapter'])} gives {percent(beside['accuracy'])} on the same pairs; {escape(sentence)}"
    if report["advice"]:
        yield "what to try next:"
        yield from (f"  - {escape(step)}" for step in report["advice"])
