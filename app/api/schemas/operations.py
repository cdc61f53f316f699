"""Health, version, and what is served."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.api.schemas.scalars import Answer
from ltp.config import ServingPrecision


class Health(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(Answer):
    """Predictions can be served."""

    status: Literal["ready"] = "ready"
    backbone: Annotated[str, Field(examples=["mini"])]
    """Name of the loaded backbone."""
    database: Annotated[str | None, Field(examples=["the database is read-only for now"])]
    """What is wrong with the database, where predictions go on all the same; null when nothing is."""
    blob_store: Annotated[str | None, Field(examples=["the blob store s3://ltp does not answer"])]
    """What is wrong with the store of contents, likewise; null where there is none."""


class Version(Answer):
    """What runs here."""

    version: Annotated[str, Field(examples=["0.1.0"])]
    api: Annotated[str, Field(examples=["v1"])]
    python: Annotated[str, Field(examples=["3.11.7"])]
    code: Annotated[str, Field(examples=["0.1.0+c98c75f66f3e"])]
    """Version, and a hash of the code that figures depend on: two services that have it in common compute alike."""
    packages: Annotated[dict[str, str], Field(examples=[{"torch": "2.13.0", "tokenizers": "0.23.3", "numpy": "2.4.6"}])]
    """Versions of the packages that compute."""


class BackbonePublic(Answer):
    """The pretrained model every adapter shares."""

    name: Annotated[str, Field(examples=["mini"])]
    fingerprint: str
    """Artefacts made on another one are refused."""
    layers: Annotated[int, Field(examples=[12])]
    hidden: Annotated[int, Field(examples=[384])]
    vocabulary: Annotated[int, Field(examples=[250037])]
    parameters: Annotated[int, Field(examples=[118_000_000])]
    learning_rate: Annotated[float, Field(examples=[1e-4])]
    """Used where a request names none."""
    max_positions: Annotated[int, Field(examples=[512])]
    """Tokens in the longest input."""
    precision: ServingPrecision | None
    """Arithmetic of predictions; null until they can be served."""
    precision_reason: Annotated[str | None, Field(examples=["measured: bf16 is 2.3 times as fast as fp32 here"])]
    """Why this one."""
    state: Literal["starting", "preparing", "loading", "ready", "failed"]
    """`ready` once predictions can be served."""
