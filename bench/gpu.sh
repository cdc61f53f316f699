#!/usr/bin/env bash
# Try LTP on this machine's GPU, within eight minutes:
#
#     bench/gpu.sh [--wheels FOLDER] [--out bench/gpu.json] [--device cuda:1] [--seconds 470] [--parts "rates;device tests"]
#     bench/gpu.sh --device cpu --small       # try the program itself, without a GPU, in a minute
#
# It runs the tests that hold on any device, times training, serving and fusing on random weights of XLM-R base's and
# large's shapes, and prints one JSON object; what goes wrong is named in it, and then the exit status is 1. It needs
# this folder and a Python ($PYTHON, else python3) with torch for CUDA, transformers, accelerate, pytest and what
# pyproject.toml lists of the method; no network, no checkpoint, no database. --wheels names a folder of wheels that are
# put beside what that Python has, for this run only: pydantic, pydantic-core, annotated-types, typing-inspection,
# msgspec, platformdirs, say.
set -euo pipefail

PYTHON=${PYTHON:-python3}
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rest=()
while [ $# -gt 0 ]; do
  case $1 in
    --wheels)
      SITE=$(mktemp -d)
      trap 'rm -rf "$SITE"' EXIT
      "$PYTHON" -m pip install --quiet --no-index --no-deps --no-compile --no-cache-dir --disable-pip-version-check \
        --target "$SITE" "${2:?--wheels takes a folder}"/*.whl
      PYTHONPATH=$SITE${PYTHONPATH:+:$PYTHONPATH}
      shift 2
      ;;
    *)
      rest+=("$1")
      shift
      ;;
  esac
done
cd "$ROOT"
export PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH}
"$PYTHON" -m bench.gpu "${rest[@]}"
