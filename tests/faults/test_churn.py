"""Case 24. Many adapters asked for at once in memory for a few: every answer is what the adapter says alone."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.running_service import Service, running, settings_for

from bench.blobs import large_export

pytestmark = pytest.mark.process

LANGUAGES = (
    *("en", "es", "sw", "ur", "zh", "ay", "gn", "qu", "nah", "bzd", "cni", "hch"),
    *("oto", "shp", "tar", "fr", "de", "it", "pt", "ru", "hi", "th", "tr", "vi"),
)
PAIRS = [
    {"premise": f"the {who} {what}", "hypothesis": f"a {who} is {how}"}
    for who in ("dog", "man")
    for what in ("runs", "eats the fish in the house")
    for how in ("red",)
]


@pytest.fixture(scope="module")
def crowded(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    """Two dozen adapters that change everything, in a MiB for each cache."""
    directory = tmp_path_factory.mktemp("crowded")
    settings = settings_for(directory / "data", migrated_sqlite, tiny_backbone_dir, fused_mb=1, compact_mb=1)
    with running(settings) as service:
        service.wait_ready()
        for seed, lang in enumerate(LANGUAGES):
            export = large_export(directory / "export", tiny_backbone_dir, seed=seed)
            response = service.bring_in(export.read_bytes(), lang=lang)
            assert response.status_code == 201, response.text
        yield service


def ask(service: Service, pairs: list[dict[str, str]]) -> list[dict[str, Any]]:
    response = service.http.post("/predict", json={"pairs": pairs})
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["predictions"]
    return found


def evictions(service: Service) -> dict[str, float]:
    lines = (line for line in service.http.get("/metrics").text.splitlines() if line.startswith("ltp_engine_evict"))
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_case_24_under_churn_every_answer_is_the_adapters_own(crowded: Service) -> None:
    alone = {
        (lang, index): ask(crowded, [{**pair, "lang": lang}])[0]
        for lang in LANGUAGES
        for index, pair in enumerate(PAIRS)
    }
    assert len({json.dumps(each["probabilities"]) for each in alone.values()}) > len(LANGUAGES), "adapters differ"
    before = evictions(crowded)

    def round_of(seed: int) -> float:
        chosen = random.Random(seed)
        asked = [(chosen.choice(LANGUAGES), chosen.randrange(len(PAIRS))) for _ in range(chosen.randint(1, 24))]
        found = ask(crowded, [{**PAIRS[index], "lang": lang} for lang, index in asked])
        worst = 0.0
        for key, each in zip(asked, found, strict=True):
            own = alone[key]
            assert each["adapter"] == own["adapter"]
            assert each["label"] == own["label"]
            worst = max(abs(each["probabilities"][name] - own["probabilities"][name]) for name in own["probabilities"])
        return worst

    with ThreadPoolExecutor(8) as pool:
        differences = list(pool.map(round_of, range(60)))
    assert max(differences) <= 1e-5
    after = evictions(crowded)
    left = {name: after[name] - before[name] for name in after}
    assert left['ltp_engine_evictions_total{cache="compact"}'] > len(LANGUAGES), left
    assert left['ltp_engine_evictions_total{cache="fused"}'] > 0, left  # rarely: only for one in more demand
