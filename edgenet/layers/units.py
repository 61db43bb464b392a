"""Activations that are learned, and units of other kinds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgenet import activations, constraints, initializers, ops, regularizers
from edgenet.graph import ShapeError, Value

from .arguments import integer
from .dense import Dense
from .layer import Layer


class ELU(Layer):
    """y = x where x > 0, else alpha·(e^x - 1).

    Args:
        alpha: minus the limit far below 0.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: unless alpha is a finite number.

    Source: Clevert et al. 2015, arXiv:1511.07289.  ONNX: Elu.

    >>> from edgenet import Input
    >>> ELU()(Input((10,))).shape
    (None, 10)
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not math.isfinite(alpha):
            raise ValueError(f"ELU: alpha must be a finite number, got {alpha!r}")
        self.alpha = float(alpha)

    def call(self, x: Value) -> Value:
        """Emit elu."""
        return activations.elu(x, self.alpha)


class PReLU(Layer):
    """y = x where x > 0, else alpha·x, with an alpha that is learned for each place of a sample.

    Shapes: that of x; alpha has the shape of a sample, with size 1 along `shared_axes`.

    Args:
        alpha_initializer: first value of alpha.
        alpha_regularizer: penalty on alpha, added to the loss.
        alpha_constraint: what alpha is kept to.
        shared_axes: axes along which alpha is the same; for images, (1, 2) leaves one alpha for each channel.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: if a shared axis is not an integer of at least 1.
        ShapeError: if the input has no such axis, or its sizes are not known.

    Source: He et al. 2015, arXiv:1502.01852.  ONNX: Relu, Mul, Sub.

    >>> from edgenet import Input
    >>> layer = PReLU(shared_axes=[1, 2])
    >>> layer(Input((8, 8, 16))).shape, layer.count_params()
    ((None, 8, 8, 16), 16)
    """

    def __init__(
        self, alpha_initializer: Any = "zeros", alpha_regularizer: Any = None, alpha_constraint: Any = None,
        shared_axes: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes
        self.shared_axes = None if axes is None else tuple(integer("PReLU", "a shared axis", a) for a in axes)

    def build(self, input_shape: Any) -> None:
        """Make alpha."""
        shared = self.shared_axes or ()
        if any(a >= len(input_shape) for a in shared):
            raise ShapeError(f"shared_axes={shared} are not all axes of an input of shape {tuple(input_shape)}")
        shape = tuple(1 if a in shared else d for a, d in enumerate(input_shape))[1:]
        if any(not isinstance(d, int) for d in shape):
            raise ShapeError(f"the sizes of the input must be known, got {tuple(input_shape)}")
        self.alpha = self.add_weight(
            shape, self.alpha_initializer, regularizer=self.alpha_regularizer, constraint=self.alpha_constraint,
            name="alpha",
        )  # fmt: skip

    def call(self, x: Value) -> Value:
        """Emit relu twice."""
        return ops.relu(x) - self.value(x, self.alpha) * ops.relu(-x)


class Maxout(Layer):
    """y[j] = the largest of x · kernel[:, j, k] + bias[j, k] over k < pieces.

    Shapes: (batch, …, ci) → (batch, …, units); kernel (ci, units·pieces), bias (units·pieces,).

    Args:
        units: outputs.
        pieces: linear functions that each output is the largest of.
        use_bias: whether a bias is added.
        kernel_initializer: first value of the kernel.
        bias_initializer: first value of the bias.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on fewer than two axes, or on another number of features than before.

    Source: Goodfellow et al. 2013, arXiv:1302.4389.  ONNX: Gemm, Reshape, ReduceMax.

    >>> from edgenet import Input
    >>> Maxout(10, pieces=3)(Input((20,))).shape
    (None, 10)
    """

    def __init__(
        self, units: int, pieces: int = 2, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.units, self.pieces = integer("Maxout", "units", units), integer("Maxout", "pieces", pieces)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self._linear = Dense(
            self.units * self.pieces, use_bias=self.use_bias, kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer, name=f"{self.name}_linear", trainable=self.trainable,
        )  # fmt: skip

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        self._linear.build(input_shape)

    def call(self, x: Value) -> Value:
        """Emit dense and max."""
        y = self._linear(x)
        return ops.max(ops.reshape(y, (*x.shape[:-1], self.units, self.pieces)), (len(x.shape),))


class RadialBasis(Layer):
    """y[n, j] = e^(-beta[j]·|x[n] - centers[j]|²).

    Shapes: (batch, d) → (batch, units); centers (units, d), beta (units,).

    Args:
        units: outputs.
        beta: first value of each beta, or an initializer.
        centers_initializer: first value of the centers.
        train_beta: whether training changes beta.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on something else than (batch, d).

    Source: Broomhead and Lowe 1988.  ONNX: Sub, Mul, ReduceSum, Exp.

    >>> from edgenet import Input
    >>> RadialBasis(5)(Input((2,))).shape
    (None, 5)
    """

    def __init__(
        self, units: int, beta: Any = 1.0, centers_initializer: Any = "random_normal", train_beta: bool = True,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.units = integer("RadialBasis", "units", units)
        self.beta = float(beta) if isinstance(beta, int | float | np.floating) else initializers.get(beta)
        self.centers_initializer = initializers.get(centers_initializer)
        self.train_beta = bool(train_beta)

    def build(self, input_shape: Any) -> None:
        """Make centers and beta."""
        if len(input_shape) != 2 or not isinstance(input_shape[1], int):
            raise ShapeError(f"expected an input of shape (batch, features), got {tuple(input_shape)}")
        self._centers = self.add_weight((self.units, input_shape[1]), self.centers_initializer, name="centers")
        start = initializers.Constant(self.beta) if isinstance(self.beta, float) else self.beta
        self._beta = self.add_weight((self.units,), start, trainable=self.train_beta, name="beta")

    def call(self, x: Value) -> Value:
        """Emit what it takes."""
        apart = ops.reshape(x, (x.shape[0], 1, *x.shape[1:])) - self.value(x, self._centers)
        return ops.exp(-(ops.sum(ops.square(apart), (2,)) * self.value(x, self._beta)))
