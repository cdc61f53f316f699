"""A hub of our own: the few calls of the Hugging Face hub's HTTP interface that pushing a folder makes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGE = 1 << 16
"""Bytes from which a file goes by Git LFS."""
OPEN = ("/lfs/", "/api/agent-harnesses")
"""What takes no token: a place to store at, signed by the hub, and a list that huggingface_hub asks for once a day."""

NOT_FOUND = {"error": "Repository not found"}


class Hub:
    """What was pushed: `files` by repository and path, `private` by repository, and the tokens that calls showed."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.tokens: set[str | None] = set()
        self.objects: dict[str, bytes] = {}
        self.full = False
        """Whether commits are refused."""
        self.url = ""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/main", path):
            files = json.loads(body)["files"]
            return 200, {"files": [self._mode(file) for file in files]}
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", path):
            return self._commit(match[1], body)
        if match := re.fullmatch(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            return 200, {"transfer": "basic", "objects": [self._place(each) for each in json.loads(body)["objects"]]}
        if match := re.fullmatch(r"/lfs/([0-9a-f]{64})", path):
            return self._store(match[1], body)
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)", path):
            return self._about(match[1])
        return 404, {"error": f"{method} {path} is no call of this hub"}

    def _create(self, wanted: dict[str, Any]) -> tuple[int, Any]:
        name = f"{wanted['organization']}/{wanted['name']}"
        if name in self.files:
            return 409, {"error": "You already created this model repo", "url": f"{self.url}/{name}"}
        self.files[name] = {}
        self.private[name] = wanted.get("visibility") == "private"
        return 200, {"url": f"{self.url}/{name}", "name": name, "id": name}

    def _about(self, name: str) -> tuple[int, Any]:
        if name not in self.files:
            return 404, NOT_FOUND
        files = [{"rfilename": path} for path in self.files[name]]
        return 200, {"id": name, "private": self.private[name], "siblings": files, "tags": []}

    def _mode(self, file: dict[str, Any]) -> dict[str, Any]:
        return {
            "path": file["path"],
            "uploadMode": "lfs" if file["size"] >= LARGE else "regular",
            "shouldIgnore": False,
        }

    def _place(self, each: dict[str, Any]) -> dict[str, Any]:
        return each | {"actions": {"upload": {"href": f"{self.url}/lfs/{each['oid']}", "header": {}}}}

    def _store(self, oid: str, content: bytes) -> tuple[int, Any]:
        if hashlib.sha256(content).hexdigest() != oid:
            return 400, {"error": "the content is another"}
        self.objects[oid] = content
        return 200, {}

    def _commit(self, repository: str, body: bytes) -> tuple[int, Any]:
        if self.full:
            return 403, {"error": "your storage is full"}
        for line in body.splitlines():
            step = json.loads(line)
            value = step["value"]
            if step["key"] == "file":
                self.files[repository][value["path"]] = base64.b64decode(value["content"])
            elif step["key"] == "lfsFile":
                self.files[repository][value["path"]] = self.objects[value["oid"]]
            elif step["key"] == "deletedFile":
                del self.files[repository][value["path"]]
        return 200, {"commitUrl": f"{self.url}/{repository}/commit/{'0' * 40}", "commitOid": "0" * 40}


@contextmanager
def fake_hub() -> Iterator[Hub]:
    """A hub on a free port."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not self.path.startswith(OPEN):
                hub.tokens.add(self.headers.get("Authorization"))
            status, value = hub.answer(self.command, self.path.partition("?")[0], body)
            answer = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if value == NOT_FOUND:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
