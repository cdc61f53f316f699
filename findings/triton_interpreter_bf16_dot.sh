#!/usr/bin/env bash
# triton 3.6.0: in the interpreter, the product of two bf16 matrices is that of their bit patterns, without an error.
#
# Guess: TRITON_INTERPRET=1 runs a kernel on the CPU with the values it would have on a GPU, so `tl.dot` of bf16 agrees with
# torch to bf16's rounding, as that of fp16 does with fp16's.
# What happens: the interpreter keeps bf16 as unsigned 16-bit numbers, which `tl.dot` multiplies as they are: a product of
# matrices of N(0, 1) has entries of some 1e10. fp16 and fp32 are right.
# Source: this script; https://github.com/triton-lang/triton/issues/11584, closed as "we just don't support it yet".
# Here: the grouped product is checked in the interpreter in fp32 alone (tests/support/kernel_checks.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 triton==3.6.0 numpy==2.4.6 2>/dev/null
cat > "$folder/product.py" <<'PY'  # a kernel is read from its file
import os

os.environ["TRITON_INTERPRET"] = "1"  # before the first import

import torch
import triton
import triton.language as tl

N = 16


@triton.jit
def multiply(left, right, out, N: tl.constexpr):
    place = tl.arange(0, N)[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(out + place, tl.dot(tl.load(left + place), tl.load(right + place)))


generator = torch.Generator().manual_seed(0)
a, b = (torch.randn(N, N, generator=generator) for _ in range(2))


def largest_error(dtype: torch.dtype) -> float:
    left, right = a.to(dtype), b.to(dtype)
    out = torch.zeros(N, N)
    multiply[(1,)](left, right, out, N)
    return float((out - left.float() @ right.float()).abs().max())


print("triton", triton.__version__, "torch", torch.__version__)
fp16, bf16 = largest_error(torch.float16), largest_error(torch.bfloat16)
print(f"largest error of a product of two {N} x {N} matrices of N(0, 1): fp16 {fp16:.2e}, bf16 {bf16:.2e}")
if fp16 > 0.01 or bf16 < 1e3:
    raise SystemExit("changed: this is not what was found")
PY
"$folder/venv/bin/python" "$folder/product.py"
