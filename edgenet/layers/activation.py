"""Activations as layers of their own."""

from __future__ import annotations

import math
from typing import Any

from edgenet import activations, ops
from edgenet.graph import ShapeError, Value

from .arguments import one_axis
from .layer import Layer


class Activation(Layer):
    """y = activation(x), number by number (softmax: along the last axis).

    Args:
        activation: name or function of a symbolic value.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    >>> from edgenet import Input
    >>> Activation("relu")(Input((10,))).shape
    (None, 10)
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, x: Value) -> Value:
        """Emit the activation."""
        return self.activation(x)


def _number(owner: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{owner}: {name} must be a finite number of at least 0, got {value!r}")
    return float(value)


class ReLU(Layer):
    """y = max_value where x ≥ max_value, x where x > threshold, else negative_slope·(x - threshold).

    Args:
        max_value: upper end of the result; None for none.
        negative_slope: slope below the threshold.
        threshold: numbers up to here count as negative.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: if an argument is negative.

    ONNX: Relu, Clip or LeakyRelu.

    >>> from edgenet import Input
    >>> ReLU(6.0, name="relu6")(Input((8, 8, 16))).shape
    (None, 8, 8, 16)
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _number("ReLU", "max_value", max_value)
        self.negative_slope = _number("ReLU", "negative_slope", negative_slope)
        self.threshold = _number("ReLU", "threshold", threshold)

    def call(self, x: Value) -> Value:
        """Emit relu, clip or leaky_relu, or what it takes."""
        return activations.relu(x, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """y = x where x > 0, else negative_slope·x.

    Args:
        negative_slope: slope below 0.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer; ``alpha``, as older Keras code
            calls the slope.

    Raises:
        ValueError: if the slope is negative.

    ONNX: LeakyRelu.

    >>> from edgenet import Input
    >>> LeakyReLU(0.1)(Input((8, 8, 16))).shape
    (None, 8, 8, 16)
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        self.negative_slope = _number("LeakyReLU", "negative_slope", slope)

    def call(self, x: Value) -> Value:
        """Emit leaky_relu."""
        return activations.leaky_relu(x, self.negative_slope)


class Softmax(Layer):
    """y = e^x / sum e^x along an axis, or over several axes together.

    Args:
        axis: along which the result adds up to 1, or a list of them.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: if `axis` is neither an integer nor a list of them.
        ShapeError: when called on a value without this axis.

    ONNX: Softmax; for several axes Transpose and Reshape around it.

    >>> from edgenet import Input
    >>> Softmax()(Input((10,))).shape
    (None, 10)
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        several = isinstance(axis, list | tuple) and len(axis) != 1
        axes = tuple(one_axis("Softmax", a, batch=not several) for a in (axis if several else [axis]))
        if not axes:
            raise ValueError(f"Softmax: axis must be an integer or a list of them, got {axis!r}")
        self.axis: Any = axes if several else axes[0]

    def call(self, x: Value) -> Value:
        """Emit softmax, over several axes as one."""
        return self._over(x, self.axis) if isinstance(self.axis, tuple) else activations.softmax(x, self.axis)

    def _over(self, x: Value, axes: tuple[int, ...]) -> Value:
        rank = len(x.shape)
        chosen = {a % rank for a in axes if -rank <= a < rank}
        if len(chosen) != len(axes) or 0 in chosen:
            raise ShapeError(f"axis={axes} are not {len(axes)} axes of shape {x.shape} behind the batch")
        order = [*(a for a in range(rank) if a not in chosen), *sorted(chosen)]
        apart = ops.transpose(x, order)
        rows = apart.shape[: rank - len(chosen)]
        flat = ops.softmax(ops.reshape(apart, (*rows, math.prod(apart.shape[len(rows) :]))))
        return ops.transpose(ops.reshape(flat, apart.shape), [order.index(a) for a in range(rank)])
