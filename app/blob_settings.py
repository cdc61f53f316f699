"""The setting of where contents are kept: in the database, or in an S3-compatible store."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_settings import BaseSettings, SettingsConfigDict

FORM = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9!_.*'()/-]*))?")


def bucket_and_prefix(url: str) -> tuple[str, str]:
    """Take `s3://BUCKET/PREFIX` apart; the prefix, which may be empty, has no slash at its ends. Raises ValueError."""
    found = FORM.fullmatch(url)
    if found is None:
        raise ValueError(f"{url!r} names no bucket; write it as s3://BUCKET or s3://BUCKET/PREFIX, and no secret in it")
    return found[1], (found[2] or "").strip("/")


def _is_store(url: str) -> str:
    if url:
        bucket_and_prefix(url)
    return url


class BlobSettings(BaseSettings):
    """What `app.settings.Settings`, which alone is read from the environment, says of where contents are kept."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True)

    blob_url: Annotated[str, AfterValidator(_is_store)] = ""
    """`s3://BUCKET/PREFIX`: contents go into an S3-compatible store, the same for API and workers; where that answers,
    and as whom it is asked, say the AWS_ variables of boto3. Empty: into the database."""
