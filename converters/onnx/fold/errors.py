"""Why a node cannot be evaluated."""

from __future__ import annotations

from ..errors import Refused

__all__ = ["Refused", "Unfit"]


class Unfit(Refused):
    """The arrays do not fit the node: an index out of range, shapes that do not broadcast.  Others might."""
