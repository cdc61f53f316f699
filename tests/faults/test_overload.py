"""Case 16. Ten times more than the service can take: a bounded queue, refusals with Retry-After, flat memory."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from support.running_service import EXAMPLES, Service, running, settings_for

pytestmark = pytest.mark.process

CAPACITY, PAIRS = 64, 16
CALLERS, CALLS = 40, 4
"""40 callers of 16 pairs ask for ten times what the queue holds, again and again."""
BODY = {"lang": "en", "pairs": [{"premise": "the dog runs in the field " * 12, "hypothesis": "the dog"}] * PAIRS}


@pytest.fixture(scope="module")
def small(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    """A service with a short queue and small batches."""
    directory = tmp_path_factory.mktemp("small") / "data"
    with running(
        settings_for(directory, migrated_sqlite, tiny_backbone_dir, queue_pairs=CAPACITY, max_tokens=512)
    ) as service:
        service.wait_ready()
        training = {"epochs": 1}
        accepted = service.http.post(
            "/adapters", json={"lang": "en", "method": "pt", "examples": EXAMPLES, "training": training}
        )
        assert accepted.status_code == 202, accepted.text
        service.work()
        yield service


def test_case_16_overload_is_refused_in_words_and_what_is_accepted_waits_for_a_full_queue_at_most(
    small: Service,
) -> None:
    answers: Counter[int] = Counter()
    longest: list[int] = []
    over = threading.Event()
    process = psutil.Process()

    def look() -> None:
        while not over.wait(0.002):
            longest.append(len(small.app.state.predictor._queue))

    def call(client: httpx.Client) -> None:
        response = client.post("/predict", json=BODY)
        answers[response.status_code] += 1
        if response.status_code == 200:
            assert len(response.json()["predictions"]) == PAIRS
        else:
            assert 1 <= int(response.headers["Retry-After"]) <= 60, response.text
            assert response.json()["error"] in ("queue_full", "too_busy")

    def caller(_: int) -> None:
        with httpx.Client(base_url=small.url, timeout=120, trust_env=False) as client:
            for _ in range(CALLS):
                call(client)

    caller(0)
    before = process.memory_info().rss
    watch = threading.Thread(target=look)
    watch.start()
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(caller, range(CALLERS)))
    over.set()
    watch.join()

    assert answers[200] > CALLS, answers
    assert answers[429] > 0, answers
    assert set(answers) <= {200, 429, 503}, answers
    assert answers.total() == (CALLERS + 1) * CALLS
    assert 0 < max(longest) <= CAPACITY, "no accepted request has more than a full queue in front"
    assert process.memory_info().rss - before < 64 << 20
    figures = small.http.get("/metrics").text
    assert f"ltp_queue_refusals_total {answers[429]}.0" in figures
    assert small.http.post("/predict", json=BODY).status_code == 200, "and afterwards all is as before"
