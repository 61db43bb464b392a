"""What can go wrong at the ONNX border."""

from __future__ import annotations

from ..errors import UnsupportedModelError

__all__ = ["Refused", "UnsupportedModelError"]


class Refused(Exception):
    """Raised by a converter of one operator: this node cannot be taken over, and why."""
