"""Pooling over windows of images, and over whole images."""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import Value

from .arguments import channels_last, image_channels, padding_mode, pair, window_padding
from .layer import Layer


class _Pooling(Layer):
    def __init__(
        self, pool_size: Any = (2, 2), strides: Any = None, padding: str = "valid", data_format: str | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        kind = type(self).__name__
        self.pool_size = pair(kind, "pool_size", pool_size)
        self.strides = self.pool_size if strides is None else pair(kind, "strides", strides)
        self.padding = padding_mode(kind, padding)
        self.data_format = channels_last(kind, data_format)

    def _around(self, x: Value) -> Any:
        image_channels(x.shape)
        return window_padding(self.padding, x.shape, self.pool_size, self.strides)


class MaxPooling2D(_Pooling):
    """y[n, p, q, c] = max of x[n, p·sh - top + i, q·sw - left + j, c] over i < kh, j < kw; padding never wins.

    Shapes: (batch, h, w, c) → (batch, ho, wo, c) with ho = (h - kh) // sh + 1 for ``padding="valid"`` and
    ho = ceil(h / sh) for ``"same"``.

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

    ONNX: MaxPool.

    >>> from edgenet import Input
    >>> MaxPooling2D()(Input((28, 28, 32))).shape
    (None, 14, 14, 32)
    """

    def call(self, x: Value) -> Value:
        """Emit max_pool."""
        return ops.max_pool(x, self.pool_size, self.strides, self._around(x))


class AveragePooling2D(_Pooling):
    """y[n, p, q, c] = mean of x[n, p·sh - top + i, q·sw - left + j, c] over i < kh, j < kw; padding does not count.

    Shapes: (batch, h, w, c) → (batch, ho, wo, c) with ho = (h - kh) // sh + 1 for ``padding="valid"`` and
    ho = ceil(h / sh) for ``"same"``.

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

    ONNX: AveragePool with count_include_pad=0.

    >>> from edgenet import Input
    >>> AveragePooling2D(3, strides=2, padding="same")(Input((28, 28, 32))).shape
    (None, 14, 14, 32)
    """

    def call(self, x: Value) -> Value:
        """Emit avg_pool."""
        return ops.avg_pool(x, self.pool_size, self.strides, self._around(x))


class _GlobalPooling(Layer):
    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = channels_last(type(self).__name__, data_format)
        self.keepdims = bool(keepdims)


class GlobalAveragePooling2D(_GlobalPooling):
    """y[n, c] = mean of x[n, h, w, c] over h and w.

    Shapes: (batch, h, w, c) → (batch, c), or (batch, 1, 1, c) with `keepdims`.

    Args:
        data_format: None or ``"channels_last"``.
        keepdims: whether the axes stay, with size 1.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ShapeError: when called on something else than images.

    ONNX: GlobalAveragePool or ReduceMean.

    >>> from edgenet import Input
    >>> GlobalAveragePooling2D()(Input((7, 7, 512))).shape
    (None, 512)
    """

    def call(self, x: Value) -> Value:
        """Emit mean."""
        image_channels(x.shape)
        return ops.mean(x, (1, 2), self.keepdims)


class GlobalMaxPooling2D(_GlobalPooling):
    """y[n, c] = max of x[n, h, w, c] over h and w.

    Shapes: (batch, h, w, c) → (batch, c), or (batch, 1, 1, c) with `keepdims`.

    Args:
        data_format: None or ``"channels_last"``.
        keepdims: whether the axes stay, with size 1.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ShapeError: when called on something else than images.

    ONNX: GlobalMaxPool or ReduceMax.

    >>> from edgenet import Input
    >>> GlobalMaxPooling2D(keepdims=True)(Input((7, 7, 512))).shape
    (None, 1, 1, 512)
    """

    def call(self, x: Value) -> Value:
        """Emit max."""
        image_channels(x.shape)
        return ops.max(x, (1, 2), self.keepdims)
