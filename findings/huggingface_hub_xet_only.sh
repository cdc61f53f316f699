#!/usr/bin/env bash
# huggingface_hub 2.4.0: with hf_xet installed, as it is by default, a hub that takes large files by Git LFS gets none.
#
# Guess: which way a large file goes is agreed on with the hub that HF_ENDPOINT names: LFS where it offers LFS.
# What happens: `upload_folder` asks the hub for each file's `uploadMode`; for one of mode `lfs` it then uses Xet whenever hf_xet
# can be imported, and asks for a Xet token without having asked whether there is Xet. A hub that speaks LFS alone (a mirror,
# one's own) answers 404, and the upload fails; its LFS interface is not tried. HF_HUB_DISABLE_XET=1 makes the same call work.
# Source: this script; `_upload_files` in huggingface_hub/_commit_api.py.
# Here: docs/export.md says so beside `ltp adapter push`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check huggingface_hub==2.4.0 hf-xet==1.8.0 2>/dev/null
cat >"$folder/hub.py" <<'PY'
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

calls = []


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        calls.append(f"{self.command} {path}")
        status, answer = 200, {}
        if "/preupload/" in path:
            names = [file["path"] for file in json.loads(body)["files"]]
            answer = {"files": [{"path": name, "uploadMode": "lfs", "shouldIgnore": False} for name in names]}
        elif path.endswith("/info/lfs/objects/batch"):
            places = {"upload": {"href": f"{endpoint}/lfs"}}
            answer = {"transfer": "basic", "objects": [each | {"actions": places} for each in json.loads(body)["objects"]]}
        elif "/commit/" in path:
            answer = {"commitUrl": f"{endpoint}/o/n/commit/0", "commitOid": "0" * 40}
        elif path != "/lfs":
            status, answer = 404, {"error": "no such call"}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = serve

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
endpoint = os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()

import huggingface_hub

root = Path(sys.argv[1]) / "model"
root.mkdir(exist_ok=True)
(root / "model.bin").write_bytes(b"x" * 100_000)
try:
    huggingface_hub.HfApi(token="hf_x").upload_folder(repo_id="o/n", folder_path=root)
    result = "uploaded"
except Exception as error:
    result = f"failed: {type(error).__name__}"
asked = [call for call in calls if "lfs" in call or "xet" in call]
print(f"huggingface_hub {huggingface_hub.__version__}, HF_HUB_DISABLE_XET={os.environ.get('HF_HUB_DISABLE_XET')}: {result}; asked {asked}")
disabled = "HF_HUB_DISABLE_XET" in os.environ
if (result == "uploaded") != disabled or any("lfs" in call for call in asked) != disabled:
    raise SystemExit("changed: this is not what was found")
PY
export HOME=$folder HF_HUB_DISABLE_PROGRESS_BARS=1
"$folder/venv/bin/python" "$folder/hub.py" "$folder" 2>&1 | grep -v Traceback
HF_HUB_DISABLE_XET=1 "$folder/venv/bin/python" "$folder/hub.py" "$folder"
