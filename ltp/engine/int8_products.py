"""Which of the encoder's products are computed in int8, and how their inputs are made alike first.

The last layer but its keys and values stays exact: it is computed at `<mask>` alone, so nearly nothing is gained there.
Inputs that come out of a norm are divided by the norm's own gains, rounded to powers of two: a few channels are many
times larger than the others, and would leave those few of a token's 256 bytes. What comes out of GELU is hardly below
zero, so nothing has the byte `ABOVE_ZERO` there. All of it follows from the backbone's weights alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ltp.backbone.load import Backbone
from ltp.compute.quantised_rows import MIDDLE, compiled
from ltp.engine.int8_linear import Int8Linear, int8_nbytes, weight_levels
from ltp.engine.projections import PackedLinear
from ltp.errors import InvalidConfig
from ltp.model.encoder import EMBEDDING_NORM

ABOVE_ZERO = 16
USUAL = 3
"""Standard deviations that a channel after a norm reaches."""


class Int8Products:
    """Makes the products of one backbone's units, the backbone's own and adapters'.

    Raises:
        InvalidConfig: this device, or this build of torch, multiplies no bytes exactly.
    """

    def __init__(self, backbone: Backbone, units: dict[str, PackedLinear]) -> None:
        self.levels = weight_levels() if backbone.verbalizer.device.type == "cpu" else 0
        if not self.levels:
            raise InvalidConfig(
                "precision", "int8", "another: int8 needs a CPU, and a torch that multiplies bytes exactly"
            )
        compiled()
        self._last, self._activation = backbone.info.layers - 1, backbone.architecture.activation
        self._columns = {unit.name: _columns(backbone, unit) for unit in units.values() if self.takes(unit)}

    def takes(self, unit: PackedLinear) -> bool:
        """Whether a unit is computed in int8."""
        layer, part = unit.name.split(".")
        return int(layer) != self._last or part == "kv"

    def linear(self, unit: PackedLinear, weight: Tensor, bias: Tensor) -> Int8Linear:
        """Make a unit's product of its weight and bias in fp32; the weight is copied."""
        after_gelu = unit.name.endswith(".outer") and self._activation == "gelu"
        return Int8Linear(
            weight,
            bias,
            unit.activation,
            columns=self._columns[unit.name],
            zero=ABOVE_ZERO if after_gelu else MIDDLE,
            levels=self.levels,
        )

    @staticmethod
    def nbytes(unit: PackedLinear) -> int:
        """Bytes that a unit's product will keep."""
        return int8_nbytes(unit.height, unit.width)


def _columns(backbone: Backbone, unit: PackedLinear) -> Tensor:
    """What a unit's inputs are multiplied by, (I,): powers of two, none above one."""
    norm = _norm_before(unit)
    if norm is None:
        return torch.ones(unit.width)
    gain, shift = (backbone.parameters[f"{norm}.{part}"].abs() for part in ("weight", "bias"))
    reach = USUAL * gain + shift
    relative = (reach / reach.median()).nan_to_num(1.0, 1.0, 1.0).clamp_min(1)
    return torch.exp2(-relative.log2().round())


def _norm_before(unit: PackedLinear) -> str | None:
    number, part = unit.name.split(".")
    layer = int(number)
    if part == "inner":
        return f"roberta.encoder.layer.{layer}.attention.output.LayerNorm"
    if part in {"qkv", "kv"}:
        return f"roberta.encoder.layer.{layer - 1}.output.LayerNorm" if layer else EMBEDDING_NORM
    return None
