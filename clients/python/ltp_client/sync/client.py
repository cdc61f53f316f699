"""The client: a connection, and what can be asked through it, by resource."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from ltp_client.errors import Error
from ltp_client.models import Backbone, Caller, PredictAnswer, Quota, Readiness, Version
from ltp_client.pairs import Pairs, as_pairs, counted_from
from ltp_client.patience import OnWait, Patience, tell
from ltp_client.record import read
from ltp_client.requests import PredictRequest
from ltp_client.routing import routing
from ltp_client.sync.adapters import Adapters
from ltp_client.sync.administration import Audit, Keys, Webhooks
from ltp_client.sync.connection import Connection
from ltp_client.sync.data import Data
from ltp_client.sync.jobs import Jobs, Workers
from ltp_client.sync.languages import LanguageDeltas, Languages
from ltp_client.sync.predictions import Predictions
from ltp_client.sync.tickets import Drifts, Tickets

if TYPE_CHECKING:
    from typing_extensions import Unpack

BATCH = 64
"""Pairs of one request: as many as are answered in moments, also where others ask."""
POLL_S = 0.5


class Client:
    """A service, by resource: `adapters`, `tickets`, `jobs`, ... Close it, or use it in a `with` block."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout_s: float = 120.0,
        busy_wait_s: float = 120.0,
        attempts: int = 3,
        on_wait: OnWait = tell,
    ) -> None:
        """`url` and `api_key` are LTP_URL (else http://127.0.0.1:8000) and LTP_API_KEY unless they are given.

        A service that answers 429 or 503 is asked again for `busy_wait_s` in all, a request whose connection broke
        `attempts` times; `on_wait` is told of each pause, by default with a warning of the logger `ltp_client`.
        """
        patience = Patience(busy_s=busy_wait_s, attempts=attempts, connect_attempts=attempts, on_wait=on_wait)
        self.connection = Connection(url, api_key, timeout_s=timeout_s, patience=patience)
        self.adapters = Adapters(self.connection)
        self.tickets = Tickets(self.connection)
        self.drifts = Drifts(self.connection)
        self.languages = Languages(self.connection)
        self.language_deltas = LanguageDeltas(self.connection)
        self.predictions = Predictions(self.connection)
        self.jobs = Jobs(self.connection)
        self.workers = Workers(self.connection)
        self.keys = Keys(self.connection)
        self.audit = Audit(self.connection)
        self.webhooks = Webhooks(self.connection)
        self.data = Data(self.connection)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.connection.close()

    @property
    def url(self) -> str:
        """The service's address."""
        return self.connection.url

    def predict(
        self,
        pairs: Pairs,
        *,
        lang: str | None = None,
        adapter: str | None = None,
        answered_as: Literal["two_way"] | None = None,
        **options: Unpack[PredictRequest],
    ) -> PredictAnswer:
        """Judge pairs now: what each hypothesis is to its premise, in the order of the pairs, however many.

        Who judges is named for all of them, or by each pair. `options` are the request's other fields, `fallback`,
        `min_confidence`, `target_accuracy` (`PredictRequest`).
        """
        told = {"lang": lang, "adapter": adapter, "as": answered_as}
        body: dict[str, Any] = {**{field: said for field, said in told.items() if said is not None}, **options}
        return self._in_batches(body, as_pairs(pairs, width=2))

    def _in_batches(self, body: dict[str, Any], pairs: Iterable[dict[str, Any]]) -> PredictAnswer:
        left = iter(pairs)
        batch = list(islice(left, BATCH))
        answer = self._judged({**body, "pairs": batch})
        while batch := list(islice(left, BATCH)):
            with counted_from(len(answer.predictions)):
                further = self._judged({**body, "pairs": batch})
            answer.predictions += further.predictions
            known = {each.adapter.id for each in answer.thresholds or ()}
            new = [each for each in further.thresholds or () if each.adapter.id not in known]
            answer.thresholds = [*(answer.thresholds or ()), *new] or None
            answer.timing_ms.queue += further.timing_ms.queue
            answer.timing_ms.compute += further.timing_ms.compute
        return answer

    def _judged(self, body: dict[str, Any]) -> PredictAnswer:
        return read(PredictAnswer, self.connection.post("/predict", body, headers=routing(body)))

    def ready(self) -> Readiness:
        """Whether predictions can be served; waits while the backbone is being loaded, as long as there is patience."""
        return read(Readiness, self.connection.get("/readyz"))

    def wait_until_up(self, *, timeout_s: float = 60.0) -> Readiness:
        """The same, also for a service that is only being started: nobody may answer for `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return self.ready()
            except Error as error:
                if not error.passing or time.monotonic() > deadline:
                    raise
            time.sleep(POLL_S)

    def version(self) -> Version:
        """What runs there."""
        return read(Version, self.connection.get("/version"))

    def caller(self) -> Caller:
        """On whose behalf you ask, and what you may do."""
        return read(Caller, self.connection.get("/caller"))

    def quota(self) -> Quota:
        """What your tenant keeps and has at work, and the most of each."""
        return read(Quota, self.connection.get("/quota"))

    def backbone(self) -> Backbone:
        """The pretrained model that all adapters share."""
        return read(Backbone, self.connection.get("/backbone"))
