"""Compile every kernel for a GPU that need not be there, by `python -m support.kernel_compiling 90`; see the tests.

Prints a line a kernel: its name, and how many instructions in it multiply and add in one step.
"""

from __future__ import annotations

import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from ltp.compute.cuda import kernels
from ltp.compute.cuda.masks import BLOCK
from ltp.compute.cuda.products import COLUMNS, DEPTH, ROWS, STAGES, TILE, WARPS

WARP = 32
SIXTEENFOLD = [["tt.divisibility", 16]]
"""What the launcher finds out of addresses and sizes by itself."""
LAUNCHES = [
    (kernels.count_blocks, {"bits": "*u8", "counts": "*i64", "size": "i32"}, {"BYTES": BLOCK // 8}),
    (kernels.name_places, {"bits": "*u8", "first": "*i64", "places": "*i64", "size": "i32"}, {"BLOCK": BLOCK}),
    *(
        (
            kernels.add_all,
            {"table": "*i64", "starts": "*i32", "tensors": "i32"},
            {"COLUMNS": kernels.COLUMNS, "SEARCHED": 64, "BLOCK": BLOCK, "HALF": half, "BF16": bf16},
        )
        for half in (True, False)
        for bf16 in (True, False)
    ),
    *(
        (
            kernels.multiply,
            {"rows": kind, "tiles": "*i64", "out": kind, "width": "i32", "height": "i32"},
            {"ROWS": ROWS, "COLUMNS": COLUMNS, "DEPTH": depth, "STEPS": 768 // depth, "TILE": TILE},
        )
        for kind, depth in (("*bf16", DEPTH), ("*fp32", DEPTH // 2))
    ),
]


def main() -> None:
    for kernel, types, constants in LAUNCHES:
        aligned = {
            (place,): SIXTEENFOLD for place, kind in enumerate(types.values()) if kind != "i32" or "rows" in types
        }
        source = ASTSource(kernel, types | dict.fromkeys(constants, "constexpr"), constants, aligned)
        options: dict[str, object] = {"enable_fp_fusion": False}
        if kernel is kernels.multiply:
            options |= {"num_warps": WARPS, "num_stages": STAGES}
        made = triton.compile(source, target=GPUTarget("cuda", int(sys.argv[1]), WARP), options=options)
        assembly = made.asm["ptx"]
        counts = {word: assembly.count(word) for word in ("fma.rn", "wgmma.mma_async", "cp.async.cg", "ld.global.v4")}
        sys.stdout.write(f"{kernel.__name__} {counts} {made.metadata.shared} bytes shared\n")


if __name__ == "__main__":
    main()
