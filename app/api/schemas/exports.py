"""In which form an adapter is handed out."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

ONE_FILE: Final = "ltp"
"""The format of this project's own: a file for another service."""


class ExportQuery(BaseModel):
    """In which form to have an adapter. A parameter that is not known here is refused."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    format: Literal["ltp", "hf", "onnx"] = ONE_FILE
    """`ltp`: one safetensors file, for another LTP. `hf`: a zip of a folder of transformers, the model whole. `onnx`: a
    zip of a folder with the model as a graph, ids in and probabilities out."""
    int8: bool = False
    """With `onnx`: quantised to int8. The model card says how much that changes on the development pairs, where the
    service has them."""

    @model_validator(mode="after")
    def _int8_is_for_onnx(self) -> Self:
        if self.int8 and self.format != "onnx":
            raise ValueError(f"int8 goes with format onnx, not with {self.format}")
        return self
