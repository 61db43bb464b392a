"""Layers that disturb training so that a model does not learn by heart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet import ops
from edgenet.graph import ShapeError, Value, Variable, registered_ops
from edgenet.utils.random import new_seed

from .arguments import channels_last, image_channels, integer, sequence_channels
from .layer import Layer


class _Random(Layer):
    """A layer that draws other numbers in each training step."""

    def _set_seed(self, seed: int | None) -> None:
        self.seed = None if seed is None else integer(type(self).__name__, "seed", seed, least=0)
        self._drawn = new_seed() if self.seed is None else self.seed
        self._counter = Variable(np.zeros(1, np.int64), f"{self.name}/counter", trainable=False)

    def _source(self, x: Value) -> tuple[Value, int]:
        """The counter of steps, and a seed that no other layer of the step has if all are drawn."""
        counter = x.graph.variable(x.graph.step or self._counter)
        if x.graph.step is None:  # training=True in a call, but no training step: numbers of its own
            ops.increment(counter)
        known = registered_ops()
        return counter, self._drawn + sum(known[node.op].random for node in x.graph.nodes)


class Dropout(_Random):
    """In training y = x · mask / (1 - rate), where a random share `rate` of the mask is 0; in inference y = x.

    Args:
        rate: share of the numbers that are set to zero, from 0 up to, but not including, 1.
        noise_shape: shape of the mask, the batch included, where an axis of size 1 shares its mask; None stands for the
            size of x, as does noise_shape=None for all axes.
        seed: makes the masks repeatable; None draws one, which repeats after `edgenet.utils.set_random_seed`.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: if `rate` is out of range.

    Source: Srivastava et al. 2014.  ONNX: nothing, as a model is written for inference.

    >>> from edgenet import Input
    >>> Dropout(0.5)(Input((128,))).shape
    (None, 128)
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        kind = type(self).__name__
        if not 0 <= rate < 1:
            raise ValueError(f"{kind}: rate must be at least 0 and less than 1, got {rate!r}")
        self.rate = float(rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self._set_seed(seed)

    def call(self, x: Value, training: bool = False) -> Value:
        """Emit dropout in training, nothing in inference."""
        if not training or not self.rate:
            return x
        counter, seed = self._source(x)
        shape = self._mask_shape(x)
        if shape is None or shape == x.shape:
            return ops.dropout(x, counter, self.rate, seed)
        one = x.graph.constant(np.ones((1,) * len(shape), np.float32))
        ones = ops.broadcast_to(one, shape)  # not a constant of this shape, as the batch may be open
        return x * ops.dropout(ones, counter, self.rate, seed)

    def _mask_shape(self, x: Value) -> tuple[Any, ...] | None:
        """Shape of the mask; None for that of x."""
        if self.noise_shape is None:
            return None
        if len(self.noise_shape) != len(x.shape) or any(
            d not in (None, 1, size) for d, size in zip(self.noise_shape, x.shape, strict=True)
        ):
            raise ShapeError(f"noise_shape={self.noise_shape} does not broadcast to x of shape {x.shape}")
        return tuple(size if d is None else d for d, size in zip(self.noise_shape, x.shape, strict=True))


class SpatialDropout2D(Dropout):
    """`Dropout` of whole channels of images: all pixels of a channel are kept or set to zero together.

    Args:
        rate: share of the channels that are set to zero, from 0 up to, but not including, 1.
        data_format: None or ``"channels_last"``.
        seed: makes the masks repeatable.
        name: name of the layer.
        dtype: None or ``"float32"``.

    Raises:
        ValueError: if `rate` is out of range.
        ShapeError: when called on something else than images.

    Source: Tompson et al. 2014, arXiv:1411.4280.

    >>> from edgenet import Input
    >>> SpatialDropout2D(0.2)(Input((8, 8, 16))).shape
    (None, 8, 8, 16)
    """

    def __init__(
        self, rate: float, data_format: str | None = None, seed: int | None = None, name: str | None = None,
        dtype: Any = None, trainable: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(rate, seed=seed, name=name, dtype=dtype, trainable=trainable)
        self.data_format = channels_last("SpatialDropout2D", data_format)

    def _mask_shape(self, x: Value) -> tuple[Any, ...]:
        return (x.shape[0], 1, 1, image_channels(x.shape))


class SpatialDropout1D(Dropout):
    """`Dropout` of whole channels of sequences: all steps of a channel are kept or set to zero together.

    Args:
        rate: share of the channels that are set to zero, from 0 up to, but not including, 1.
        seed: makes the masks repeatable.
        name: name of the layer.
        dtype: None or ``"float32"``.

    Raises:
        ValueError: if `rate` is out of range.
        ShapeError: when called on something else than sequences.

    Source: Tompson et al. 2014, arXiv:1411.4280.

    >>> from edgenet import Input
    >>> SpatialDropout1D(0.2)(Input((100, 16))).shape
    (None, 100, 16)
    """

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None, trainable: bool = True
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype, trainable=trainable)

    def _mask_shape(self, x: Value) -> tuple[Any, ...]:
        return (x.shape[0], 1, sequence_channels(x.shape))


class GaussianNoise(_Random):
    """In training y = x + normal numbers of mean 0; in inference y = x.

    Args:
        stddev: standard deviation of the numbers.
        seed: makes the numbers repeatable; None draws one, which repeats after `edgenet.utils.set_random_seed`.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: unless stddev is a number of at least 0, or if a training step has no counter to draw from.

    ONNX: nothing, as a model is written for inference.

    >>> from edgenet import Input
    >>> GaussianNoise(0.1)(Input((128,))).shape
    (None, 128)
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not stddev >= 0:
            raise ValueError(f"GaussianNoise: stddev must be a number of at least 0, got {stddev!r}")
        self.stddev = float(stddev)
        self._set_seed(seed)

    def call(self, x: Value, training: bool = False) -> Value:
        """Emit random_normal and add in training, nothing in inference."""
        if not training or not self.stddev:
            return x
        counter, seed = self._source(x)
        return x + ops.random_normal(counter, x.shape, 0.0, self.stddev, seed=seed)
