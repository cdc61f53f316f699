"""Files of pairs, judged by a job."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from ltp_client.models import Prediction, PredictionDetail
from ltp_client.record import read
from ltp_client.requests import PredictionRequest
from ltp_client.result_rows import Rows, rows_of
from ltp_client.sync.connection import Connection
from ltp_client.sync.running import Running
from ltp_client.uploads import Source, upload

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Predictions:
    """`client.predictions`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def submit(
        self,
        pairs: Source,
        *,
        lang: str | None = None,
        adapter: str | None = None,
        answered_as: Literal["two_way"] | None = None,
        key: str | None = None,
        **options: Unpack[PredictionRequest],
    ) -> Running[Prediction]:
        """Have a file or a table of pairs judged; a row's own `lang` or `adapter` wins over the request's.

        `options` are the request's other fields, `fallback`, `min_confidence`, `columns`, ... (`PredictionRequest`).
        """
        told = {"lang": lang, "adapter": adapter, "as": answered_as}
        body = {**{field: said for field, said in told.items() if said is not None}, **options}
        accepted = self._connection.post("/predictions", body, files={"file": upload(pairs)}, key=key)
        return Running(self._connection, accepted, Prediction, "/predictions")

    def get(self, prediction_id: str) -> PredictionDetail:
        """Look at one: which adapters judge, and counts by label once it is ready."""
        return read(PredictionDetail, self._connection.get(f"/predictions/{prediction_id}"))

    def save(self, prediction_id: str, target: str | os.PathLike[str]) -> int:
        """Write the file with labels and probabilities added; returns its size in bytes."""
        return self._connection.save(f"/predictions/{prediction_id}/result", target)

    def rows(self, prediction_id: str) -> Rows:
        """The same as rows, for a DataFrame say; values of a table or of JSON keep their types, CSV is text."""
        response = self._connection.content(f"/predictions/{prediction_id}/result")
        return rows_of(response.content, response.headers.get("Content-Type", ""))

    def delete(self, prediction_id: str) -> None:
        """Erase the file and its result."""
        self._connection.delete(f"/predictions/{prediction_id}")

    def list(self, *, limit: int | None = None) -> Iterator[Prediction]:
        """Files that were sent in, newest first."""
        for item in self._connection.pages("/predictions", limit=limit):
            yield read(Prediction, item)
