"""Files before anything is done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ltp_client.aio.connection import AsyncConnection
from ltp_client.models import Reading
from ltp_client.record import read
from ltp_client.requests import CheckRequest
from ltp_client.uploads import Source, upload

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Data:
    """`client.data`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def check(
        self,
        file: Source,
        *,
        task: Literal["train", "predict", "evaluate", "corpus"] = "train",
        **options: Unpack[CheckRequest],
    ) -> Reading:
        """What would be read of a file or a table: columns, labels, what is left out and why. Nothing is kept."""
        body = {"task": task, **options}
        return read(Reading, await self._connection.post("/data/check", body, files={"file": upload(file)}))
