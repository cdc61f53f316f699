"""The methods LTP is compared to, through the API: trained without a ticket, asked beside others, taken elsewhere."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from support.running_service import EXAMPLES, Service, refused

from ltp.model.methods import Method

DENSE = ("ft", "dp", "sp", "mp")
PAIRS = [{"premise": f"the {who} runs", "hypothesis": f"the {who} is red"} for who in ("dog", "cat", "horse")]


@pytest.fixture(scope="module")
def compared(trained: Service) -> dict[str, dict[str, Any]]:
    """An adapter of each method, by its name."""
    trained.wait_ready()
    return {method: trained.train("en", method=method, training={"seed": 1}) for method in get_args(Method)}


def judge(service: Service, pairs: list[dict[str, str]]) -> list[dict[str, float]]:
    answer = service.http.post("/predict", json={"lang": "en", "pairs": pairs})
    assert answer.status_code == 200, answer.text
    return [prediction["probabilities"] for prediction in answer.json()["predictions"]]


def test_only_ltp_has_a_ticket(trained: Service, compared: dict[str, dict[str, Any]]) -> None:
    for method, adapter in compared.items():
        shown = trained.http.get(f"/adapters/{adapter['id']}").json()
        assert (shown["method"], shown["ticket"] is None) == (method, method != "ltp")
        assert shown["metrics"]["dev"]["selected_on"] is True
        assert shown["training"]["method"] == method
    sizes = {method: adapter["bytes"] for method, adapter in compared.items()}
    assert min(sizes[method] for method in DENSE) > sizes["ltp"] > sizes["pt"]


@pytest.mark.parametrize("method", [*DENSE, "pt"])
def test_a_ticket_is_refused_by_name(trained: Service, compared: dict[str, dict[str, Any]], method: str) -> None:
    body = {"lang": "en", "method": method, "examples": EXAMPLES, "ticket": compared["ltp"]["ticket"]}
    answer = refused(trained.http.post("/adapters", json=body), 422, "invalid_request")
    assert answer["fields"][0]["path"] == "ticket"
    assert f"method '{method}' trains without a ticket" in answer["detail"]


def test_the_template_alone_must_fit(trained: Service) -> None:
    training = {"max_length": 16, "prompt_length": 8}
    body = {"lang": "en", "method": "mp", "examples": EXAMPLES, "training": training}
    answer = refused(trained.http.post("/adapters", json=body), 422, "invalid_request")
    assert answer["fields"][0]["path"] == "training.max_length"


def test_they_answer_together_as_they_do_alone(trained: Service, compared: dict[str, dict[str, Any]]) -> None:
    asked = [{**pair, "adapter": adapter["id"]} for adapter in compared.values() for pair in PAIRS]
    together = judge(trained, asked)
    alone = [found for start in range(0, len(asked), 3) for found in judge(trained, asked[start : start + 3])]
    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert len({round(found["neutral"], 4) for found in together[::3]}) == len(compared), "each has its own answer"


@pytest.mark.parametrize("method", DENSE)
def test_an_export_needs_nothing_else(trained: Service, compared: dict[str, dict[str, Any]], method: str) -> None:
    identifier = compared[method]["id"]
    content = trained.http.get(f"/adapters/{identifier}/export").content
    response = trained.bring_in(content, lang="quy")
    assert response.status_code == 201, response.text
    copy = response.json()
    assert (copy["method"], copy["ticket"], copy["metrics"]) == (method, None, compared[method]["metrics"])
    here, there = ([{**pair, "adapter": each} for pair in PAIRS] for each in (identifier, copy["id"]))
    assert judge(trained, here) == judge(trained, there)
    assert trained.http.get(f"/adapters/{copy['id']}/export").status_code == 200
