"""Pooling by the root of the sum of squares, and by averages that favour the middle of the window."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgenet import ops
from edgenet.graph import Value

from .pool import _Pooling

#: keeps the slope of the root finite where a window holds zeros only
TINY = 1e-30


class L2Pooling2D(_Pooling):
    """y[n, p, q, c] = √(sum of x[n, p·sh - top + i, q·sw - left + j, c]² over i < kh, j < kw).

    A window of zeros gives 10^-15 and has slope 0.

    Shapes: those of `MaxPooling2D`.

    Args:
        pool_size: (kh, kw), or one integer for both.
        strides: (sh, sw), or one integer for both; `pool_size` by default.
        padding: ``"valid"`` (none) or ``"same"``.
        data_format: None or ``"channels_last"``.
        name: name of the layer.
        kwargs: ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on something else than images, or on images smaller than the window.

    ONNX: Mul, AveragePool, Sqrt.

    >>> from edgenet import Input
    >>> L2Pooling2D()(Input((28, 28, 32))).shape
    (None, 14, 14, 32)
    """

    def call(self, x: Value) -> Value:
        """Emit square, avg_pool and sqrt."""
        kh, kw = self.pool_size
        mean = ops.avg_pool(ops.square(x), self.pool_size, self.strides, self._around(x), include_pad=True)
        return ops.sqrt(ops.maximum(mean * np.float32(kh * kw), TINY))


class DistanceWeightedAveragePooling2D(_Pooling):
    """y = sum w[i, j] · x[…, i, j] / sum w[i, j] over a window, where w falls with the distance d from its middle.

    w = 1 / (1 + d), or e^(-d² / 2 sigma²); d in pixels.  Padding does not count.

    Shapes: those of `MaxPooling2D`.

    Args:
        pool_size: (kh, kw), or one integer for both.
        strides: (sh, sw), or one integer for both; `pool_size` by default.
        padding: ``"valid"`` (none) or ``"same"``.
        weighting: ``"inverse"`` or ``"gaussian"``.
        sigma: width of the gaussian, in pixels.
        data_format: None or ``"channels_last"``.
        name: name of the layer.
        kwargs: ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on something else than images, or on images smaller than the window.

    ONNX: Conv with one group for each channel; Mul where padding is left out.

    >>> from edgenet import Input
    >>> DistanceWeightedAveragePooling2D(3, strides=2, weighting="gaussian")(Input((29, 29, 8))).shape
    (None, 14, 14, 8)
    """

    def __init__(
        self, pool_size: Any = (2, 2), strides: Any = None, padding: str = "valid", weighting: str = "inverse",
        sigma: float = 1.0, data_format: str | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)
        if weighting not in ("inverse", "gaussian"):
            raise ValueError(f"{type(self).__name__}: weighting must be 'inverse' or 'gaussian', got {weighting!r}")
        if not sigma > 0:
            raise ValueError(f"{type(self).__name__}: sigma must be positive, got {sigma!r}")
        self.weighting, self.sigma = weighting, float(sigma)

    def window(self) -> np.ndarray:
        """The weights (kh, kw); they add up to 1."""
        kh, kw = self.pool_size
        squares = (np.arange(kh)[:, None] - (kh - 1) / 2) ** 2 + (np.arange(kw) - (kw - 1) / 2) ** 2
        w = 1 / (1 + np.sqrt(squares)) if self.weighting == "inverse" else np.exp(-squares / (2 * self.sigma**2))
        return np.asarray(w / w.sum())

    def call(self, x: Value) -> Value:
        """Emit conv2d with a group for each channel."""
        (rows, columns), c = self._around(x), x.shape[3]
        (kh, kw), (sh, sw) = self.pool_size, self.strides
        w = self.window()
        kernel = x.graph.constant(np.repeat(w[:, :, None, None], c, axis=3).astype(np.float32))
        y = ops.conv2d(x, kernel, strides=self.strides, padding=(rows, columns), groups=c)
        if not any((*rows, *columns)):
            return y
        inside = np.pad(np.ones(x.shape[1:3]), (rows, columns))
        ho, wo = y.shape[1:3]
        share = np.array(
            [[(w * inside[p * sh : p * sh + kh, q * sw : q * sw + kw]).sum() for q in range(wo)] for p in range(ho)]
        )
        return y * (1 / share[:, :, None]).astype(np.float32)
