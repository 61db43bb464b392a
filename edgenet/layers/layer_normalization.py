"""Normalisation of each sample by itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgenet import constraints, initializers, ops, regularizers
from edgenet.graph import ShapeError, Value, Variable

from .arguments import integer, one_axis
from .layer import Layer
from .normalization import on_channels


class _Scaled(Layer):
    """What both share: gamma and beta."""

    def _settle(
        self, epsilon: float, center: bool, scale: bool, beta_initializer: Any, gamma_initializer: Any,
        beta_regularizer: Any, gamma_regularizer: Any, beta_constraint: Any, gamma_constraint: Any,
    ) -> None:  # fmt: skip
        if not epsilon >= 0:
            raise ValueError(f"{type(self).__name__}: epsilon must be at least 0, got {epsilon!r}")
        self.epsilon, self.center, self.scale = float(epsilon), bool(center), bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def _add_scale(self, shape: tuple[int, ...]) -> None:
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

    def _normalized(self, x: Value, axes: tuple[int, ...]) -> Value:
        """(x - mean) / sqrt(var + epsilon) over `axes`."""
        difference = x - ops.mean(x, axes, True)
        return difference / ops.sqrt(ops.mean(ops.square(difference), axes, True) + self.epsilon)

    def _rescaled(self, y: Value, shape: tuple[Any, ...]) -> Value:
        """y · gamma + beta, which take this shape first."""
        if self.gamma is not None:
            y = y * ops.reshape(self.value(y, self.gamma), shape)
        return y if self.beta is None else y + ops.reshape(self.value(y, self.beta), shape)


class LayerNormalization(_Scaled):
    """y = gamma · (x - mean) / sqrt(var + epsilon) + beta, with mean and variance of each sample along `axis`.

    Shapes: that of x; gamma and beta have the sizes of x along `axis`.

    Args:
        axis: one axis or several, not the batch.
        epsilon: added to the variance.
        center: whether beta is added.
        scale: whether gamma multiplies.
        beta_initializer: first value of beta.
        gamma_initializer: first value of gamma.
        beta_regularizer: penalty on beta, added to the loss.
        gamma_regularizer: penalty on gamma, added to the loss.
        beta_constraint: what beta is kept to.
        gamma_constraint: what gamma is kept to.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on a value without these axes.

    Source: Ba et al. 2016, arXiv:1607.06450.  ONNX: ReduceMean, Sub, Mul, Sqrt, Div, Add.

    >>> from edgenet import Input
    >>> layer = LayerNormalization()
    >>> layer(Input((12, 32))).shape, layer.count_params()
    ((None, 12, 32), 64)
    """

    def __init__(
        self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", beta_regularizer: Any = None,
        gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        several = isinstance(axis, list | tuple)
        axes = tuple(one_axis("LayerNormalization", a) for a in (axis if several else [axis]))
        self.axis: Any = axes if several else axes[0]
        self._axes = axes
        self._settle(
            epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint,
        )  # fmt: skip

    def _places(self, shape: Any) -> tuple[int, ...]:
        rank = len(shape)
        places = tuple(sorted({a % rank for a in self._axes if -rank < a < rank}))
        if len(places) != len(self._axes) or 0 in places or any(not isinstance(shape[a], int) for a in places):
            raise ShapeError(f"expected an input with known sizes along axis {self.axis}, got shape {tuple(shape)}")
        return places

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta."""
        self._add_scale(tuple(input_shape[a] for a in self._places(input_shape)))

    def call(self, x: Value) -> Value:
        """Emit what it takes."""
        places = self._places(x.shape)
        shape = tuple(x.shape[a] if a in places else 1 for a in range(1, len(x.shape)))
        return self._rescaled(self._normalized(x, places), shape)


class GroupNormalization(_Scaled):
    """y = gamma · (x - mean) / sqrt(var + epsilon) + beta, with mean and variance of each sample and group of channels.

    Shapes: that of x; gamma and beta (c,), where c is the size of x along `axis`.

    Args:
        groups: how many groups of neighbouring channels; -1 for one group a channel.
        axis: the axis of the channels.
        epsilon: added to the variance.
        center: whether beta is added.
        scale: whether gamma multiplies.
        beta_initializer: first value of beta.
        gamma_initializer: first value of gamma.
        beta_regularizer: penalty on beta, added to the loss.
        gamma_regularizer: penalty on gamma, added to the loss.
        beta_constraint: what beta is kept to.
        gamma_constraint: what gamma is kept to.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on a value without this axis, or whose channels are no multiple of `groups`.

    Source: Wu and He 2018, arXiv:1803.08494.  ONNX: Reshape, ReduceMean, Sub, Mul, Sqrt, Div, Add.

    >>> from edgenet import Input
    >>> GroupNormalization(4)(Input((8, 8, 32))).shape
    (None, 8, 8, 32)
    """

    def __init__(
        self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", beta_regularizer: Any = None,
        gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.groups = -1 if groups == -1 else integer("GroupNormalization", "groups", groups)
        self.axis = one_axis("GroupNormalization", axis)
        self._settle(
            epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint,
        )  # fmt: skip

    def _groups(self, shape: Any) -> int:
        rank = len(shape)
        if not -rank < self.axis < rank or not isinstance(shape[self.axis], int):
            raise ShapeError(f"expected an input with channels along axis {self.axis}, got shape {tuple(shape)}")
        c = shape[self.axis]
        groups = c if self.groups == -1 else self.groups
        if c % groups:
            raise ShapeError(f"{c} channels (shape {tuple(shape)}) are no multiple of groups={groups}")
        return groups

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta."""
        self._groups(input_shape)
        self._add_scale((input_shape[self.axis],))

    def call(self, x: Value) -> Value:
        """Emit what it takes."""
        groups = self._groups(x.shape)
        return on_channels(x, self.axis, lambda x: self._of_groups(x, groups))

    def _of_groups(self, x: Value, groups: int) -> Value:
        n, *middle, c = x.shape
        apart = ops.reshape(x, (n, math.prod(middle), groups, c // groups))
        return self._rescaled(ops.reshape(self._normalized(apart, (1, 3)), x.shape), (c,))


class UnitNormalization(Layer):
    """y = x / |x|, the length taken along `axis`; zeros stay zeros.

    Args:
        axis: one axis or several.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: if an axis is not an integer.

    ONNX: Mul, ReduceSum, Max, Sqrt, Div.

    >>> from edgenet import Input
    >>> UnitNormalization()(Input((12, 32))).shape
    (None, 12, 32)
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis: Any = (
            tuple(one_axis("UnitNormalization", a) for a in axis)
            if isinstance(axis, list | tuple)
            else one_axis("UnitNormalization", axis)
        )

    def call(self, x: Value) -> Value:
        """Emit what it takes."""
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        return x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axes, True), np.float32(1e-24)))
