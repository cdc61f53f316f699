"""Whether pairs that `ltp data next` suggests teach more than pairs taken at random.

    python -m bench.label_next --data FOLDER --starter EXPORT [--languages xnli/ur,americasnli/quy] [--seeds 5]

Of a development file half of the premises, by seed, are the pool and the others are scored. 24 pairs of the pool are
labelled at random, then up to 48 and 96 by suggestion (`uncertain`) or at random, a premise each where there are
enough.

A cheap stand-in for training, said wherever its figures are: the starter stays as it is, and what is fitted to the
labelled pairs is what reads its vector at `<mask>`, a softmax regression pulled towards the starter's own output
embeddings. It takes a second where training takes a minute, so that many seeds can be tried. Of `xnli/` only the rows
that AmericasNLI or AfriXNLI translate are used, which a clean starter never saw. No test file is opened.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer
from numpy.typing import NDArray

from bench.material import backbone as prepared_backbone
from ltp.adapter.artefact import Export, read_export
from ltp.adapter.materialise import materialise
from ltp.backbone.load import Backbone, load_backbone
from ltp.config import LABELS
from ltp.model.classify import classify
from ltp.model.encoder import Encoder
from ltp.model.template import Template
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.transfer.alignment import XNLI, translated_rows
from ltp.suggestion import Pool, Strategy, choose
from ltp.text.examples import Example

FIRST, STEPS = 24, (48, 96)
PULLS = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Of the fitted output embeddings to the starter's; which one, four folds of the labelled pairs say."""
FOLDS = 4
ROUNDS = 40
RESAMPLES = 2_000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Vectors:
    """Pairs of one file as the starter sees them: `features` (N, H) at `<mask>`, and its `output` (K, H + 1)."""

    examples: list[Example]
    features: torch.Tensor
    output: torch.Tensor

    @property
    def truth(self) -> torch.Tensor:
        """Labels, (N,)."""
        return torch.tensor([LABELS.index(each.label) for each in self.examples if each.label])


def seen_by(backbone: Backbone, starter: Export, examples: list[Example]) -> Vectors:
    """Encode the pairs once: logits of unit vectors in place of words are the vectors at `<mask>` themselves."""
    adapter, hidden = starter.adapter, backbone.info.hidden
    weights = materialise(backbone, adapter, starter.ticket)
    template = Template(
        backbone,
        prompt_length=len(adapter.prompt),
        max_length=adapter.template.max_length,
        text_form=adapter.text_form,
        literal=adapter.template.literal,
    )
    encoded = template.encode([(each.premise, each.hypothesis) for each in examples])
    bare = replace(weights, answers=(torch.eye(hidden), torch.zeros(hidden)))
    encoder = Encoder(backbone, precision="bf16")
    features = classify(encoder, bare, encoded, [adapter.prompt] * len(encoded), pad=backbone.special.pad)
    vectors, biases = weights.answers
    return Vectors(examples, features.float(), torch.cat([vectors, biases[:, None]], 1))


def fitted(vectors: Vectors, labelled: list[int]) -> torch.Tensor:
    """Output embeddings (K, H + 1) fitted to the labelled pairs, with the pull that suits them out of fold."""
    losses = dict.fromkeys(PULLS, 0.0)
    for fold in range(FOLDS):
        held, train = labelled[fold::FOLDS], [place for n, place in enumerate(labelled) if n % FOLDS != fold]
        for pull in PULLS:
            logits = _with_bias(vectors.features[held]) @ fit(vectors, train, pull).T
            losses[pull] += float(F.cross_entropy(logits, vectors.truth[held], reduction="sum"))
    return fit(vectors, labelled, min(losses, key=losses.__getitem__))


def fit(vectors: Vectors, labelled: list[int], pull: float) -> torch.Tensor:
    """Output embeddings (K, H + 1) fitted to the labelled pairs, pulled to the starter's."""
    change = torch.zeros_like(vectors.output, requires_grad=True)
    features, truth = _with_bias(vectors.features[labelled]), vectors.truth[labelled]
    optimizer = torch.optim.LBFGS([change], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(features @ (vectors.output + change).T, truth) + pull * change.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return (vectors.output + change).detach()


def _with_bias(features: torch.Tensor) -> torch.Tensor:
    return torch.cat([features, torch.ones(len(features), 1)], 1)


def curve(
    vectors: Vectors, pool: list[int], scored: list[int], strategy: Strategy, seed: int
) -> list[NDArray[np.bool_]]:
    """Which of the scored pairs are answered rightly with 24, 48 and 96 labelled pairs."""
    rng = np.random.default_rng(seed)
    labelled = [int(place) for place in rng.permutation(pool)[:FIRST]]
    right = []
    for wanted in (*STEPS, None):
        output = fitted(vectors, labelled)
        logits = _with_bias(vectors.features) @ output.T  # (N, K)
        right.append((logits.argmax(1) == vectors.truth)[scored].numpy())
        if wanted is None:
            break
        known = {vectors.examples[place].premise_key for place in labelled}
        left = [place for place in pool if place not in labelled]
        left = [place for place in left if vectors.examples[place].premise_key not in known] or left
        own = Pool(
            [vectors.examples[place].premise for place in left],
            [vectors.examples[place].hypothesis for place in left],
            logits[left].softmax(1).double().numpy(),
            vectors.features[left].double().numpy(),
        )
        labelled += [left[place] for place in choose(own, wanted - len(labelled), strategy=strategy, seed=seed)]
    return right


def interval(differences: list[Floats], premises: list[NDArray[np.int64]]) -> tuple[float, float]:
    """The 95 % interval of the mean difference: seeds, and in each the scored premises, drawn anew."""
    rng = np.random.default_rng(0)
    sums = [np.bincount(groups, own) for own, groups in zip(differences, premises, strict=True)]
    sizes = [np.bincount(groups) for groups in premises]
    means = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        drawn = []
        for seed in rng.integers(0, len(sums), len(sums)):
            chosen = rng.integers(0, len(sums[seed]), len(sums[seed]))
            drawn.append(sums[seed][chosen].sum() / sizes[seed][chosen].sum())
        means[index] = np.mean(drawn)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def halves(examples: list[Example], seed: int) -> tuple[list[int], list[int], NDArray[np.int64]]:
    """Places of the pool and of the pairs that are scored, by whole premises, and the latter's premises."""
    numbers: dict[str, int] = {}
    groups = np.array([numbers.setdefault(example.premise_key, len(numbers)) for example in examples])
    order = np.random.default_rng([seed, 1]).permutation(len(numbers))
    in_pool = np.isin(groups, order[: len(numbers) // 2])
    scored = np.flatnonzero(~in_pool)
    _, renumbered = np.unique(groups[scored], return_inverse=True)
    return np.flatnonzero(in_pool).tolist(), scored.tolist(), renumbered


def rows_of(data: DataFolder, place: str) -> list[Example]:
    """The development rows of `suite/language` that may be used."""
    suite, _, language = place.partition("/")
    file = data.suite(suite).file("dev", language)
    allowed = translated_rows(data) if suite == XNLI else set(file.ids)
    return [
        example
        for row, example in zip(file.ids, file.examples, strict=True)
        if row in allowed and example.premise.strip() and example.hypothesis.strip()
    ]


def main(
    data: Annotated[Path, typer.Option(help="The folder with the data sets.")],
    starter: Annotated[Path, typer.Option(help="An export to begin from.")],
    languages: str = "xnli/ur,americasnli/quy",
    seeds: int = 5,
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Print the curves, a line a language."""
    backbone = load_backbone(prepared_backbone("mini"))
    export, told = read_export(starter, backbone.info), {}
    print("| language | labels | uncertain, % | random, % | difference, points | 95 % |\n|---|---:|---:|---:|---:|---|")
    for place in languages.split(","):
        vectors = seen_by(backbone, export, rows_of(DataFolder(data), place))
        runs = []
        for seed in range(seeds):
            pool, scored, premises = halves(vectors.examples, seed)
            auto, at_random = (curve(vectors, pool, scored, strategy, seed) for strategy in ("uncertain", "random"))
            runs.append((auto, at_random, premises))
        for step, labels in enumerate((FIRST, *STEPS)):
            auto_mean, random_mean = (float(np.mean([run[side][step].mean() for run in runs])) for side in (0, 1))
            gaps = [run[0][step].astype(float) - run[1][step] for run in runs]
            low, high = interval(gaps, [run[2] for run in runs])
            told[f"{place} {labels}"] = {"uncertain": auto_mean, "random": random_mean, "interval": [low, high]}
            figures = f"{100 * auto_mean:.1f} | {100 * random_mean:.1f} | {100 * (auto_mean - random_mean):+.1f}"
            print(f"| {place} | {labels} | {figures} | [{100 * low:.1f}, {100 * high:.1f}] |", flush=True)
    if out is not None:
        out.write_text(json.dumps({"seeds": seeds, "figures": told}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
