"""Convolutions over images: full, grouped, depthwise, separable."""

from __future__ import annotations

from typing import Any

from edgenet import activations, constraints, initializers, ops, regularizers
from edgenet.graph import ShapeError, Value, Variable

from .arguments import (
    channels_last,
    image_channels,
    integer,
    padding_mode,
    pair,
    window_padding,
)
from .layer import Layer


class _Windows(Layer):
    """What the convolutions share: how a window moves over an image, the bias, the activation."""

    def _settle(
        self, kernel_size: Any, strides: Any, padding: Any, data_format: Any, dilation_rate: Any, activation: Any,
        use_bias: bool, bias_initializer: Any, bias_regularizer: Any, activity_regularizer: Any, bias_constraint: Any,
    ) -> None:  # fmt: skip
        """Check and keep the arguments that all have."""
        kind = type(self).__name__
        self.kernel_size = pair(kind, "kernel_size", kernel_size)
        self.strides = pair(kind, "strides", strides)
        self.padding = padding_mode(kind, padding)
        self.data_format = channels_last(kind, data_format)
        self.dilation_rate = pair(kind, "dilation_rate", dilation_rate)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None

    def _add_kernel(self, shape: tuple[int, ...], name: str, argument: str) -> Variable:
        """A kernel that is made as the arguments ``…_initializer``, ``…_regularizer``, ``…_constraint`` say."""
        return self.add_weight(
            shape, getattr(self, f"{argument}_initializer"), regularizer=getattr(self, f"{argument}_regularizer"),
            constraint=getattr(self, f"{argument}_constraint"), name=name,
        )  # fmt: skip

    def _add_bias(self, channels: int) -> None:
        if self.use_bias:
            self.bias = self._add_kernel((channels,), "bias", "bias")

    def _bias(self, x: Value) -> Value | None:
        return None if self.bias is None else self.value(x, self.bias)

    def _convolved(self, x: Value, w: Value, b: Value | None, groups: int) -> Value:
        padding = window_padding(self.padding, x.shape, self.kernel_size, self.strides, self.dilation_rate)
        return ops.conv2d(
            x, w, b, strides=self.strides, padding=padding, dilation=self.dilation_rate, groups=groups
        )  # fmt: skip

    def _depthwise(self, x: Value, kernel: Variable, b: Value | None) -> Value:
        """Each channel by its own kernels: (kh, kw, ci, multiplier) is (kh, kw, 1, ci · multiplier) in memory."""
        kh, kw, ci, multiplier = kernel.shape
        if x.shape[-1] != ci:
            raise ShapeError(f"x has {x.shape[-1]} channels (shape {x.shape}) but the kernel takes {ci}")
        w = ops.reshape(self.value(x, kernel), (kh, kw, 1, ci * multiplier))
        return self._convolved(x, w, b, groups=ci)


class Conv2D(_Windows):
    """y[n, p, q, co] = act(sum x[n, p·sh + i·dh - top, q·sw + j·dw - left, ci] · kernel[i, j, ci, co] + bias[co]).

    Shapes: (batch, h, w, ci) → (batch, ho, wo, filters); kernel (kh, kw, ci / groups, filters), bias (filters,).
    With ``padding="valid"`` ho = (h - dh·(kh - 1) - 1) // sh + 1; with ``"same"`` ho = ceil(h / sh), and the zeros are
    spread over both sides, the odd one at the bottom and on the right, as in TensorFlow.

    Args:
        filters: output channels.
        kernel_size: (kh, kw), or one integer for both.
        strides: (sh, sw), or one integer for both.
        padding: ``"valid"`` (none) or ``"same"``.
        data_format: None or ``"channels_last"``.
        dilation_rate: (dh, dw), distance between the taps, or one integer for both.
        groups: the channels are split into this many groups that do not see each other.
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
        ShapeError: when called on something else than images of the right number of channels, or images too small.

    ONNX: Conv.

    >>> from edgenet import Input
    >>> Conv2D(32, 3, strides=2, padding="same", activation="relu")(Input((224, 224, 3))).shape
    (None, 112, 112, 32)
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = (1, 1), groups: int = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self._settle(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, activity_regularizer, bias_constraint,
        )  # fmt: skip
        self.filters = integer("Conv2D", "filters", filters)
        self.groups = integer("Conv2D", "groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"Conv2D: filters={filters} is not a multiple of groups={groups}")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        ci = image_channels(input_shape)
        if ci % self.groups:
            raise ShapeError(f"{ci} channels (shape {tuple(input_shape)}) are no multiple of groups={self.groups}")
        self.kernel = self._add_kernel((*self.kernel_size, ci // self.groups, self.filters), "kernel", "kernel")
        self._add_bias(self.filters)

    def call(self, x: Value) -> Value:
        """Emit conv2d and the activation."""
        return self.activation(self._convolved(x, self.value(x, self.kernel), self._bias(x), self.groups))


class DepthwiseConv2D(_Windows):
    """Convolve each channel by itself: y[n, p, q, c·m + k] = activation(sum x[n, …, c] · kernel[i, j, c, k] + bias).

    Shapes: (batch, h, w, ci) → (batch, ho, wo, ci · m), m = `depth_multiplier`; kernel (kh, kw, ci, m), bias (ci · m,).
    ho and wo are those of `Conv2D`.

    Args:
        kernel_size: (kh, kw), or one integer for both.
        strides: (sh, sw), or one integer for both.
        padding: ``"valid"`` (none) or ``"same"``.
        depth_multiplier: output channels for each input channel.
        data_format: None or ``"channels_last"``.
        dilation_rate: (dh, dw), distance between the taps, or one integer for both.
        activation: name or function of a symbolic value; None for none.
        use_bias: whether a bias is added.
        depthwise_initializer: first value of the kernel.
        bias_initializer: first value of the bias.
        depthwise_regularizer: penalty on the kernel, added to the loss.
        bias_regularizer: penalty on the bias, added to the loss.
        activity_regularizer: penalty on the result, divided by the batch, added to the loss.
        depthwise_constraint: what the depthwise kernel is kept to.
        bias_constraint: what the bias is kept to.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on something else than images of the right number of channels, or images too small.

    ONNX: Conv with one group for each input channel.

    >>> from edgenet import Input
    >>> DepthwiseConv2D(3, padding="same", depth_multiplier=2)(Input((56, 56, 64))).shape
    (None, 56, 56, 128)
    """

    def __init__(
        self, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", depth_multiplier: int = 1,
        data_format: str | None = None, dilation_rate: Any = (1, 1), activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        depthwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self._settle(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, activity_regularizer, bias_constraint,
        )  # fmt: skip
        self.depth_multiplier = integer("DepthwiseConv2D", "depth_multiplier", depth_multiplier)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        ci = image_channels(input_shape)
        self.kernel = self._add_kernel((*self.kernel_size, ci, self.depth_multiplier), "kernel", "depthwise")
        self._add_bias(ci * self.depth_multiplier)

    def call(self, x: Value) -> Value:
        """Emit conv2d with a group for each channel, and the activation."""
        return self.activation(self._depthwise(x, self.kernel, self._bias(x)))


class SeparableConv2D(_Windows):
    """A depthwise convolution without bias, then a 1 × 1 convolution with bias and activation.

    Shapes: (batch, h, w, ci) → (batch, ho, wo, filters); depthwise_kernel (kh, kw, ci, m), m = `depth_multiplier`,
    pointwise_kernel (1, 1, ci · m, filters), bias (filters,).  ho and wo are those of `Conv2D`.

    Args:
        filters: output channels.
        kernel_size: (kh, kw), or one integer for both.
        strides: (sh, sw), or one integer for both.
        padding: ``"valid"`` (none) or ``"same"``.
        data_format: None or ``"channels_last"``.
        dilation_rate: (dh, dw), distance between the taps, or one integer for both.
        depth_multiplier: channels for each input channel between the two convolutions.
        activation: name or function of a symbolic value; None for none.
        use_bias: whether a bias is added.
        depthwise_initializer: first value of the depthwise kernel.
        pointwise_initializer: first value of the pointwise kernel.
        bias_initializer: first value of the bias.
        depthwise_regularizer: penalty on the depthwise kernel, added to the loss.
        pointwise_regularizer: penalty on the pointwise kernel, added to the loss.
        bias_regularizer: penalty on the bias, added to the loss.
        activity_regularizer: penalty on the result, divided by the batch, added to the loss.
        depthwise_constraint: what the depthwise kernel is kept to.
        pointwise_constraint: what the pointwise kernel is kept to.
        bias_constraint: what the bias is kept to.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on something else than images of the right number of channels, or images too small.

    Source: Chollet 2017, arXiv:1610.02357.  ONNX: Conv, twice.

    >>> from edgenet import Input
    >>> layer = SeparableConv2D(64, 3)
    >>> layer(Input((32, 32, 16))).shape, layer.count_params()
    ((None, 30, 30, 64), 1232)
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = (1, 1), depth_multiplier: int = 1, activation: Any = None,
        use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None,
        bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self._settle(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, activity_regularizer, bias_constraint,
        )  # fmt: skip
        self.filters = integer("SeparableConv2D", "filters", filters)
        self.depth_multiplier = integer("SeparableConv2D", "depth_multiplier", depth_multiplier)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape: Any) -> None:
        """Make both kernels and the bias."""
        ci, m = image_channels(input_shape), self.depth_multiplier
        self.depthwise_kernel = self._add_kernel((*self.kernel_size, ci, m), "depthwise_kernel", "depthwise")
        self.pointwise_kernel = self._add_kernel((1, 1, ci * m, self.filters), "pointwise_kernel", "pointwise")
        self._add_bias(self.filters)

    def call(self, x: Value) -> Value:
        """Emit conv2d twice, and the activation."""
        between = self._depthwise(x, self.depthwise_kernel, None)
        return self.activation(ops.conv2d(between, self.value(x, self.pointwise_kernel), self._bias(x)))
