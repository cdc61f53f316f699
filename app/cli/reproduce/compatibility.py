"""Whether a service's figures would be those of this program: the same backbone, code, packages and arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from app.cli.failure import Failure
from app.cli.reproduce.requests import scored_pairs
from ltp.backbone.manifest import BackboneInfo
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.plan.cell import Cell, EvaluationCell
from ltp.reproduce.run.identity import arithmetic, code_version

if TYPE_CHECKING:
    from app.cli.client import Client


def check_service(client: Client, cells: Iterable[Cell], *, backbone: BackboneInfo, data: DataFolder) -> None:
    """Refuse what would give other figures, or none, before any job is submitted. Raises Failure naming both sides."""
    client.get("/readyz")  # waits while the backbone is being loaded
    served, running = client.get("/backbone"), client.get("/version")
    if served["fingerprint"] != backbone.fingerprint:
        theirs, ours = _named(served["name"], served["fingerprint"]), _named(backbone.name, backbone.fingerprint)
        raise Failure("other_backbone", f"the service at {client.url} serves {theirs}; this experiment is on {ours}")
    differences = [*_differences(running)]
    if differences:
        raise Failure(
            "other_code",
            f"the service at {client.url} would not give this program's figures: {'; '.join(differences)}",
            hint="Run the same version on both sides, or leave --on-workers out.",
        )
    evaluations = [cell for cell in cells if isinstance(cell, EvaluationCell)]
    for cell in evaluations[:1]:  # an experiment has one precision
        if cell.precision != served["precision"]:
            raise Failure(
                "other_precision",
                f"the service at {client.url} answers in {served['precision']}; this experiment scores in"
                f" {cell.precision}",
                hint=f"Give --precision {served['precision']}, or start it with LTP_PRECISION={cell.precision}.",
            )
    _check_workers(client, client.items("/workers"))
    _refuse_blanks(evaluations, data)


def _check_workers(client: Client, workers: Iterable[dict[str, Any]]) -> None:
    """The jobs are done by workers, and one of another program may be among them while a service is upgraded."""
    codes = {worker.get("code") for worker in workers}
    if not codes:
        raise Failure("no_workers", f"no worker of the service at {client.url} was heard lately", hint="ltp worker")
    if others := sorted(filter(None, codes - {code_version()})):
        raise Failure(
            "other_code",
            f"a worker of the service at {client.url} runs other code, {', '.join(others)}; ours is {code_version()}",
            hint="Upgrade every worker, or leave --on-workers out.",
        )


def _named(name: str, fingerprint: str) -> str:
    return f"{name} ({fingerprint[:12]}...)"


def _differences(running: dict[str, Any]) -> Iterator[str]:
    """What differs: the code that decides figures, and the packages that compute."""
    if running.get("code") != code_version():
        yield f"its code is {running.get('code', 'unknown')} and ours {code_version()}"
    for name, ours in arithmetic().items():
        if (theirs := running.get("packages", {}).get(name, "unknown")) != ours:
            yield f"its {name} is {theirs} and ours {ours}"


def _refuse_blanks(evaluations: Iterable[EvaluationCell], data: DataFolder) -> None:
    """The API takes no blank text; AmericasNLI's Nahuatl test file has some."""
    sent = {
        (cell.suite, language): pairs for cell in evaluations for language, pairs in scored_pairs(cell, data).items()
    }
    for (_, language), examples in sent.items():
        if blank := sum(not (example.premise.strip() and example.hypothesis.strip()) for example in examples):
            raise Failure(
                "blank_texts",
                f"{blank} of the {len(examples)} test pairs of {language} hold a blank text, which a service refuses",
                hint="Leave the language out with --languages, or leave --on-workers out.",
            )
