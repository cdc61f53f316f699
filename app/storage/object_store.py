"""Contents as objects of an S3-compatible store, by key; what is wrong with one, in one sentence.

Where it answers, its region and the credentials are boto3's matter: `AWS_ENDPOINT_URL_S3`, `AWS_DEFAULT_REGION`,
`AWS_ACCESS_KEY_ID` and so on. Nothing here knows what an object holds: whoever reads one checks it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from importlib.util import find_spec
from typing import Any, NamedTuple

import structlog

from app.blob_settings import bucket_and_prefix
from app.errors import AppError, Busy
from app.storage.chunks import CHUNK

log = structlog.get_logger(__name__)

PART = 8 * CHUNK
"""What is sent at once of a larger object; S3 takes 5 MiB or more, and 10,000 of them."""
TRIES = 3
CONNECT_S, READ_S = 2.0, 15.0
RETRY_S = 2.0
"""How often it is tried whether a store that failed is back."""
PROBE = "ltp-was-here"
"""An object that is written to see whether one can be."""
REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "403", "401"}
ABSENT = {"NoSuchKey", "404"}
NO_UPLOAD = {"NoSuchUpload", "404"}


class BlobStoreUnavailable(Busy):
    """Contents lie in a store that does not answer, or does not do what it is asked."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=5)


class BlobStoreNotInstalled(AppError):
    """A store is named, and the package that speaks with one is not there. Nothing starts without it."""

    def __init__(self) -> None:
        super().__init__("LTP_BLOB_URL names an S3 store, and boto3 is not installed: pip install 'ltp-nli[s3]'")


class ObjectMissing(Exception):
    """There is no object of this key."""


class StoredObject(NamedTuple):
    """An object as it is listed."""

    key: str
    size: int
    changed: datetime


class ObjectStore:
    """One bucket, and a prefix in it. Thread-safe; a process makes one and keeps it. Connects when it is first used.

    While it is away nobody waits for it: a thread finds out when it is back, and until then every call is refused.
    Every method raises `BlobStoreUnavailable`.
    """

    def __init__(self, url: str) -> None:
        if find_spec("boto3") is None:
            raise BlobStoreNotInstalled
        self.url = url
        self._bucket, prefix = bucket_and_prefix(url)
        self._prefix = f"{prefix}/" if prefix else ""
        self._lock = threading.Lock()
        self._away: str | None = None
        """What is wrong, while the store is away."""

    @cached_property
    def _client(self) -> Any:
        """The client: patient for seconds, not for minutes; it adds no checksums that other stores than S3 refuse."""
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            max_pool_connections=32,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        try:
            with self._asking(always=True):
                return boto3.session.Session().client("s3", config=config)
        except ValueError as error:  # an endpoint that is no URL
            raise BlobStoreUnavailable(f"the blob store cannot be reached: {error}; see AWS_ENDPOINT_URL_S3") from error

    def upload(self, key: str) -> Upload:
        """Begin an object that is written a piece at a time."""
        return Upload(key, self._do, self._place(key))

    def read(self, key: str, *, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset` on, in pieces of `CHUNK` but for the last; goes on when the connection breaks.

        Raises `ObjectMissing`.
        """
        failures = 0
        while True:
            try:
                for piece in self._once(key, offset):
                    yield piece
                    offset, failures = offset + len(piece), 0
            except BlobStoreUnavailable:
                failures += 1
                if self._away is not None or failures == TRIES:
                    raise
            else:
                return

    def _once(self, key: str, offset: int) -> Iterator[bytes]:
        asked: dict[str, Any] = {"Range": f"bytes={offset}-"} if offset else {}
        answer = self._do("get_object", **self._place(key), **asked)
        body, left = answer["Body"], answer["ContentLength"]
        try:
            while left > 0:
                with self._asking():
                    piece = body.read(CHUNK)
                if len(piece) < min(CHUNK, left):  # what a connection that breaks leaves is given out as if it were all
                    raise BlobStoreUnavailable("the connection to the blob store broke off; try again in a moment")
                left -= len(piece)
                yield piece
        finally:
            body.close()

    def has(self, key: str) -> bool:
        """Tell whether there is such an object."""
        try:
            self._do("head_object", **self._place(key))
        except ObjectMissing:
            return False
        return True

    def delete(self, key: str, *, begun: bool = False) -> None:
        """Delete an object, or nothing; with `begun` what was sent of one that was not finished, too."""
        self._do("delete_object", **self._place(key))
        if not begun:
            return
        place = self._place(key)
        found = self._do("list_multipart_uploads", Bucket=self._bucket, Prefix=place["Key"]).get("Uploads") or []
        for upload in found:
            if upload["Key"] == place["Key"]:
                self._do("abort_multipart_upload", UploadId=upload["UploadId"], **place)

    def objects(self) -> Iterator[StoredObject]:
        """Yield what lies under the prefix, but for the probe."""
        with self._asking():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                for each in page.get("Contents", ()):
                    key = each["Key"].removeprefix(self._prefix)
                    if key != PROBE:
                        yield StoredObject(key, each["Size"], each["LastModified"])

    def check(self) -> None:
        """Write a small object and read it back."""
        self._do("put_object", always=True, Body=b"", **self._place(PROBE))
        self._do("head_object", always=True, **self._place(PROBE))

    def keeps_versions(self) -> bool:
        """Tell whether the bucket keeps what is deleted; False where the store does not say."""
        try:
            return bool(self._do("get_bucket_versioning", Bucket=self._bucket).get("Status") == "Enabled")
        except (BlobStoreUnavailable, ObjectMissing):
            return False

    def _place(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}{key}"}

    def _do(self, operation: str, *, always: bool = False, **arguments: Any) -> Any:
        """Ask the store; with `always` also while it is away."""
        with self._asking(always=always):
            return getattr(self._client, operation)(**arguments)

    @contextmanager
    def _asking(self, *, always: bool = False) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        if self._away is not None and not always:
            raise BlobStoreUnavailable(self._away)
        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in ABSENT | NO_UPLOAD:
                raise ObjectMissing(str(error)) from error
            raise BlobStoreUnavailable(self._explained(code)) from error
        except BotoCoreError as error:
            said = self._unanswered(error)
            if type(error).__name__ not in ("ResponseStreamingError", "IncompleteReadError") and not always:
                self._note(said)
            raise BlobStoreUnavailable(said) from error

    def _explained(self, code: str) -> str:
        if code == "NoSuchBucket":
            return f"the blob store has no bucket {self._bucket!r}, which LTP_BLOB_URL names; make it, or name another"
        if code in REFUSED:
            what = f"the blob store refuses these credentials for bucket {self._bucket!r} ({code})"
            return f"{what}; see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and what they may do there"
        return f"the blob store fails ({code}); try again in a moment"

    def _unanswered(self, error: Exception) -> str:
        kind = type(error).__name__
        if kind in ("NoCredentialsError", "PartialCredentialsError"):
            return "there are no credentials for the blob store; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        return f"the blob store {self.url} does not answer ({kind}); try again in a moment"

    def _note(self, why: str) -> None:
        """Remember that the store is away, and have a thread look for it."""
        with self._lock:
            if self._away is not None:
                return
            self._away = why
        log.warning(why)
        threading.Thread(target=self._until_it_is_back, name="blob-store", daemon=True).start()

    def _until_it_is_back(self) -> None:
        began = time.monotonic()
        while self._away is not None:
            time.sleep(RETRY_S)
            try:
                self.check()
            except (BlobStoreUnavailable, ObjectMissing):
                continue
            self._away = None
            log.warning("the blob store answers again", after_s=round(time.monotonic() - began, 1))


class Upload:
    """An object that is being written: it is there as a whole once `finish` returns, and not before."""

    def __init__(self, key: str, do: Callable[..., Any], place: dict[str, str]) -> None:
        self._key, self._do, self._place = key, do, place
        self._held = bytearray()
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        """Take some more; sends a part whenever there is one."""
        self._held += data
        if len(self._held) >= PART:
            self._send()

    def finish(self) -> None:
        """Send the rest, and make it an object."""
        if self._upload_id is None:
            self._do("put_object", Body=bytes(self._held), **self._place)
            return
        if self._held:
            self._send()
        done = {"Parts": self._parts}
        self._asked("complete_multipart_upload", MultipartUpload=done)

    def _send(self) -> None:
        if self._upload_id is None:
            self._upload_id = self._do("create_multipart_upload", **self._place)["UploadId"]
        number = len(self._parts) + 1
        answer = self._asked("upload_part", PartNumber=number, Body=self._held)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        self._held = bytearray()

    def _asked(self, operation: str, **arguments: Any) -> Any:
        try:
            return self._do(operation, UploadId=self._upload_id, **self._place, **arguments)
        except ObjectMissing as error:  # it was taken for abandoned, or another process has erased the blob
            raise BlobStoreUnavailable("the blob store has dropped what was being sent; send it again") from error
