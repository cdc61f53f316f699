"""How an adapter is shown: what it is and began from, what it was trained on, how it did, and what to be aware of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.cli.label_spaces import macro_f1, short
from app.cli.output import accuracy, key_values, percent, size

if TYPE_CHECKING:
    from rich.console import Console


def begun(adapter: dict[str, Any]) -> str:
    """Where it comes from, in a word or two: the method, what that began from, or how it came here."""
    method, origin = str(adapter["method"]), adapter["origin"]
    if origin == "training":
        start = adapter["start"]
        return f"{method}, from {start['lang']}@{start['version']}" if start else method
    return f"{method}, {'the starter' if origin == 'starter' else origin}"


def _answers(adapter: dict[str, Any]) -> str:
    """Its label space, and the words that it predicts."""
    space = short(adapter["label_space"])
    if adapter["verbalizer"] is None:
        return f"{space}, by a classification head"
    return f"{space}: " + ", ".join(f"{label} {word}" for label, word in adapter["verbalizer"].items())


def start_of(adapter: dict[str, Any]) -> str:
    """What training began from, and how much of that was carried over."""
    origin, start = adapter["origin"], adapter["start"]
    if origin == "starter":
        return "it came with the program, for every language"
    if origin == "composed":
        terms = adapter["training"].get("terms") or []
        return "composed of " + ", ".join(f"{term['weight']:g} x {term['name']}" for term in terms)
    if start is None and origin == "import":
        return _imported(adapter["training"].get("start"))
    if start is None:
        return "the pretrained values"
    whole = start["carried"] in (None, 1)
    return f"{start['lang']}@{start['version']}" + (
        "" if whole else f", of which {percent(start['carried'])} has a place on the ticket"
    )


def _imported(start: object) -> str:
    """What an imported adapter's file says of it, which nobody checked."""
    if isinstance(start, dict) and isinstance(start.get("lang"), str) and isinstance(start.get("version"), int):
        return f"{start['lang']}@{start['version']}, by what its file says"
    return "not known: it was imported"


def _examples(examples: dict[str, Any]) -> str:
    counts = ", ".join(f"{examples[part]} {part}" for part in ("train", "dev", "test") if examples.get(part))
    sources = [f"{source['lang']} {source['pairs']}" for source in examples.get("sources") or ()]
    return counts + (f" (from {', '.join(sources)})" if sources else "")


def label_of(adapter: dict[str, Any]) -> str:
    """Its language and version; of one that has none how far it is, and its id, since nothing else names it."""
    if adapter["version"]:
        return f"{adapter['lang']}@{adapter['version']}"
    return f"{adapter['lang']} ({adapter['status']}) {adapter['id']}"


def print_adapter(console: Console, adapter: dict[str, Any], *, ticket: str | None = None) -> None:
    """Show everything that people look at; `ticket` is the name of its ticket."""
    from rich.markup import escape

    from app.cli.reading_table import kept_lines, kept_warnings

    metrics = adapter["metrics"] or {}
    examples = adapter["examples"] or {}
    lines = [
        ("adapter", f"{label_of(adapter)}  {adapter['id']}" if adapter["version"] else label_of(adapter)),
        *([("name", adapter["name"])] if adapter["name"] else []),
        ("status", adapter["status"]),
        ("aliases", ", ".join(adapter["aliases"]) or "-"),
        ("method", adapter["method"]),
        ("start", start_of(adapter)),
        ("labels", _answers(adapter)),
        ("ticket", "  ".join(filter(None, (adapter["ticket"], ticket))) or "-"),
        ("examples", _examples(examples)),
        ("size", "-" if adapter["bytes"] is None else size(adapter["bytes"]) + _stored(metrics)),
    ]
    console.print(key_values([*lines, *_scores(adapter, metrics)]))
    for line in kept_lines(adapter):
        console.print(escape(line))
    warnings = [*kept_warnings(adapter), *(adapter["training"].get("report") or {}).get("warnings", [])]
    for warning in dict.fromkeys(warnings):
        console.print(f"[yellow]warning: {escape(warning)}[/yellow]")
    if adapter["advice"]:
        console.print("[yellow]it is no better than guessing; what to try next:[/yellow]")
    for step in adapter["advice"]:
        console.print(f"  - {escape(step)}")


def _stored(metrics: dict[str, Any]) -> str:
    """In which form its values are stored, and how far int8 and fp16 agreed; nothing where that was not compared."""
    agreement = metrics.get("stored_agreement")
    if not agreement:
        return ""
    return f", values {agreement['stored']} (int8 beside fp16: {_difference(agreement)})"


def _difference(agreement: dict[str, Any]) -> str:
    """How far two ways of answering agree."""
    changed = f"{agreement['labels_changed']} of {agreement['pairs']} labels changed"
    return (
        f"{changed}, probabilities by {agreement['mean_difference']:.4f}, at most {agreement['largest_difference']:.4f}"
    )


def _scores(adapter: dict[str, Any], metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """How good it is, as lines of a name and what there is to say."""
    from app.cli import beside

    lines: list[tuple[str, str]] = []
    for part, note in (("dev", " (the best epoch was chosen on these)"), ("test", "")):
        if scores := metrics.get(part):
            detail = (
                f"{accuracy(scores)} {short(scores['label_space'])}, {macro_f1(scores)}, ECE {percent(scores['ece'])}"
            )
            lines.append((part, detail + note))
            lines += beside.lines(metrics, part)
    calibration = metrics.get("calibration")
    if calibration and (calibration["temperature"] != 1 or any(calibration["bias"])):
        before, after = (percent(calibration[when]) for when in ("ece_before", "ece_after"))
        lines.append(
            ("calibration", f"temperature {calibration['temperature']:.2f}, ECE {before} before, {after} after")
        )
    if agreement := metrics.get("int8_agreement"):
        lines.append(("int8", _int8(agreement)))
    if metrics.get("mean") and adapter["seeds"] > 1:
        mean, deviation = (metrics[figure]["dev"]["accuracy"] for figure in ("mean", "std"))
        lines.append(("seeds", f"{adapter['seeds']}: mean {percent(mean)}, standard deviation {percent(deviation)}"))
    return lines


def _int8(agreement: dict[str, Any]) -> str:
    """What answering in int8 would change."""
    said = "agrees with fp32" if agreement["passed"] else "agrees too little with fp32"
    return f"{said}: {_difference(agreement)}"
