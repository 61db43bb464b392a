"""Constraints on weights: there are none yet, and asking for one is an error rather than a silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgenet.graph import Value

__all__ = ["get"]


def get(identifier: Any) -> Callable[[Value], Value] | None:
    """None for None.

    Raises:
        ValueError: for anything else.

    >>> get(None)
    """
    if identifier is not None:
        raise ValueError(f"constraints on weights are not supported: expected None, got {identifier!r}")
    return None
