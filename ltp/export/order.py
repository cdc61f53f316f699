"""What is to be exported, and how: an order that goes to another process as JSON, and the work that it asks for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Format = Literal["hf", "onnx"]


@dataclass(frozen=True)
class Order:
    """What is to be exported, and how."""

    backbone: str
    """The checkpoint's folder."""
    export: str
    """The adapter's own export, one safetensors file."""
    folder: str
    """An empty one, to be filled."""
    format: Format
    int8: bool = False
    about: dict[str, Any] = field(default_factory=dict)
    """What is known of the adapter, for the model card."""
    pairs: list[tuple[str, str]] = field(default_factory=list)
    """What int8 is compared with fp32 on."""


def carry_out(order: Order) -> None:
    """Fill the folder. Raises LTPError."""
    from ltp.adapter.artefact import read_export
    from ltp.backbone.load import load_backbone

    backbone = load_backbone(Path(order.backbone))
    adapter, ticket, _, _ = read_export(Path(order.export), backbone.info)
    folder = Path(order.folder)
    if order.format == "hf":
        from ltp.export import hf

        hf.write_folder(folder, backbone, adapter, ticket, order.about)
    else:
        from ltp.export import onnx_folder

        onnx_folder.write_folder(folder, backbone, adapter, ticket, order.about, int8=order.int8, pairs=order.pairs)


def spoken(order: Order) -> str:
    """The order as the process reads it."""
    return json.dumps(asdict(order), allow_nan=False)
