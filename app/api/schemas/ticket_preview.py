"""What a ticket would cost, asked of its drift before it is made."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.scalars import Answer, hyperparameter
from app.api.schemas.tickets import LayerShare
from app.registry.ticket_preview import TicketPreview
from ltp.config import Rule, TicketConfig


class PreviewQuery(BaseModel):
    """The ticket that is thought of."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    active_ratio: float = hyperparameter(TicketConfig, "active_ratio")
    rule: Rule = hyperparameter(TicketConfig, "rule")
    layers: Annotated[
        str, Field(pattern=r"^(all|lower|middle|upper|[1-9][0-9]{0,2}(,[1-9][0-9]{0,2}){0,511})$", examples=["9,10,11"])
    ] = "all"
    """`all`, a third (`lower`, `middle`, `upper`), or numbers of layers with commas between."""

    def selection(self) -> TicketConfig:
        """Return the hyperparameters of the selection. Raises `InvalidConfig`."""
        named = tuple(map(int, self.layers.split(","))) if self.layers[0].isdigit() else self.layers
        return TicketConfig(active_ratio=self.active_ratio, rule=self.rule, layers=named)  # type: ignore[arg-type]


class TicketPreviewPublic(Answer):
    """A ticket as it would be."""

    active: Annotated[int, Field(examples=[4_300_000])]
    """Active parameters, exactly."""
    selectable: Annotated[int, Field(examples=[21_500_000])]
    """Parameters that could be chosen."""
    moved: Annotated[int, Field(examples=[20_100_000])]
    """Those of them whose drift is not zero."""
    zero_drift: Annotated[int, Field(examples=[0])]
    """Active parameters that never moved: the corpus was too small for the ratio."""
    distribution: list[LayerShare]
    """Per layer, to about a hundredth. Empty where a release before measured the drift: it did not keep the layers'."""
    mask_bytes: Annotated[int, Field(examples=[2_690_000])]
    """About the size of the mask as it is downloaded."""
    stored_mask_bytes: Annotated[int, Field(examples=[1_940_000])]
    """About its size where it is kept, compressed."""
    adapter_bytes: Annotated[list[int], Field(min_length=2, max_length=2, examples=[[2_630_000, 8_600_000]])]
    """What each adapter on it will take, at least and at most: 1.03 bytes a changed value in int8, 2 in fp16. Rows of
    the embeddings that no training text touches are not stored."""

    @classmethod
    def of(cls, found: TicketPreview) -> Self:
        """Describe it."""
        return cls(
            active=found.active,
            selectable=found.selectable,
            moved=found.moved,
            zero_drift=found.zero_drift,
            distribution=[
                LayerShare(
                    layer=layer or "embeddings",
                    active=active,
                    share=active / max(1, found.active),
                    density=active / max(1, size),
                )
                for layer, (active, size) in sorted((found.layers or {}).items())
            ],
            mask_bytes=found.mask_bytes,
            stored_mask_bytes=found.stored_mask_bytes,
            adapter_bytes=[found.adapter_least, found.adapter_most],
        )
