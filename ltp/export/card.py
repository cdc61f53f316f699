"""The model card of an export: what it is, how good it is, what it was made of, under which terms, how to ask it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ltp.adapter.artefact import Adapter
from ltp.backbone.manifest import BackboneInfo
from ltp.export.terms import terms_of
from ltp.model.methods import METHODS

SETS = {"dev": "development", "test": "test"}
SPLITS = {"dev": "validation", "test": "test"}
"""What hubs call them; they take scores without a split for scores on the same pairs."""
TOLD = ("epochs", "batch_size", "learning_rate", "precision", "seed")
"""Hyperparameters that are named."""
ASK_MASKED = """\
```python
from transformers import pipeline

fill = pipeline("fill-mask", model="FOLDER")
fill("{question}", targets={targets})
```

The targets stand for {labels}, in this order. They are written with the vocabulary's mark of a word's beginning:
without it some are other pieces. Of the scores those of the {count} targets alone count. With s the score of a label's
word, its probability is in proportion to s ^ (1 / temperature) x e ^ bias; here the temperature is {temperature} and
the biases are {bias}. `answer.py` does that, drops the marks that end a text, and cuts what is too long:"""
ASK_CLASSIFIER = """\
```python
from transformers import pipeline

classify = pipeline("text-classification", model="FOLDER")
classify({"text": "A man sleeps", "text_pair": "He rests"}, top_k=None)
```

The calibration is in the last layer, so the scores are the probabilities. `answer.py` also cuts what is too long:"""
ASK_ONNX = """\
`model.onnx` takes `input_ids` and `attention_mask`, int64 and of any batch and length, and gives `probabilities` in
the order of the labels: soft prompt and calibration are in it. `tokenizer.json` gives the ids of the template that
`nli.json` names. OpenVINO reads the file as it is; where the processor has bf16 it computes in that, unless it is asked
for f32 (`INFERENCE_PRECISION_HINT`). `answer.py` puts a pair into the template, drops the marks that end a text, and
cuts what is too long:"""
INT8 = """\
Embeddings are int8 with a scale a row, the layers' products int8 (in seven bits, for processors without VNNI), the rest
is fp32."""
ASK = """\

```console
$ pip install {requires}
$ python answer.py "A man sleeps." "He rests."
```"""


def front_matter(adapter: Adapter, backbone: BackboneInfo, about: Mapping[str, Any], *, library: str) -> str:
    """What a hub reads of a card, as YAML between its lines."""
    from huggingface_hub import EvalResult, ModelCardData

    task = "text-classification" if METHODS[adapter.method].classifies or library == "onnx" else "fill-mask"
    results = [
        EvalResult(
            task_type="text-classification",
            task_name="Natural language inference",
            dataset_type="private",
            dataset_name=f"{SETS[part]} pairs",
            dataset_split=SPLITS[part],
            metric_type="accuracy",
            metric_value=round(score["accuracy"], 4),
        )
        for part, score in _scores(about)
    ]
    lang, terms, pinned = about.get("lang"), terms_of(backbone.name, about), "/" in backbone.name
    data = ModelCardData(
        language="multilingual" if lang == "mul" else lang and lang.split("-")[0],
        license=terms.licence,
        license_name=terms.licence_name,
        license_link=terms.licence_link,
        library_name=library,
        pipeline_tag=task,
        base_model=backbone.name.partition("@")[0] if pinned else None,
        tags=["natural-language-inference", "few-shot"],
        model_name=_title(about) if results else None,
        eval_results=results or None,
    )
    return f"---\n{data.to_yaml()}\n---\n"


def written(adapter: Adapter, backbone: BackboneInfo, about: Mapping[str, Any], asking: Mapping[str, Any]) -> str:
    """The card, for a folder of transformers. `about` is as `ltp.export.hf` describes it."""
    classifies = METHODS[adapter.method].classifies
    parts = [
        front_matter(adapter, backbone, about, library="transformers"),
        *body(adapter, backbone, about),
        "\n## How to ask it\n",
        ASK_CLASSIFIER if classifies else _ask_masked(asking),
        ASK.format(requires="'transformers>=5.10' torch"),
    ]
    return "\n".join(parts) + "\n"


def of_onnx(
    adapter: Adapter,
    backbone: BackboneInfo,
    about: Mapping[str, Any],
    *,
    int8: bool,
    agreement: Mapping[str, Any] | None,
) -> str:
    """The card of a folder with a graph of ONNX."""
    quantised = [] if not int8 else ["", "## int8", "", INT8, *_agreed(agreement)]
    parts = [
        front_matter(adapter, backbone, about, library="onnx"),
        *body(adapter, backbone, about),
        *quantised,
        "\n## How to ask it\n",
        ASK_ONNX,
        ASK.format(requires="onnxruntime tokenizers"),
    ]
    return "\n".join(parts) + "\n"


def _agreed(agreement: Mapping[str, Any] | None) -> Iterator[str]:
    if agreement is None:
        yield "How far its answers are from fp32's was not measured: there were no pairs to measure on."
        return
    yield (
        f"On {agreement['pairs']:,} development pairs it changes {agreement['labels_changed']:,} labels; probabilities"
        f" differ by {agreement['mean_difference']:.4f} on average and {agreement['largest_difference']:.4f} at most."
    )


def body(adapter: Adapter, backbone: BackboneInfo, about: Mapping[str, Any]) -> Iterator[str]:
    """What every card says, whatever the format."""
    yield f"# {_title(about)}"
    yield ""
    labels = ", ".join(adapter.verbalizer.labels)
    yield f"Says of a premise and a hypothesis which of these holds: {labels}. Made by LTP (Lottery Ticket"
    yield f"Prompt-learning), method `{adapter.method}`, and exported with its backbone as one model."
    yield ""
    yield "## How good it is"
    yield ""
    yield from _quality(about)
    yield ""
    yield "## What it was made of"
    yield ""
    yield from _made_of(adapter, backbone, about)
    yield ""
    yield "## Terms"
    yield ""
    yield terms_of(backbone.name, about).sentence


def _title(about: Mapping[str, Any]) -> str:
    lang, version = about.get("lang") or "unknown language", about.get("version")
    named = f"{about['name']}: " if about.get("name") else ""
    return f"{named}NLI for {lang}" + (f", version {version}" if version else "")


def _scores(about: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    metrics = about.get("metrics") or {}
    return [(part, metrics[part]) for part in SETS if metrics.get(part)]


def _quality(about: Mapping[str, Any]) -> Iterator[str]:
    counts = about.get("examples") or {}
    if not _scores(about):
        yield "Not known: it came without figures."
    for part, score in _scores(about):
        low, high = (f"{100 * bound:.1f}" for bound in score["interval"])
        pairs = f" {counts[part]:,}" if counts.get(part) else ""
        how = "; each pair was answered by a model that had not seen its premise" if score.get("estimated") else ""
        how += "; the training's best epoch was chosen on them, so it flatters" if score.get("selected_on") else ""
        what = f"- Accuracy on{pairs} {SETS[part]} pairs: **{100 * score['accuracy']:.1f} %**"
        yield f"{what} (95 % interval {low} to {high}){how}."
        yield f"- Expected calibration error on them: {100 * score['ece']:.1f} %."
    guessing = ((about.get("metrics") or {}).get("baseline") or {}).get("guessing")
    if guessing is not None:
        yield f"- Always giving the commonest label is right in {100 * guessing:.1f} % of the development pairs."


def _made_of(adapter: Adapter, backbone: BackboneInfo, about: Mapping[str, Any]) -> Iterator[str]:
    counts = about.get("examples") or {}
    known = [f"{counts[part]:,} to {what}" for part, what in (("train", "train"), ("dev", "choose"), ("test", "test"))
             if counts.get(part)]  # fmt: skip
    training = about.get("training") or {}
    if about.get("origin") == "composed":
        terms = ", ".join(f"{term['weight']:g} x {term['name']}" for term in training["terms"])
        yield f"- Composed, without training, of {terms}."
    else:
        yield f"- Labelled pairs: {', '.join(known) or 'their number is not known'}."
    if counts.get("sha256"):
        yield f"- SHA-256 of the pairs as they were read: `{counts['sha256']}`."
    yield f"- Backbone: {backbone.name}, fingerprint `{backbone.fingerprint}`."
    if adapter.ticket_sha256:
        yield f"- Ticket (which parameters were trained): mask `{adapter.ticket_sha256}`."
    for field, what in (("start", "Training began from"), ("language_delta", "With the changes from plain text of")):
        if used := about.get(field):
            yield f"- {what}: {used.get('lang')}, version {used.get('version')}."
    if told := {name: training[name] for name in TOLD if name in training}:
        yield f"- Hyperparameters: {json.dumps(told, allow_nan=False)}."


def _ask_masked(asking: Mapping[str, Any]) -> str:
    return ASK_MASKED.format(
        question=asking["template"].format(premise="A man sleeps", hypothesis="He rests"),
        targets=json.dumps(asking["targets"], ensure_ascii=False, allow_nan=False),
        labels=", ".join(asking["labels"]),
        count=len(asking["targets"]),
        temperature=asking["temperature"],
        bias=", ".join(str(bias) for bias in asking["bias"]),
    )
