"""Predictions at once: order, references, fallback, confidence, length, load, and callers who leave."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.running_service import Service, refused, running, settings_for, wait_until

pytestmark = pytest.mark.process

PAIR = {"premise": "the dog runs in the field", "hypothesis": "the dog is sleeping"}


def predict(service: Service, **body: Any) -> dict[str, Any]:
    response = service.http.post("/predict", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def numbers(prediction: dict[str, Any]) -> list[float]:
    return list(prediction["probabilities"].values())


def close(left: dict[str, Any], right: dict[str, Any]) -> bool:
    pairs = zip(numbers(left), numbers(right), strict=True)
    return all(math.isclose(a, b, abs_tol=1e-5) for a, b in pairs)


def test_an_answer_is_as_documented(trained: Service) -> None:
    body = predict(trained, lang="en", pairs=[PAIR])
    assert set(body) == {"predictions", "thresholds", "timing_ms"}
    assert body["thresholds"] is None
    assert set(body["timing_ms"]) == {"queue", "compute"}
    (prediction,) = body["predictions"]
    assert set(prediction) == {"label", "probabilities", "adapter", "fallback", "truncated", "abstained", "unknown"}
    assert list(prediction["probabilities"]) == ["entailment", "neutral", "contradiction"]
    assert math.isclose(sum(numbers(prediction)), 1, abs_tol=1e-5)
    assert prediction["label"] == max(prediction["probabilities"], key=prediction["probabilities"].get)
    assert (prediction["adapter"]["lang"], prediction["adapter"]["version"]) == ("en", 1)
    assert (prediction["fallback"], prediction["truncated"], prediction["abstained"]) == (False, False, False)


@pytest.mark.parametrize(
    ("reference", "version"),
    [("en", 1), ("en@1", 1), ("en@2", 2), ("en@production", 1), ("ENG", 1), ("eng@02", 2), ("sw", 1)],
)
def test_every_way_to_name_an_adapter(trained: Service, reference: str, version: int) -> None:
    (prediction,) = predict(trained, adapter=reference, pairs=[PAIR])["predictions"]
    assert prediction["adapter"]["version"] == version
    (by_id,) = predict(trained, adapter=prediction["adapter"]["id"], pairs=[PAIR])["predictions"]
    assert by_id["adapter"] == prediction["adapter"]
    assert close(by_id, prediction)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"lang": "fr"}, "no_adapter_for_language"),
        ({"adapter": "fr"}, "no_adapter_for_language"),
        ({"adapter": "en@9"}, "adapter_not_found"),
        ({"adapter": "en@staging"}, "adapter_not_found"),
        ({"adapter": "0199f3a2-7c1e-7d40-9c55-3f0f6f1f2a11"}, "adapter_not_found"),
        ({"adapter": "en@9", "fallback": "en"}, "adapter_not_found"),
        ({"lang": "fr", "fallback": "de"}, "no_adapter_for_language"),
        ({"adapter": "zz"}, "invalid_reference"),
    ],
)
def test_what_names_no_adapter_is_refused(trained: Service, asked: dict[str, str], code: str) -> None:
    status = 422 if code == "invalid_reference" else 404
    refused(trained.http.post("/predict", json={**asked, "pairs": [PAIR]}), status, code)


def test_a_near_language_is_offered_and_taken_only_when_it_is_named(trained: Service) -> None:
    answer = trained.http.post("/predict", json={"lang": "swh_Latn", "pairs": [PAIR]})
    refused(answer, 404, "no_adapter_for_language")
    assert "there is an adapter for sw (Swahili), of the same macrolanguage" in answer.text
    (named,) = predict(trained, lang="swh", fallback="sw", pairs=[PAIR])["predictions"]
    assert (named["adapter"]["lang"], named["fallback"]) == ("sw", True)


def test_languages_mix_and_a_pairs_own_adapter_wins(trained: Service) -> None:
    pairs = [{**PAIR, "lang": "sw"}, PAIR, {**PAIR, "adapter": "en@2"}, {**PAIR, "lang": "fr"}, PAIR]
    mixed = predict(trained, lang="en", fallback="sw", pairs=pairs)["predictions"]
    assert [(found["adapter"]["lang"], found["adapter"]["version"]) for found in mixed] == [
        ("sw", 1), ("en", 1), ("en", 2), ("sw", 1), ("en", 1)
    ]  # fmt: skip
    assert [found["fallback"] for found in mixed] == [False, False, False, True, False]
    for found, reference in zip(mixed, ("sw", "en@1", "en@2", "sw", "en"), strict=True):
        (alone,) = predict(trained, adapter=reference, pairs=[PAIR])["predictions"]
        assert close(found, alone)
    assert not close(mixed[0], mixed[1])
    assert close(mixed[0], mixed[3])


def test_pairs_with_adapters_of_their_own_need_no_other(trained: Service) -> None:
    pairs = [{**PAIR, "lang": "sw"}, {**PAIR, "adapter": "en@2"}]
    assert len(predict(trained, pairs=pairs)["predictions"]) == 2
    assert len(predict(trained, lang="fr", pairs=pairs)["predictions"]) == 2, "nobody asks for French"


def test_below_the_confidence_a_prediction_abstains_and_keeps_its_label(trained: Service) -> None:
    (sure,) = predict(trained, lang="en", pairs=[PAIR])["predictions"]
    confidence = max(numbers(sure))
    for least, abstained in ((0.0, False), (confidence - 1e-4, False), (confidence + 1e-4, True), (1.0, True)):
        (found,) = predict(trained, lang="en", pairs=[PAIR], min_confidence=least)["predictions"]
        assert (found["abstained"], found["label"]) == (abstained, sure["label"])


def test_long_pairs_are_cut_and_say_so(trained: Service) -> None:
    long = {"premise": "the dog runs. " * 400, "hypothesis": "the dog is sleeping"}
    found = predict(trained, lang="en", pairs=[PAIR, long])["predictions"]
    assert [prediction["truncated"] for prediction in found] == [False, True]


TEXTS = [
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 run",
    "\u202bהכלב רץ\u202c",
    "الكلب يركض",
    "\u0928\u092e\u0938\u094d\u0924\u0947",
    "e\u0301 \u00e9",
    "\u200b\u200d",
    "<mask> <s> </s> <pad>",
    "\ufeff\ufffd",
    "\U0010ffff\U000e0041",
    "\t a \x01\x7f b \r\n",
    "狗" * 3000,
    "a" * 20_000,
    "\u0301" * 5000,
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
def test_any_text_has_a_defined_result(trained: Service, text: str) -> None:
    pairs = [{"premise": text, "hypothesis": "the dog"}, {"premise": "the dog", "hypothesis": text}]
    found = predict(trained, lang="en", pairs=[*pairs, PAIR])["predictions"]
    assert all(math.isclose(sum(numbers(prediction)), 1, abs_tol=1e-5) for prediction in found)
    (alone,) = predict(trained, lang="en", pairs=[PAIR])["predictions"]
    assert close(found[2], alone)


def test_ten_thousand_pairs_come_back_in_order_and_do_not_hold_up_others(trained: Service) -> None:
    distinct = [
        {"premise": f"the {who} {what}", "hypothesis": f"the {who} is {how} \U0001f600", **where}
        for who in ("dog", "cat", "man", "bird", "horse")
        for what in ("runs", "eats and runs in the field", "is sleeping")
        for how in ("red", "sleeping", "happy")
        for where in ({}, {"lang": "sw"})
    ]
    alone = [predict(trained, lang="en", pairs=[pair])["predictions"][0] for pair in distinct]
    order = [(index * 7919) % len(distinct) for index in range(10_000)]
    waited: list[float] = []

    def small() -> None:
        time.sleep(0.3)
        for _ in range(5):
            began = time.monotonic()
            predict(trained, lang="en", pairs=[PAIR])
            waited.append(time.monotonic() - began)

    thread = threading.Thread(target=small)
    thread.start()
    began = time.monotonic()
    found = predict(trained, lang="en", pairs=[distinct[index] for index in order])["predictions"]
    whole = time.monotonic() - began
    thread.join()
    assert len(found) == 10_000
    assert all(close(prediction, alone[index]) for prediction, index in zip(found, order, strict=True))
    assert min(waited) < whole / 2, "a small request overtakes a large one"


def test_the_engine_shows_what_is_resident_and_what_had_to_leave(trained: Service) -> None:
    def figures() -> dict[str, float]:
        lines = trained.http.get("/metrics").text.splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    predict(trained, lang="en", pairs=[PAIR])
    before = figures()
    predict(trained, lang="en", pairs=[PAIR])
    after = figures()
    assert after["ltp_pairs_total"] > before["ltp_pairs_total"]
    assert after['ltp_engine_hits_total{cache="fused"}'] > before['ltp_engine_hits_total{cache="fused"}']
    assert after['ltp_engine_misses_total{cache="compact"}'] >= 1
    assert 0 < after['ltp_engine_bytes{cache="fused"}'] <= after['ltp_engine_capacity_bytes{cache="fused"}']
    assert after["ltp_batch_pairs_count"] > before["ltp_batch_pairs_count"]


def test_concurrent_requests_get_their_own_answers(trained: Service) -> None:
    references = ["en@1", "en@2", "sw"]
    alone = {reference: predict(trained, adapter=reference, pairs=[PAIR])["predictions"][0] for reference in references}

    def ask(index: int) -> bool:
        reference = references[index % 3]
        found = predict(trained, adapter=reference, pairs=[PAIR] * (1 + index % 5))["predictions"]
        return len(found) == 1 + index % 5 and all(close(one, alone[reference]) for one in found)

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(ask, range(120)))


def test_too_many_pairs_are_refused(trained: Service) -> None:
    body = refused(trained.http.post("/predict", json={"lang": "en", "pairs": [PAIR] * 10_001}), 422, "invalid_request")
    assert body["fields"][0]["path"] == "pairs"


@pytest.fixture
def narrow(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path, trained: Service) -> Iterator[Service]:
    """A service whose queue holds eight pairs, with an adapter brought from another one."""
    with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, queue_pairs=8)) as service:
        service.wait_ready()
        assert service.bring_in(trained.export()).status_code == 201
        yield service


def test_a_full_queue_refuses_and_says_when_to_come_back(narrow: Service) -> None:
    large = {"lang": "en", "pairs": [{"premise": "the dog runs", "hypothesis": "the dog"}] * 10_000}

    def flood(_: int) -> int:
        return narrow.http.post("/predict", json=large).status_code

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(flood, 0)
        wait_until(lambda: len(narrow.app.state.predictor._queue) > 8, 20)
        response = narrow.http.post("/predict", json={"lang": "en", "pairs": [PAIR]})
        refused(response, 429, "queue_full")
        assert int(response.headers["Retry-After"]) >= 1
        refused(narrow.http.post("/predict", content=b"no JSON"), 429, "queue_full")  # nothing of it is read
        assert narrow.http.get("/healthz").elapsed.total_seconds() < 2, "the event loop stays free"
        assert first.result(120) == 200, "what was accepted is answered"
    assert len(predict(narrow, lang="en", pairs=[PAIR])["predictions"]) == 1


def test_nobody_waits_for_longer_than_the_settings_say(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path, trained: Service
) -> None:
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, queue_pairs=100_000, max_wait_s=1e-6)
    large = {"lang": "en", "pairs": [{"premise": "the dog runs", "hypothesis": "the dog"}] * 10_000}
    with running(settings) as service, ThreadPoolExecutor(1) as pool:
        service.wait_ready()
        assert service.bring_in(trained.export()).status_code == 201
        first = pool.submit(service.http.post, "/predict", json=large)
        queue = service.app.state.predictor._queue
        wait_until(lambda: 0 < len(queue) < 8000, 60)  # its first batches told the pace
        body = refused(service.http.post("/predict", json={"lang": "en", "pairs": [PAIR]}), 429, "queue_full")
        assert "1e-06 s" in body["detail"]
        assert first.result(120).status_code == 200, "an idle engine takes what it is given"


def test_a_caller_who_leaves_gives_the_queue_back(narrow: Service) -> None:
    pairs = ",".join(['{"premise":"the dog runs","hypothesis":"the dog"}'] * 8000)
    body = f'{{"lang":"en","pairs":[{pairs}]}}'.encode()
    head = [
        "POST /predict HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    queue = narrow.app.state.predictor._queue
    with socket.create_connection(("127.0.0.1", narrow.port)) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        wait_until(lambda: len(queue) > 6000, 20)
    wait_until(lambda: len(queue) == 0, 5)


def test_a_stopping_service_answers_what_it_accepted(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path, trained: Service
) -> None:
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, grace_s=120)
    with running(settings) as service, ThreadPoolExecutor(4) as pool:
        service.wait_ready()
        assert service.bring_in(trained.export()).status_code == 201
        body = {"lang": "en", "pairs": [PAIR] * 600}
        answers = [pool.submit(service.http.post, "/predict", json=body) for _ in range(4)]
        wait_until(lambda: len(service.app.state.predictor._queue) > 1200, 60)
        service.server.should_exit = True
        assert [answer.result(120).status_code for answer in answers] == [200] * 4
