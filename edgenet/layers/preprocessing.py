"""Layers that bring raw numbers to a range that training likes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from edgenet.graph import ShapeError, Value, Variable

from .arguments import one_axis
from .layer import Layer


class Rescaling(Layer):
    """y = x·scale + offset.

    Args:
        scale: a number, or one for each channel.
        offset: a number, or one for each channel.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: unless both are numbers.

    ONNX: Mul, Add.

    >>> from edgenet import Input
    >>> Rescaling(1 / 127.5, offset=-1)(Input((28, 28, 3))).shape
    (None, 28, 28, 3)
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, value in (("scale", scale), ("offset", offset)):
            if np.asarray(value).dtype.kind not in "fiu":
                raise ValueError(f"Rescaling: {name} must be a number or one for each channel, got {value!r}")
        self.scale, self.offset = scale, offset

    def call(self, x: Value) -> Value:
        """Emit mul and add."""
        y = x * np.asarray(self.scale, np.float32)
        return y if not np.any(self.offset) else y + np.asarray(self.offset, np.float32)


class Normalization(Layer):
    """y = (x - mean) / √variance, with the mean and variance of data that `adapt` has seen; no gradient changes them.

    Args:
        axis: the axis, or axes, each index of which has its own mean; None for one mean of all numbers.
        mean: the mean, where it is known.
        variance: the variance, where it is known.
        invert: compute x·√variance + mean instead.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: if only one of mean and variance is given.
        ShapeError: when called on a value without these axes.

    ONNX: Sub, Div; inverted Mul, Add.

    >>> import numpy as np
    >>> layer = Normalization()
    >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]], np.float32))
    >>> [w.tolist() for w in layer.get_weights()]
    [[2.0, 20.0], [1.0, 100.0]]
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ValueError(f"Normalization: give mean and variance or neither, got mean={mean!r}, {variance!r}")
        if axis is None:
            self.axis: Any = None
        else:
            several = isinstance(axis, list | tuple)
            axes = tuple(one_axis("Normalization", a) for a in (axis if several else [axis]))
            self.axis = axes if several else axes[0]
        self.mean, self.variance = (None if v is None else np.asarray(v, np.float32) for v in (mean, variance))
        self.invert = bool(invert)

    def _kept(self, shape: Any) -> tuple[int, ...]:
        """The axes that keep their sizes."""
        axes = () if self.axis is None else self.axis if isinstance(self.axis, tuple) else (self.axis,)
        rank = len(shape)
        if any(not -rank < a < rank or not isinstance(shape[a], int) for a in axes):
            raise ShapeError(f"expected an input with known sizes along axis {self.axis}, got shape {tuple(shape)}")
        return tuple(sorted(a % rank for a in axes))

    def build(self, input_shape: Any) -> None:
        """Make mean and variance."""
        shape = tuple(input_shape[a] for a in self._kept(input_shape))
        start = [("mean", self.mean, 0.0), ("variance", self.variance, 1.0)]
        self._moments: list[Variable] = [
            self.add_weight(
                shape, lambda s, v=given, d=default: np.broadcast_to(d if v is None else np.squeeze(v), s),
                trainable=False, name=name,
            )
            for name, given, default in start
        ]  # fmt: skip

    def adapt(self, data: Any) -> None:
        """Take mean and variance from data, an array or an iterable of batches.

        Raises:
            ValueError: if there are no data.
        """
        batches: Iterable[Any] = [data] if hasattr(data, "shape") else data
        count, mean, squares = 0, np.zeros(()), np.zeros(())
        for batch in batches:
            array = np.asarray(batch, np.float64)
            self._ensure_built([(None, *array.shape[1:])], nested=False)
            over = tuple(a for a in range(array.ndim) if a not in self._kept((None, *array.shape[1:])))
            n = int(np.prod([array.shape[a] for a in over]))
            if not n:
                continue
            new = array.mean(axis=over, keepdims=True)
            spread = ((array - new) ** 2).sum(axis=over)
            new = new.reshape(spread.shape)
            shift = new - mean  # after Chan, Golub and LeVeque 1983
            squares = squares + spread + shift**2 * (count * n / (count + n))
            mean, count = mean + shift * (n / (count + n)), count + n
        if not count:
            raise ValueError(f"{self.name}: adapt needs data, got none")
        for variable, value in zip(self._moments, (mean, squares / count), strict=True):
            variable.assign(np.reshape(value, variable.shape).astype(np.float32))

    def call(self, x: Value) -> Value:
        """Emit sub and div, or mul and add."""
        from edgenet import ops

        kept = self._kept(x.shape)
        shape = tuple(x.shape[a] if a in kept else 1 for a in range(1, len(x.shape)))
        mean, variance = (ops.reshape(self.value(x, v), shape) for v in self._moments)
        deviation = ops.maximum(ops.sqrt(variance), np.float32(1e-7))
        return x * deviation + mean if self.invert else (x - mean) / deviation
