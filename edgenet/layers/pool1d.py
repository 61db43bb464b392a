"""Pooling along sequences."""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import Value

from .arguments import channels_last, padding_mode, same_padding, sequence_channels, single
from .layer import Layer
from .pool import _GlobalPooling


class _Pooling1D(Layer):
    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", data_format: str | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        kind = type(self).__name__
        self.pool_size = single(kind, "pool_size", pool_size)
        self.strides = self.pool_size if strides is None else single(kind, "strides", strides)
        self.padding = padding_mode(kind, padding)
        self.data_format = channels_last(kind, data_format)

    def call(self, x: Value) -> Value:
        """Pool over images of one row."""
        sequence_channels(x.shape)
        n, steps, c = x.shape
        (k,), (s,) = self.pool_size, self.strides
        padding = same_padding(steps, k, s) if self.padding == "same" else (0, 0)
        y = self.pooled(ops.reshape(x, (n, 1, steps, c)), (1, k), (1, s), ((0, 0), padding))
        return ops.reshape(y, (n, *y.shape[2:]))

    def pooled(self, x: Value, *window: Any) -> Value:
        """The result for images."""
        raise NotImplementedError(f"{type(self).__name__}.pooled")


class MaxPooling1D(_Pooling1D):
    """y[n, p, c] = maximum of x[n, p·s - before + i, c] over i < k; padding does not count.

    Shapes: (batch, steps, c) → (batch, so, c) with so = (steps - k) // s + 1 for ``padding="valid"`` and
    so = ceil(steps / s) for ``"same"``.

    Args:
        pool_size: k.
        strides: s; `pool_size` by default.
        padding: ``"valid"`` (none) or ``"same"``.
        data_format: None or ``"channels_last"``.
        name: name of the layer.
        kwargs: ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on something else than sequences, or on sequences shorter than the window.

    ONNX: MaxPool.

    >>> from edgenet import Input
    >>> MaxPooling1D()(Input((100, 32))).shape
    (None, 50, 32)
    """

    def pooled(self, x: Value, *window: Any) -> Value:
        """Emit max_pool."""
        return ops.max_pool(x, *window)


class AveragePooling1D(_Pooling1D):
    """y[n, p, c] = mean of x[n, p·s - before + i, c] over i < k; padding does not count.

    Shapes: (batch, steps, c) → (batch, so, c) with so = (steps - k) // s + 1 for ``padding="valid"`` and
    so = ceil(steps / s) for ``"same"``.

    Args:
        pool_size: k.
        strides: s; `pool_size` by default.
        padding: ``"valid"`` (none) or ``"same"``.
        data_format: None or ``"channels_last"``.
        name: name of the layer.
        kwargs: ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on something else than sequences, or on sequences shorter than the window.

    ONNX: AveragePool.

    >>> from edgenet import Input
    >>> AveragePooling1D()(Input((100, 32))).shape
    (None, 50, 32)
    """

    def pooled(self, x: Value, *window: Any) -> Value:
        """Emit avg_pool."""
        return ops.avg_pool(x, *window)


class GlobalAveragePooling1D(_GlobalPooling):
    """y[n, c] = mean of x[n, p, c] over p.

    Shapes: (batch, steps, c) → (batch, c), or (batch, 1, c) with `keepdims`.

    Args:
        data_format: None or ``"channels_last"``.
        keepdims: whether the axis stays, with size 1.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ShapeError: when called on something else than sequences.

    ONNX: ReduceMean.

    >>> from edgenet import Input
    >>> GlobalAveragePooling1D()(Input((100, 32))).shape
    (None, 32)
    """

    def call(self, x: Value) -> Value:
        """Emit mean."""
        sequence_channels(x.shape)
        return ops.mean(x, (1,), self.keepdims)


class GlobalMaxPooling1D(_GlobalPooling):
    """y[n, c] = max of x[n, p, c] over p.

    Shapes: (batch, steps, c) → (batch, c), or (batch, 1, c) with `keepdims`.

    Args:
        data_format: None or ``"channels_last"``.
        keepdims: whether the axis stays, with size 1.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ShapeError: when called on something else than sequences.

    ONNX: ReduceMax.

    >>> from edgenet import Input
    >>> GlobalMaxPooling1D()(Input((100, 32))).shape
    (None, 32)
    """

    def call(self, x: Value) -> Value:
        """Emit max."""
        sequence_channels(x.shape)
        return ops.max(x, (1,), self.keepdims)
