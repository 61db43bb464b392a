"""Layers that give the same numbers another shape, or put zeros around them."""

from __future__ import annotations

import math
from typing import Any

from edgenet import ops
from edgenet.graph import ShapeError, Value

from .arguments import channels_last, image_channels, integer, sides
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


class Permute(Layer):
    """The axes of each sample in another order.

    Shapes: axis i of the result, counted from 1, is axis ``dims[i - 1]`` of x; the batch stays.

    Args:
        dims: the axes 1, 2, … in their new order.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: if `dims` is no order of 1, 2, ….
        ShapeError: when called on another number of axes.

    ONNX: Transpose.

    >>> from edgenet import Input
    >>> Permute((2, 1))(Input((10, 64))).shape
    (None, 64, 10)
    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(integer("Permute", "an axis of dims", d) for d in dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"Permute: dims must be 1 to {len(self.dims)} in some order, got {self.dims}")

    def call(self, x: Value) -> Value:
        """Emit transpose."""
        if len(x.shape) != len(self.dims) + 1:
            raise ShapeError(f"dims={self.dims} does not order the axes of samples of shape {tuple(x.shape[1:])}")
        return ops.transpose(x, (0, *self.dims))


class RepeatVector(Layer):
    """Each sample n times, one behind the other.

    Shapes: (batch, c) → (batch, n, c).

    Args:
        n: how often.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: unless n is an integer of at least 1.
        ShapeError: when called on something else than (batch, c).

    ONNX: Reshape, Expand.

    >>> from edgenet import Input
    >>> RepeatVector(3)(Input((32,))).shape
    (None, 3, 32)
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = integer("RepeatVector", "n", n)

    def call(self, x: Value) -> Value:
        """Emit broadcast_to."""
        if len(x.shape) != 2:
            raise ShapeError(f"expected an input of shape (batch, features), got {x.shape}")
        batch, c = x.shape
        return ops.broadcast_to(ops.reshape(x, (batch, 1, c)), (batch, self.n, c))


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
        self.padding = sides("ZeroPadding2D", "padding", padding)
        self.data_format = channels_last("ZeroPadding2D", data_format)

    def call(self, x: Value) -> Value:
        """Emit pad."""
        image_channels(x.shape)
        return ops.pad(x, ((0, 0), *self.padding, (0, 0)))
