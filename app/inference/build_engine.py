"""An engine as the settings ask for it: its arithmetic, its device and what it may keep in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.inference.adapter_source import RegistrySource
from app.settings import MIB, Settings
from app.storage.database import Database

if TYPE_CHECKING:
    from ltp.backbone.load import Backbone
    from ltp.engine.engine import Engine
    from ltp.engine.precision import PrecisionChoice
    from ltp.engine.usage import UseCallback


def build_engine(
    settings: Settings, db: Database, backbone: Backbone, *, device: str, on_use: UseCallback | None = None
) -> tuple[Engine, PrecisionChoice]:
    """Make an engine that fetches adapters from the registry; return it with its arithmetic, and why that one."""
    from ltp.engine.engine import Engine

    precision = serving_precision(settings, backbone, device)
    engine = Engine(
        backbone,
        source=RegistrySource(db, backbone.info),
        precision=precision.precision,
        device=device,
        fused_bytes=settings.fused_mb and settings.fused_mb * MIB,
        compact_bytes=settings.compact_mb * MIB,
        max_tokens=settings.max_tokens,
        on_use=on_use,
    )
    return engine, precision


def serving_precision(settings: Settings, backbone: Backbone, device: str) -> PrecisionChoice:
    """Return the arithmetic that PRECISION asks for; `auto` takes what is faster here, which this measures."""
    from ltp.engine.precision import PrecisionChoice, choose_precision

    if settings.precision != "auto":
        every = ", for every adapter, whether its int8_agreement passed or not" if settings.precision == "int8" else ""
        return PrecisionChoice(settings.precision, f"set by PRECISION{every}")
    return choose_precision(backbone, device)
