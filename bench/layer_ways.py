"""One layer of the encoder computed in several ways: `python -m bench.layer_ways [--precision bf16]`.

The engine's products with what stands between them, the same in plain torch, that compiled by torch.compile, and
converted by OpenVINO. Seconds are the process's own on the processor, by one thread, the least of some runs: they
say the same on a machine that others use as well.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ltp.engine.linear import Linear
from ltp.model.arithmetic import DTYPES

SHAPES = {"mini": (384, 1536), "base": (768, 3072)}
HEADS, EXAMPLES, LENGTH, RUNS = 12, 8, 48, 5


class Layer(nn.Module):
    """A layer of XLM-R on (G, T, H), in its weights' type throughout."""

    def __init__(self, hidden: int, inner: int) -> None:
        super().__init__()
        self.qkv, self.mix = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.inner, self.outer = nn.Linear(hidden, inner), nn.Linear(inner, hidden)
        self.first, self.second = nn.LayerNorm(hidden), nn.LayerNorm(hidden)

    def forward(self, rows: Tensor) -> Tensor:
        q, k, v = self.qkv(rows).view(*rows.shape[:2], 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        hidden = self.first(self.mix(mixed) + rows)
        return self.second(self.outer(F.gelu(self.inner(hidden))) + hidden)


def engines(layer: Layer, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    """The engine's arithmetic: products in the type, all else in fp32."""
    names = {"qkv": "", "mix": "", "inner": "gelu", "outer": ""}
    given = {name: getattr(layer, name) for name in names}
    products = {
        name: Linear(given[name].weight.to(dtype), given[name].bias.to(dtype), activation)
        for name, activation in names.items()
    }

    def product(name: str, rows: Tensor) -> Tensor:
        return products[name](rows.to(dtype)).float()

    def compute(rows: Tensor) -> Tensor:
        flat = rows.flatten(0, 1)
        q, k, v = product("qkv", flat).view(*rows.shape[:2], 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(flat.shape)
        hidden = layer.first(product("mix", mixed).add_(flat))
        inner = products["inner"](hidden.to(dtype))
        return layer.second(product("outer", inner).add_(hidden)).view(rows.shape)

    return compute


def openvinos(layer: Layer, precision: str) -> Callable[[Tensor], Tensor]:
    """The layer converted, with its weights inside."""
    import openvino as ov

    example = torch.randn(EXAMPLES, LENGTH, layer.mix.in_features)
    settings = {
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
        "INFERENCE_NUM_THREADS": 1,
    }
    model = ov.convert_model(layer, example_input=example)
    request = ov.Core().compile_model(model, "CPU", settings).create_infer_request()
    return lambda rows: torch.from_numpy(request.infer([rows.numpy()], share_inputs=True)[0])


def seconds(compute: Callable[[Tensor], Tensor], rows: Tensor) -> float:
    """The least that a call took."""
    found = []
    for _ in range(2 + RUNS):
        began = time.process_time()
        compute(rows)
        found.append(time.process_time() - began)
    return min(found[2:])


@torch.inference_mode()
def main() -> None:
    """Print milliseconds of each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precision", choices=DTYPES, default="fp32")
    precision = parser.parse_args().precision
    dtype = DTYPES[precision]
    torch.set_num_threads(1)
    print(f"| layer, {precision} | engine's | torch | torch.compile | OpenVINO |\n|---|---:|---:|---:|---:|")
    for name, (hidden, inner) in SHAPES.items():
        layer = Layer(hidden, inner).eval()
        rows = torch.randn(EXAMPLES, LENGTH, hidden)
        plain = Layer(hidden, inner).eval().to(dtype)
        ways = [(engines(layer, dtype), rows), (plain, rows.to(dtype)), (torch.compile(plain), rows.to(dtype))]
        ways.append((openvinos(layer, precision), rows))
        taken = " | ".join(f"{1000 * seconds(*way):.1f} ms" for way in ways)
        print(f"| {name}, {EXAMPLES} pairs of {LENGTH} tokens | {taken} |", flush=True)


if __name__ == "__main__":
    main()
