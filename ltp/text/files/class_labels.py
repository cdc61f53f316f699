"""What the numbers of a label stand for where the Hugging Face hub's libraries wrote it down: `ClassLabel` features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def class_labels(features: object) -> dict[str, tuple[str, ...]]:
    """The label of 0, of 1, ... by column: from an object by column, or the viewer's list of `name` and `type`."""
    return {
        str(column): tuple(map(str, feature["names"]))
        for column, feature in _by_column(features)
        if isinstance(feature, Mapping)
        and feature.get("_type") == "ClassLabel"
        and isinstance(feature.get("names"), list)
    }


def _by_column(features: object) -> Iterable[tuple[Any, Any]]:
    if isinstance(features, Mapping):
        return features.items()
    listed = features if isinstance(features, list) else []
    return [(one.get("name"), one.get("type")) for one in listed if isinstance(one, Mapping)]
