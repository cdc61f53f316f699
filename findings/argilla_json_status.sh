#!/usr/bin/env bash
# argilla 2.8.0: the JSON of records gives a discarded response, or a draft, like a submitted one.
#
# Guess: an export of annotated records says which responses were submitted, as the flat export does
# (`label.responses.status`), so that a label that its annotator discarded is not taken for one.
# What happens: `Record.to_dict()`, and so `records.to_json(...)`, writes each response as value and user_id alone; the
# status is lost, and a discarded label stands there as a label. Read back by `Record.from_dict`, it has no status.
# Source: this script; argilla/records/_resource.py, `RecordResponses.to_dict`.
# (requests is imported by argilla and not among what it requires.)
# Here: the nested JSON is read, and the reading warns of what it does not say (ltp/text/examples/annotations.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check argilla==2.8.0 requests==2.34.2 2>/dev/null
cd "$folder"
HOME="$folder" "$folder/venv/bin/python" - <<'PY'
import uuid
from importlib.metadata import version

import argilla
from argilla.records._io import GenericIO, JsonIO

print("argilla", version("argilla"))
user = uuid.UUID(int=7)
records = [
    argilla.Record(
        id=status,
        fields={"premise": "The dog sleeps.", "hypothesis": "It rests."},
        responses=[argilla.Response("label", "neutral", user_id=user, status=status)],
    )
    for status in ("submitted", "discarded", "draft")
]
flat = [row["label.responses.status"] for row in GenericIO.to_list(records, flatten=True)]
print("flat:", flat)
JsonIO.to_json(records, "records.json")
import json

nested = [row["responses"]["label"] for row in json.load(open("records.json"))]
print("JSON:", nested[1])
if any("status" in response for responses in nested for response in responses):
    raise SystemExit("changed: the JSON says the status now")
if flat != [["submitted"], ["discarded"], ["draft"]]:
    raise SystemExit("changed: the flat export is another")
if not nested[0] == nested[1] == nested[2]:
    raise SystemExit("changed: the three differ now")
PY
