"""The dense (fully connected) layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from edgenet import activations, constraints, initializers, ops, regularizers
from edgenet.graph import ShapeError, Value, Variable

from .arguments import integer
from .layer import Layer


class Dense(Layer):
    """y = activation(x · kernel + bias), over the last axis of x.

    Shapes: (batch, …, ci) → (batch, …, units); kernel (ci, units), bias (units,).

    Args:
        units: outputs.
        activation: name or function of a symbolic value; None for none.
        use_bias: whether a bias is added.
        kernel_initializer: first value of the kernel.
        bias_initializer: first value of the bias.
        kernel_regularizer: penalty on the kernel, added to the loss.
        bias_regularizer: penalty on the bias, added to the loss.
        activity_regularizer: penalty on the result, divided by the batch, added to the loss.
        kernel_constraint: what the kernel is kept to.
        bias_constraint: what the bias is kept to.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` or ``input_dim`` in a first layer;
            ``output_dim``, which older code writes for `units`.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on fewer than two axes, or on another number of features than before.

    ONNX: Gemm; Conv with a 1 × 1 kernel for more than two axes.

    >>> from edgenet import Input
    >>> Dense(10, activation="relu")(Input((784,))).shape
    (None, 10)
    """

    former: ClassVar[Mapping[str, str]] = {"output_dim": "units"}

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.units = integer("Dense", "units", units)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        if len(input_shape) < 2 or not isinstance(input_shape[-1], int):
            raise ShapeError(f"expected an input of shape (batch, …, features), got {tuple(input_shape)}")
        self.kernel = self.add_weight(
            (input_shape[-1], self.units), self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint, name="kernel",
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,), self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint, name="bias",
            )  # fmt: skip

    def call(self, x: Value) -> Value:
        """Emit dense; more than two axes are the pixels of a 1 × 1 convolution, so that the batch may stay unknown."""
        w, b = self.value(x, self.kernel), None if self.bias is None else self.value(x, self.bias)
        if len(x.shape) == 2:
            return self.activation(ops.dense(x, w, b))
        batch, *middle, features = x.shape
        if features != w.shape[0]:
            raise ShapeError(f"x has {features} features (shape {x.shape}) but the kernel takes {w.shape[0]}")
        pixels = ops.reshape(x, (batch, 1, math.prod(middle), features))
        y = ops.conv2d(pixels, ops.reshape(w, (1, 1, *w.shape)), b)
        return self.activation(ops.reshape(y, (batch, *middle, self.units)))
