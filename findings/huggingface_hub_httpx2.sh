#!/usr/bin/env bash
# huggingface_hub 2.4.0: what it raises of a hub that cannot be reached is no error of httpx, though 1.x raised those.
#
# Guess: since 1.0 the library speaks through httpx, so `except httpx.HTTPError` beside `HfHubHTTPError` catches what can
# go wrong on the way to a hub: no connection, a name that is not known, a time limit.
# What happens: 2.x speaks through httpx2, a package of its own. With httpx installed as well, the clause imports, type
# checks, and never matches: the program ends with a traceback of `httpx2.ConnectError`. `huggingface_hub.utils.httpx` is
# whichever of the two the library speaks through (from 1.30 on, say the notes), and its HTTPError matches.
# Source: this script; the notes of release 2.0.0 and https://github.com/huggingface/huggingface_hub/issues/4802.
# Here: `ltp adapter push` has its sentence for whatever the library raises (app/cli/exports.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check huggingface_hub==2.4.0 httpx==0.28.1 2>/dev/null
cd "$folder"
HOME="$folder" NO_PROXY=127.0.0.1 "$folder/venv/bin/python" - 2>/dev/null <<'PY'
import socket

import httpx
import huggingface_hub
from huggingface_hub import HfApi
from huggingface_hub.utils import HfHubHTTPError, httpx as spoken

with socket.socket() as unused:  # bound, and nobody listens
    unused.bind(("127.0.0.1", 0))
    try:
        HfApi(endpoint=f"http://127.0.0.1:{unused.getsockname()[1]}", token=False).model_info("owner/name")
    except Exception as error:
        raised = error
print("huggingface_hub", huggingface_hub.__version__, "beside httpx", httpx.__version__)
print("raised:", f"{type(raised).__module__}.{type(raised).__name__}")
caught = {
    "httpx.HTTPError": isinstance(raised, httpx.HTTPError),
    "HfHubHTTPError": isinstance(raised, HfHubHTTPError),
    "huggingface_hub.utils.httpx.HTTPError": isinstance(raised, spoken.HTTPError),
}
for clause, matches in caught.items():
    print(f"except {clause}:", "matches" if matches else "does not match")
if list(caught.values()) != [False, False, True]:
    raise SystemExit("changed: this is not what was found")
PY
