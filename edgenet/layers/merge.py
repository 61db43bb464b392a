"""Layers that join several values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet import ops
from edgenet.graph import ShapeError, Value

from .arguments import one_axis
from .layer import Layer


class _Merge(Layer):
    """Called on a list; values of fewer axes get new ones behind the batch, then sizes of 1 are repeated."""

    def call(self, x: Sequence[Value]) -> Value:
        """Join the values one after the other."""
        if not isinstance(x, list | tuple) or not x:
            raise ShapeError("expected a list of values, got a single one: call the layer on [a, b]")
        return self.merged(self.aligned(x))

    def aligned(self, xs: Sequence[Value]) -> list[Value]:
        """The values with equally many axes."""
        rank = max(len(x.shape) for x in xs)
        return [
            x if len(x.shape) == rank else ops.reshape(x, (x.shape[0], *(1,) * (rank - len(x.shape)), *x.shape[1:]))
            for x in xs
        ]

    def merged(self, xs: list[Value]) -> Value:
        """The result."""
        y = xs[0]
        for x in xs[1:]:
            y = self.joined(y, x)
        return y

    def joined(self, a: Value, b: Value) -> Value:
        """The result of two values."""
        raise NotImplementedError(f"{type(self).__name__}.joined")


class Add(_Merge):
    """The sum of a list of values of one shape (or shapes that broadcast).

    ONNX: Add.

    >>> from edgenet import Input
    >>> Add()([Input((8, 8, 16)), Input((8, 8, 16))]).shape
    (None, 8, 8, 16)
    """

    def joined(self, a: Value, b: Value) -> Value:
        """Emit add."""
        return ops.add(a, b)


class Subtract(_Merge):
    """The first of two values less the second.  Raises ShapeError for another number of values.

    ONNX: Sub.

    >>> from edgenet import Input
    >>> Subtract()([Input((16,)), Input((16,))]).shape
    (None, 16)
    """

    def merged(self, xs: list[Value]) -> Value:
        """Emit sub."""
        if len(xs) != 2:
            raise ShapeError(f"expected two values, got {len(xs)}")
        return ops.sub(*xs)


class Multiply(_Merge):
    """The product, number by number, of a list of values of one shape (or shapes that broadcast).

    ONNX: Mul.

    >>> from edgenet import Input
    >>> Multiply()([Input((8, 8, 16)), Input((1, 1, 16))]).shape
    (None, 8, 8, 16)
    """

    def joined(self, a: Value, b: Value) -> Value:
        """Emit mul."""
        return ops.mul(a, b)


class Average(_Merge):
    """The mean of a list of values of one shape (or shapes that broadcast).

    ONNX: Add, Mul.

    >>> from edgenet import Input
    >>> Average()([Input((16,)), Input((16,)), Input((16,))]).shape
    (None, 16)
    """

    def merged(self, xs: list[Value]) -> Value:
        """Emit add, and mul by 1 / n."""
        return super().merged(xs) * np.float32(1 / len(xs))

    def joined(self, a: Value, b: Value) -> Value:
        """Emit add."""
        return ops.add(a, b)


class Maximum(_Merge):
    """The larger, number by number, of a list of values of one shape (or shapes that broadcast).

    ONNX: Max.

    >>> from edgenet import Input
    >>> Maximum()([Input((16,)), Input((16,))]).shape
    (None, 16)
    """

    def joined(self, a: Value, b: Value) -> Value:
        """Emit maximum."""
        return ops.maximum(a, b)


class Minimum(_Merge):
    """The smaller, number by number, of a list of values of one shape (or shapes that broadcast).

    ONNX: Min.

    >>> from edgenet import Input
    >>> Minimum()([Input((16,)), Input((16,))]).shape
    (None, 16)
    """

    def joined(self, a: Value, b: Value) -> Value:
        """Emit minimum."""
        return ops.minimum(a, b)


class Concatenate(_Merge):
    """A list of values, one behind the other along an axis.

    Shapes: they may differ along `axis` alone, where the sizes add up.

    Args:
        axis: along which the values are put together; not 0, the batch.
        kwargs: ``name``, ``trainable``, ``dtype``.

    Raises:
        ValueError: if `axis` is not an integer other than 0.
        ShapeError: when called on shapes that differ in another axis.

    ONNX: Concat.

    >>> from edgenet import Input
    >>> Concatenate()([Input((8, 8, 16)), Input((8, 8, 3))]).shape
    (None, 8, 8, 19)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = one_axis("Concatenate", axis)

    def aligned(self, xs: Sequence[Value]) -> list[Value]:
        """The values as they are."""
        if any(not -len(x.shape) < self.axis < len(x.shape) for x in xs):
            raise ShapeError(f"axis {self.axis} is none of {', '.join(str(x.shape) for x in xs)} behind the batch")
        return list(xs)

    def merged(self, xs: list[Value]) -> Value:
        """Emit concat."""
        return ops.concat(xs, self.axis) if len(xs) > 1 else xs[0]


class Dot(_Merge):
    """The products of two values, summed along one axis of each: y[n, i, j] = sum over k of a[n, i, k]·b[n, j, k].

    Shapes: (batch, k) twice → (batch, 1); else the batch, the other axes of a, then those of b.

    Args:
        axes: the axis of both, or one for each; not the batch.
        normalize: divide the vectors by their length before, which gives their cosine.
        kwargs: ``name``, ``trainable``, ``dtype``.

    Raises:
        ValueError: if the axes are not integers other than 0.
        ShapeError: when called on another number of values than two, or on axes of different sizes.

    ONNX: Mul, ReduceSum.

    >>> from edgenet import Input
    >>> Dot(axes=-1)([Input((5, 16)), Input((7, 16))]).shape
    (None, 5, 7)
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = list(axes) if isinstance(axes, list | tuple) else [axes, axes]
        if len(pair) != 2:
            raise ValueError(f"Dot: axes must be one integer or two, got {axes!r}")
        both = tuple(one_axis("Dot", a) for a in pair)
        self.axes: Any = both if isinstance(axes, list | tuple) else both[0]
        self._both, self.normalize = both, bool(normalize)

    def aligned(self, xs: Sequence[Value]) -> list[Value]:
        """The values with the axis of the sum at the end, and as matrices."""
        if len(xs) != 2:
            raise ShapeError(f"expected two values, got {len(xs)}")
        out = []
        for x, axis in zip(xs, self._both, strict=True):
            rank = len(x.shape)
            if not -rank < axis < rank or rank < 2:
                raise ShapeError(f"axis {axis} is none of {x.shape} behind the batch")
            order = [a for a in range(rank) if a != axis % rank] + [axis % rank]
            out.append(x if order == list(range(rank)) else ops.transpose(x, order))
        a, b = out
        if a.shape[-1] != b.shape[-1]:
            raise ShapeError(f"the axes {self._both} of shapes {xs[0].shape} and {xs[1].shape} differ in size")
        return out

    def merged(self, xs: list[Value]) -> Value:
        """Emit mul and sum."""
        a, b = (self._unit(x) for x in xs) if self.normalize else xs
        (n, *rest_a, k), (_, *rest_b, _) = a.shape, b.shape
        rows, columns = math.prod(rest_a), math.prod(rest_b)
        products = ops.reshape(a, (n, rows, 1, k)) * ops.reshape(b, (n, 1, columns, k))
        return ops.reshape(ops.sum(products, (3,)), (n, *rest_a, *rest_b) if rest_a or rest_b else (n, 1))

    @staticmethod
    def _unit(x: Value) -> Value:
        return x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), (-1,), True), np.float32(1e-24)))


def dot(inputs: Sequence[Any], axes: Any = -1, **kwargs: Any) -> Any:
    """`Dot` of two values; keywords go to the layer."""
    return Dot(axes, **kwargs)(inputs)


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """`Add` of a list; keywords go to the layer."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """`Subtract` of a list; keywords go to the layer."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """`Multiply` of a list; keywords go to the layer."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """`Average` of a list; keywords go to the layer."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """`Maximum` of a list; keywords go to the layer."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """`Minimum` of a list; keywords go to the layer."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """`Concatenate` of a list; keywords go to the layer."""
    return Concatenate(axis, **kwargs)(inputs)
