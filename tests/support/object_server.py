"""An S3-compatible server for tests: moto's, over HTTP in a process of its own. It keeps objects in memory."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3
from support.forwarder import Forwarder
from support.servers import free_port

BUCKET = "ltp-tests"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


class ObjectServer:
    """One server with one bucket, behind a gate: what it holds is gone when it ends, so it is the way that is cut."""

    def __init__(self) -> None:
        self.port = free_port()
        self.gate = Forwarder(self.port)
        self.environment = {**CREDENTIALS, "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self.gate.port}"}
        """What boto3 finds it by."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait()
        named = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        self.client: Any = boto3.session.Session().client("s3", endpoint_url=f"http://127.0.0.1:{self.port}", **named)
        self.client.create_bucket(Bucket=BUCKET)

    def keys(self, prefix: str = "") -> set[str]:
        """What is there, but for the probe, without the prefix."""
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
        return {each["Key"].removeprefix(f"{prefix}/") for each in found} - {"ltp-was-here"}

    def unfinished(self) -> int:
        """How many objects are begun and not finished."""
        return len(self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads") or ())

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody reaches it while the block runs."""
        self.gate.cut()
        try:
            yield
        finally:
            self.gate.target = self.port

    def put(self, key: str, content: bytes) -> None:
        """Write an object around the service."""
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def stop(self) -> None:
        """End it at once."""
        self.gate.close()
        self._process.kill()
        self._process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            assert self._process.poll() is None, "moto's server ended"
            assert time.monotonic() < deadline, "moto's server did not start"
            time.sleep(0.05)


@contextmanager
def running_object_server() -> Iterator[ObjectServer]:
    """A server with an empty bucket."""
    server = ObjectServer()
    try:
        yield server
    finally:
        server.stop()
