"""A small starter for the tiny backbone: an adapter trained by a service, packed as the package keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.running_service import Service

from ltp.starter.package import pack


def write_starter(service: Service, folder: Path, *, training: dict[str, Any]) -> Path:
    """Train an adapter on the service, which has a ticket, and put it into `folder` as the starter; returns that."""
    adapter = service.train("mul", training=training | {"delta_dtype": "fp16"})
    exported = service.http.get(f"/adapters/{adapter['id']}/export")
    assert exported.status_code == 200, exported.text
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "export").write_bytes(exported.content)
    (folder / "tiny.safetensors").write_bytes(pack(folder / "export"))
    (folder / "export").unlink()
    return folder
