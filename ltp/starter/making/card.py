"""A starter's card: what it was made from, under which terms, and what it can do, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ltp.starter.making.recipe import Recipe

TERMS = (
    "Part of what it was trained on (XNLI) is under CC BY-NC 4.0: this file is for research and demonstration, not for"
    " commercial use. The code that made it is under the Apache License 2.0, and makes another one from other data."
)


def written(recipe: Recipe, facts: dict[str, Any]) -> str:
    """The card of what a build knows of its starter."""
    parts = [_head(recipe, facts), _sources(recipe, facts), _training(recipe, facts), _scores(facts), _packing(facts)]
    return "\n".join("\n".join(part) + "\n" for part in parts)


def _head(recipe: Recipe, facts: dict[str, Any]) -> Iterator[str]:
    packed, ticket = facts["packed"], facts["ticket"]
    yield f"# Starter for {recipe.name}"
    yield ""
    yield recipe.about
    yield ""
    yield f"- for the backbone with fingerprint `{facts['backbone']}`, and no other"
    yield f"- ticket `{ticket['sha256']}`: {ticket['active']:,} of {ticket['selectable']:,} parameters"
    yield f"- {packed['bytes']:,} bytes with the mask; unpacks to the export `{packed['export_sha256']}`"
    yield f"- made by `{facts['command']}`"
    yield ""
    yield TERMS


def _sources(recipe: Recipe, facts: dict[str, Any]) -> Iterator[str]:
    yield "## What it was trained on"
    yield ""
    yield from _table(facts)
    if before := facts["begun_from"]:
        yield ""
        yield f"It goes on from the starter `{before['recipe']['name']}`, which was trained on:"
        yield ""
        yield from _table(before)
    yield ""
    yield "Pairs are held out by whole premises, of all their translations. Left out were:"
    yield ""
    yield "- rows with a blank text or without a label;"
    if unseen := recipe.without_rows_of:
        left = ", ".join(f"{row['left_out']:,} of {row['source']}" for row in facts["sources"] if row["left_out"])
        yield f"- all of {' and '.join(unseen)}, and every row with a premise that occurs there ({left or 'none'});"
    yield "- every test file: nothing was trained on one, or chosen by one."


def _table(facts: dict[str, Any]) -> Iterator[str]:
    """The sources of a build."""
    about = {source["name"]: source for source in facts["recipe"]["sources"]}
    yield "| source | what | licence | languages | pairs to train | held out |"
    yield "|---|---|---|---|---:|---:|"
    for row in facts["sources"]:
        source = about[row["source"]]
        what = f"{source['name']} | {source.get('about', '')} | {source['licence']} | {' '.join(row['languages'])}"
        yield f"| {what} | {row['train']:,} | {row['dev']:,} |"


def _training(recipe: Recipe, facts: dict[str, Any]) -> Iterator[str]:
    used, dev = facts["trained"]["training"], facts["trained"]["dev"]
    names = ("epochs", "batch_size", "learning_rate", "prompt_learning_rate", "max_length", "precision", "seed")
    told = ", ".join(f"{name} {used[name]}" for name in names)
    low, high = (f"{100 * bound:.1f}" for bound in dev["interval"])
    yield "## How"
    yield ""
    made = f"the most moved {recipe.ticket.active_ratio:.1%} of a drift over the training pairs' own sentences"
    if begun := facts["begun_from"]:
        made = f"that of {begun['recipe']['name']}"
    yield f"The ticket is {made}; the adapter is method `ltp` on it: {told}."
    yield f"Texts are prepared in form {used['text_form']} (docs/texts.md), and so are those that it answers."
    yield ""
    yield (
        f"On the {dev['pairs']:,} held-out pairs, which also chose the epoch, accuracy is {100 * dev['accuracy']:.1f} %"
        f" ({low}-{high})."
    )


def _scores(facts: dict[str, Any]) -> Iterator[str]:
    yield "## What it can do"
    yield ""
    yield "Zero-shot accuracy on test files, with 95 % intervals; guessing gives 33.3 %."
    yield ""
    if not facts["scores"]:
        yield "No test file was there when it was made."
        return
    yield "| test | language | accuracy | interval | ECE | pairs |"
    yield "|---|---|---:|---:|---:|---:|"
    for row in facts["scores"]:
        low, high = (f"{100 * bound:.1f}" for bound in row["interval"])
        accuracy, ece = f"{100 * row['accuracy']:.1f}", f"{100 * row['ece']:.1f}"
        yield f"| {row['test']} | {row['lang']} | {accuracy} | {low}-{high} | {ece} | {row['pairs']:,} |"
    for test in dict.fromkeys(row["test"] for row in facts["scores"]):
        mine = [row["accuracy"] for row in facts["scores"] if row["test"] == test]
        yield f"| {test} | mean | {100 * sum(mine) / len(mine):.1f} | | | |"
    yield ""
    yield (
        "The same command gives these again; of one file: `ltp evaluate --adapter starter FILE`. A language that is in"
        " none of the sources may fare worse than those that are: read the interval, and train on pairs of your own"
        " from here."
    )


def _packing(facts: dict[str, Any]) -> Iterator[str]:
    packed, gate = facts["packed"], facts["packed"]["agreement"]
    yield "## Packed values"
    yield ""
    yield (
        f"Values are stored as {packed['coding']}. Against the unpacked fp16 adapter, on the {gate['pairs']:,} held-out"
        f" pairs: the same label on {gate['same_label']:.2%}, accuracy {100 * gate['packed_accuracy']:.2f} % for"
        f" {100 * gate['accuracy']:.2f} %, no probability further off than {gate['largest_difference']:.4f}. int8 is"
        " taken where at least 99.5 % of labels are the same and accuracy is within 0.3 points; else fp16."
    )
