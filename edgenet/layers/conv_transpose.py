"""Transposed convolution: from few pixels to many."""

from __future__ import annotations

from typing import Any

from edgenet import initializers, regularizers
from edgenet.constraints import get as get_constraint
from edgenet.graph import ShapeError, Value, emit

from .arguments import image_channels, integer, pair
from .conv import _Windows


def _axis(n: Any, k: int, stride: int, dilation: int, mode: str, extra: int | None) -> tuple[int, tuple[int, int]]:
    """Size of the result, and what is cut off before and behind it, as in Keras 3."""
    if not isinstance(n, int):
        raise ShapeError(f"images of a known size are needed, got {n!r}")
    span = (k - 1) * dilation + 1
    if mode == "valid":
        left, right = span - 1, span - 1 + (max(span, stride) - span if extra is None else extra)
    else:
        total = stride + span - 2 if extra is None else span + span % 2 - 2 + extra
        left = min(total // 2 + total % 2, span - 1)
        right = total - left
    size, before = (n - 1) * stride + 1 + left + right - (span - 1), span - 1 - left
    if size < 1:
        raise ShapeError(f"{n} pixels give {size}: use a larger window or output_padding")
    return size, (before, max((n - 1) * stride + span - before - size, 0))


class Conv2DTranspose(_Windows):
    """The gradient of a convolution, as a layer: each pixel of x adds its kernel, times its number, to the result.

    y[n, p·sh + i·dh - top, q·sw + j·dw - left, co] += x[n, p, q, ci] · kernel[i, j, co, ci], then bias and activation.

    Shapes: (batch, h, w, ci) → (batch, ho, wo, filters); kernel (kh, kw, filters, ci), bias (filters,).  With
    e = dh·(kh - 1) + 1, ho = h·sh + max(e - sh, 0) for ``padding="valid"`` and h·sh for ``"same"``; with
    `output_padding` o, ho = (h - 1)·sh + e + o and (h - 1)·sh + e % 2 + o.

    Args:
        filters: output channels.
        kernel_size: (kh, kw), or one integer for both.
        strides: (sh, sw), by which the image grows, or one integer for both.
        padding: ``"valid"`` or ``"same"``.
        output_padding: one integer or a pair, each less than the stride; None as above.
        data_format: None or ``"channels_last"``.
        dilation_rate: (dh, dw), distance between the taps, or one integer for both.
        activation: name or function of a symbolic value; None for none.
        use_bias: whether a bias is added.
        kernel_initializer: first value of the kernel.
        bias_initializer: first value of the bias.
        kernel_regularizer: penalty on the kernel, added to the loss.
        bias_regularizer: penalty on the bias, added to the loss.
        activity_regularizer: penalty on the result, divided by the batch, added to the loss.
        kernel_constraint: what the kernel is kept to.
        bias_constraint: what the bias is kept to.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on something else than images of the right number of channels.

    ONNX: ConvTranspose.

    >>> from edgenet import Input
    >>> Conv2DTranspose(8, 3, strides=2, padding="same")(Input((16, 16, 32))).shape
    (None, 32, 32, 8)
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", output_padding: Any = None,
        data_format: str | None = None, dilation_rate: Any = (1, 1), activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        kind = "Conv2DTranspose"
        self._settle(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, activity_regularizer, bias_constraint,
        )  # fmt: skip
        self.filters = integer(kind, "filters", filters)
        self.output_padding = None if output_padding is None else pair(kind, "output_padding", output_padding, 0)
        if self.output_padding and any(o >= s for o, s in zip(self.output_padding, self.strides, strict=True)):
            raise ValueError(f"{kind}: output_padding={output_padding} must be less than strides={strides}")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = get_constraint(kernel_constraint)

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        ci = image_channels(input_shape)
        self.kernel = self._add_kernel((*self.kernel_size, self.filters, ci), "kernel", "kernel")
        self._add_bias(self.filters)

    def call(self, x: Value) -> Value:
        """Emit conv2d_dx, the bias and the activation."""
        if image_channels(x.shape) != self.kernel.shape[3]:
            raise ShapeError(f"x has {x.shape[3]} channels (shape {x.shape}), the kernel takes {self.kernel.shape[3]}")
        extra = self.output_padding or (None, None)
        window = zip(x.shape[1:3], self.kernel_size, self.strides, self.dilation_rate, extra, strict=True)
        (h, rows), (w, columns) = (_axis(n, k, s, d, self.padding, e) for n, k, s, d, e in window)
        y: Value = emit(
            "conv2d_dx", [x, self.value(x, self.kernel)], x_shape=(x.shape[0], h, w, self.filters),
            strides=self.strides, padding=(rows, columns), dilation=self.dilation_rate, groups=1,
        )  # fmt: skip
        bias = self._bias(x)
        return self.activation(y if bias is None else y + bias)
