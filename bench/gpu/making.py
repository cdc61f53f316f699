"""Writing the backbones once, so that no other part's time goes into it."""

from __future__ import annotations

from bench.gpu.device import Setting
from ltp.backbone.load import load_backbone


def run(setting: Setting) -> None:
    """Make base and large, and let their fingerprints be computed."""
    for name in ("base", "large"):
        with setting.measuring(name) as figures:
            found = load_backbone(setting.material(name).folder)
            figures |= {"parameters": found.info.parameters, "layers": found.info.layers}
