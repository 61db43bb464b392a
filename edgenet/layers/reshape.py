"""Layers that give the same numbers another shape, or put zeros around them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgenet import ops
from edgenet.graph import ShapeError, Value

from .arguments import Pads, channels_last, image_channels, integer, pair
from .layer import Layer


class Flatten(Layer):
    """All axes but the batch become one, the last the fastest.

    Shapes: (batch, a, b, …) → (batch, a·b·…); (batch,) → (batch, 1).

    Args:
        data_format: None or ``"channels_last"``.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    ONNX: Reshape.

    >>> from edgenet import Input
    >>> Flatten()(Input((7, 7, 64))).shape
    (None, 3136)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = channels_last("Flatten", data_format)

    def call(self, x: Value) -> Value:
        """Emit reshape."""
        return ops.reshape(x, (x.shape[0], math.prod(x.shape[1:])))


class Reshape(Layer):
    """Another shape for each sample.

    Shapes: (batch, …) → the batch, then `target_shape`.

    Args:
        target_shape: sizes without the batch; one of them may be -1 and follows from the others.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: if a size is neither positive nor -1, or more than one is -1.
        ShapeError: when called on samples of another number of elements.

    ONNX: Reshape.

    >>> from edgenet import Input
    >>> Reshape((7, 7, -1))(Input((3136,))).shape
    (None, 7, 7, 64)
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        sizes = (target_shape,) if isinstance(target_shape, int) else tuple(target_shape)
        if sizes.count(-1) > 1:
            raise ValueError(f"Reshape: at most one size may be -1, got target_shape={sizes}")
        self.target_shape = tuple(-1 if d == -1 else integer("Reshape", "a size of target_shape", d) for d in sizes)

    def call(self, x: Value) -> Value:
        """Emit reshape."""
        have = math.prod(x.shape[1:])
        known = math.prod(d for d in self.target_shape if d != -1)
        if have % known or (-1 not in self.target_shape and have != known):
            raise ShapeError(
                f"samples of shape {tuple(x.shape[1:])} hold {have} numbers: they cannot be given the shape "
                f"{self.target_shape}"
            )
        return ops.reshape(x, (x.shape[0], *(have // known if d == -1 else d for d in self.target_shape)))


class ZeroPadding2D(Layer):
    """Rows and columns of zeros around images.

    Shapes: (batch, h, w, c) → (batch, top + h + bottom, left + w + right, c).

    Args:
        padding: one integer for all sides, (rows, columns), or ((top, bottom), (left, right)).
        data_format: None or ``"channels_last"``.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on something else than images.

    ONNX: Pad.

    >>> from edgenet import Input
    >>> ZeroPadding2D(((0, 1), (0, 1)))(Input((224, 224, 3))).shape
    (None, 225, 225, 3)
    """

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = _sides(padding)
        self.data_format = channels_last("ZeroPadding2D", data_format)

    def call(self, x: Value) -> Value:
        """Emit pad."""
        image_channels(x.shape)
        return ops.pad(x, ((0, 0), *self.padding, (0, 0)))


def _sides(padding: Any) -> Pads:
    if isinstance(padding, int | np.integer):
        padding = (padding, padding)
    if not isinstance(padding, tuple | list) or len(padding) != 2:
        raise ValueError(
            f"ZeroPadding2D: padding must be an integer, a pair, or ((top, bottom), (left, right)), got {padding!r}"
        )
    rows, columns = (pair("ZeroPadding2D", "padding", p, least=0) for p in padding)
    return rows, columns
