"""An adapter whose answers are not finite numbers answers nothing, and harms nobody beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.overflowing import WORD, exported, overflowing, overflowing_at_a_word, sound
from support.running_service import Service, refused, running, settings_for

from ltp.adapter.artefact import Adapter
from ltp.backbone.load import Backbone

pytestmark = pytest.mark.process

FINE = {"premise": "the cat runs", "hypothesis": "the cat is red"}
FATAL = {"premise": f"the {WORD} runs", "hypothesis": f"the {WORD} is red"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Any]:
    directory = tmp_path_factory.mktemp("service") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir)) as service:
        service.wait_ready()
        yield service


def bring_in(service: Service, adapter: Adapter, directory: Path, lang: str) -> str:
    response = service.bring_in(exported(adapter, directory), lang=lang)
    assert response.status_code == 201, response.text
    identifier: str = response.json()["id"]
    return identifier


def judge(service: Service, lang: str, *pairs: dict[str, str]) -> httpx.Response:
    return service.http.post("/predict", json={"lang": lang, "pairs": list(pairs)})


def strictly(text: str) -> Any:
    """Read JSON, which has no NaN."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in {text[:200]}")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("lang", ["sw", "ig"])
def test_it_is_refused_when_it_is_used_and_others_answer_as_before(
    service: Service, tiny_backbone: Backbone, tmp_path: Path, lang: str
) -> None:
    bring_in(service, overflowing_at_a_word(tiny_backbone), tmp_path, lang)
    bring_in(service, sound(tiny_backbone), tmp_path, "es")
    expected = judge(service, "es", FINE, FATAL).json()["predictions"]
    assert judge(service, lang, FINE).status_code == 200, "it passes for texts without the word"

    def ask(number: int) -> httpx.Response:
        if number % 3 == 0:
            return judge(service, lang, FINE, FATAL)
        return judge(service, "es", FINE, FATAL)

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(ask, range(48)))
    for number, answer in enumerate(answers):
        if number % 3 == 0:
            refused(answer, 409, "adapter_not_usable")
        else:
            assert answer.status_code == 200, answer.text
            for found, there in zip(strictly(answer.text)["predictions"], expected, strict=True):
                assert found["probabilities"] == pytest.approx(there["probabilities"], abs=1e-6)
    refused(judge(service, lang, FINE), 409, "adapter_not_usable")  # for good, whatever it is asked
    mixed = service.http.post("/predict", json={"pairs": [{**FINE, "lang": "es"}, {**FINE, "lang": lang}]})
    refused(mixed, 409, "adapter_not_usable")


def test_a_file_that_names_it_fails_with_its_name(service: Service, tiny_backbone: Backbone, tmp_path: Path) -> None:
    bring_in(service, sound(tiny_backbone), tmp_path, "fr")
    identifier = bring_in(service, overflowing_at_a_word(tiny_backbone), tmp_path, "qu")
    rows = [json.dumps({**FINE, "lang": "fr"}), json.dumps({**FATAL, "lang": "qu"})]
    file = ("pairs.jsonl", "\n".join(rows).encode())
    accepted = service.http.post("/predictions", files={"file": file, "request": (None, json.dumps({"lang": "fr"}))})
    assert accepted.status_code == 202, accepted.text
    service.work()
    job = service.http.get(accepted.headers["Location"]).json()
    assert (job["status"], job["error"]["code"]) == ("failed", "adapter_not_usable")
    assert identifier in job["error"]["detail"]


def test_it_is_refused_when_it_is_imported(service: Service, tiny_backbone: Backbone, tmp_path: Path) -> None:
    before = service.http.get("/adapters?limit=200").json()["items"]
    for adapter in (
        overflowing(tiny_backbone),
        overflowing(tiny_backbone, size=1e30),
        overflowing_at_a_word(tiny_backbone, exponent=-113),  # what it decodes to is no number of fp32
        overflowing_at_a_word(tiny_backbone, exponent=-120),
    ):
        response = service.bring_in(exported(adapter, tmp_path), lang="yo")
        refused(response, 422, "non_finite_weights")
    assert service.http.get("/adapters?limit=200").json()["items"] == before


def test_nothing_of_a_trial_stays_in_memory(service: Service, tiny_backbone: Backbone, tmp_path: Path) -> None:
    held = service.app.state.predictor.figures()
    for size in (1e30, 3e38):
        service.bring_in(exported(overflowing(tiny_backbone, size=size), tmp_path), lang="yo")
    now = service.app.state.predictor.figures()
    for figure in ("compact_entries", "compact_bytes", "fused_entries", "fused_bytes"):
        assert now[figure] <= held[figure], figure
