#!/usr/bin/env bash
# torch 2.13.0: an int8 product by oneDNN loses most of its sum, without a warning, on a processor that has no dot
# product of bytes; with weights of half the range it is exact.
#
# Guess: `torch.ops.onednn.qlinear_pointwise` multiplies uint8 by int8 into 32-bit sums, which hold any such sum of 256
# terms, so its result is exact; a processor without VNNI or AMX is only slower.
# What happens: with AVX2 alone, pairs of products are added in 16 bits, which saturate. Where every token is 255 and every
# weight 127 the sum is off by more than 99 %. Weights of +-64 cannot overflow and are exact. With VNNI or AMX +-127 is
# expected to be exact as well; that half was not seen where this was written.
# Source: this script; oneDNN's developer guide, "Nuances of int8 Computations".
# Here: int8 serving tries extreme values at its start and takes the levels that are exact (ltp/engine/int8_linear.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PY'
import torch

OUTPUTS, INPUTS, MIDDLE = 8, 256, 128
signs = torch.ones(OUTPUTS, INPUTS, dtype=torch.int64)
signs[1::2] = -1
tokens = torch.full((32, INPUTS), 255, dtype=torch.uint8)
with open("/proc/cpuinfo", encoding="utf-8") as file:
    flags = set(next(line for line in file if line.startswith("flags")).split())
dot = sorted(flags & {"avx512_vnni", "avx_vnni", "amx_int8"})


def worst(levels: int) -> int:
    """The largest error of a product of bytes with weights `levels` from zero, against whole numbers."""
    weight = signs * levels
    packed = torch.ops.onednn.qlinear_prepack(weight.to(torch.int8), None)
    got = torch.ops.onednn.qlinear_pointwise(
        tokens, 1.0, MIDDLE, packed, torch.ones(OUTPUTS), torch.zeros(OUTPUTS, dtype=torch.int64),
        None, 1.0, 0, torch.float32, "none", [], "",
    )
    return int((got.long() - (tokens.long() - MIDDLE) @ weight.T).abs().max())


fine, coarse = worst(127), worst(64)
print("torch", torch.__version__, "; instructions for dot products of bytes:", dot or "none")
print(f"largest possible sum: {127 * 127 * INPUTS}")
print(f"weights of +-127: off by {fine}; weights of +-64: off by {coarse}")
if coarse or bool(fine) == bool(dot):
    raise SystemExit("changed: this is not what was found")
PY
