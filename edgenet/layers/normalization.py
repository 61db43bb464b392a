"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgenet import constraints, initializers, ops, regularizers
from edgenet.graph import ShapeError, Value, Variable

from .arguments import one_axis
from .layer import Layer


def on_channels(x: Value, axis: int, function: Callable[[Value], Value]) -> Value:
    """`function`, which works on channels in the last axis, applied where they stand along `axis`."""
    rank, axis = len(x.shape), axis % len(x.shape)
    if axis == rank - 1:
        return function(x)
    order = [*(a for a in range(rank) if a != axis), axis]
    return ops.transpose(function(ops.transpose(x, order)), [int(a) for a in np.argsort(order)])


class BatchNormalization(Layer):
    """y = gamma · (x - mean) / sqrt(var + epsilon) + beta, for each index of `axis`.

    In training mean and var are those of the batch (var without Bessel's correction), and

        moving_mean ← momentum · moving_mean + (1 - momentum) · mean, and likewise moving_variance;

    in inference, and always where ``trainable`` is false, they are the moving ones.

    Shapes: that of x; weights gamma, beta, moving_mean, moving_variance (c,), in this order.

    Args:
        axis: the axis of the features.
        momentum: what the moving statistics keep of themselves.
        epsilon: added to the variance.
        center: whether beta is added.
        scale: whether gamma multiplies.
        beta_initializer: first value of beta.
        gamma_initializer: first value of gamma.
        moving_mean_initializer: first value of the moving mean.
        moving_variance_initializer: first value of the moving variance.
        beta_regularizer: penalty on beta, added to the loss.
        gamma_regularizer: penalty on gamma, added to the loss.
        beta_constraint: what beta is kept to.
        gamma_constraint: what gamma is kept to.
        synchronized: accepted as in Keras; there is one replica.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on a value without this axis.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167.  ONNX: BatchNormalization.

    >>> from edgenet import Input
    >>> layer = BatchNormalization()
    >>> layer(Input((28, 28, 32))).shape, layer.count_params(), len(layer.trainable_weights)
    ((None, 28, 28, 32), 128, 2)
    """

    def __init__(
        self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones", beta_regularizer: Any = None, gamma_regularizer: Any = None,
        beta_constraint: Any = None, gamma_constraint: Any = None, synchronized: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if not 0 <= momentum <= 1:
            raise ValueError(f"BatchNormalization: momentum must be from 0 to 1, got {momentum!r}")
        if not epsilon >= 0:
            raise ValueError(f"BatchNormalization: epsilon must be at least 0, got {epsilon!r}")
        self.axis = one_axis("BatchNormalization", axis)
        self.momentum, self.epsilon = float(momentum), float(epsilon)
        self.center, self.scale, self.synchronized = bool(center), bool(scale), bool(synchronized)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def build(self, input_shape: Any) -> None:
        """Make gamma, beta and the moving statistics."""
        rank = len(input_shape)
        if not -rank < self.axis < rank or not isinstance(input_shape[self.axis], int):
            raise ShapeError(f"expected an input with features along axis {self.axis}, got shape {tuple(input_shape)}")
        shape = (input_shape[self.axis],)
        if self.scale:
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, regularizer=self.gamma_regularizer, constraint=self.gamma_constraint,
                name="gamma",
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                shape, self.beta_initializer, regularizer=self.beta_regularizer, constraint=self.beta_constraint,
                name="beta",
            )  # fmt: skip
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, trainable=False, name="moving_mean")
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, trainable=False, name="moving_variance"
        )

    def call(self, x: Value, training: bool = False) -> Value:
        """Emit batch_norm, or batch_norm_train and the update of the moving statistics."""
        return on_channels(x, self.axis, lambda x: self._normalized(x, training and self.trainable))

    def _normalized(self, x: Value, training: bool) -> Value:
        """`x` normalised over its last axis."""
        c = self.moving_mean.shape
        constant = x.graph.constant
        gamma = constant(np.ones(c, np.float32)) if self.gamma is None else self.value(x, self.gamma)
        beta = constant(np.zeros(c, np.float32)) if self.beta is None else self.value(x, self.beta)
        moving = self.value(x, self.moving_mean), self.value(x, self.moving_variance)
        if not training:
            return ops.batch_norm(x, gamma, beta, *moving, epsilon=self.epsilon)
        y, *batch = ops.batch_norm_train(x, gamma, beta, epsilon=self.epsilon)
        for old, new in zip(moving, batch, strict=True) if x.graph.training else ():
            ops.assign(old, new, keep=self.momentum)
        return y
