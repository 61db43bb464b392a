"""Activations as layers of their own."""

from __future__ import annotations

import math
from typing import Any

from edgenet import activations
from edgenet.graph import Value

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
    """y = e^x / sum e^x along an axis.

    Args:
        axis: along which the result adds up to 1.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: if `axis` is not one integer.
        ShapeError: when called on a value without this axis.

    ONNX: Softmax.

    >>> from edgenet import Input
    >>> Softmax()(Input((10,))).shape
    (None, 10)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = one_axis("Softmax", axis, batch=True)

    def call(self, x: Value) -> Value:
        """Emit softmax."""
        return activations.softmax(x, self.axis)
