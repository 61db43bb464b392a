"""Constraints on weights: there are none yet, and asking for one is an error rather than a silence."""

from __future__ import annotations

from typing import Any

__all__ = ["get"]


def get(identifier: Any) -> None:
    """None for None.

    Raises:
        ValueError: for anything else.

    >>> get(None)
    """
    if identifier is not None:
        raise ValueError(f"constraints on weights are not supported: expected None, got {identifier!r}")
