#!/usr/bin/env bash
# pydantic-core 2.50.4: `from_json(..., allow_inf_nan=False)` refuses the literal Infinity and returns inf for 1e400.
#
# Guess: with `allow_inf_nan=False` no infinite number comes out, since JSON has none and the option says so.
# What happens: the words `Infinity` and `NaN` are refused, but a number too large for a double (`1e400`, which is valid
# JSON, RFC 8259 section 6) is read as `inf` without a word, alone and inside of lists. Python's own `json` does the same
# and has no such option.
# Source: this script; https://docs.pydantic.dev/latest/concepts/json/ describes `from_json`.
# Here: numbers of files' headers and of bodies are looked at after reading (ltp/strict_json.py, app/http/strict_json.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check pydantic-core==2.50.4 2>/dev/null
"$folder/venv/bin/python" - <<'PY'
import math
import pydantic_core

print("pydantic-core", pydantic_core.__version__)
for literal in (b"[Infinity]", b"[NaN]"):
    try:
        pydantic_core.from_json(literal, allow_inf_nan=False)
    except ValueError as error:
        print(f"{literal.decode()}: refused ({error})")
    else:
        raise SystemExit(f"changed: {literal.decode()} is read now")
found = pydantic_core.from_json(b"[1e400]", allow_inf_nan=False)
print(f"[1e400]: {found}")
if not math.isinf(found[0]):
    raise SystemExit("changed: 1e400 is no infinity any more")
PY
