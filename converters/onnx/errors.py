"""What can go wrong at the ONNX border."""

from __future__ import annotations

from ..errors import UnsupportedModelError

__all__ = ["EvaluationError", "Refused", "UnsupportedModelError"]


class EvaluationError(ValueError):
    """A node that cannot be computed on the arrays at hand: an index out of range, shapes that do not fit."""


class Refused(Exception):
    """Raised by a converter of one operator: this node cannot be taken over, and why.

    Args:
        reason: the sentence.
        name: the input of the node that is to blame, where it is a single one.
    """

    def __init__(self, reason: str, name: str = "") -> None:
        self.name = name
        super().__init__(reason)


class Asked(Refused):
    """Refused because a converter asks for the contents of an input, which depend on the inputs of the model."""


class Open(Refused):
    """Refused because a size is not known yet; what does not compute with it may still be done."""


class Unfit(Refused):
    """The arrays do not fit the node: an index out of range, shapes that do not broadcast.  Others might."""
