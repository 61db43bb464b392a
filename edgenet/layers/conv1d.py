"""Convolution along sequences."""

from __future__ import annotations

from typing import Any

from edgenet import initializers, ops, regularizers
from edgenet.constraints import get as get_constraint
from edgenet.graph import ShapeError, Value

from .arguments import integer, same_padding, sequence_channels, single
from .conv import _Windows


class Conv1D(_Windows):
    """y[n, p, co] = act(sum x[n, p·s + i·d - before, ci] · kernel[i, ci, co] + bias[co]).

    Shapes: (batch, steps, ci) → (batch, so, filters); kernel (k, ci / groups, filters), bias (filters,).
    With ``padding="valid"`` so = (steps - d·(k - 1) - 1) // s + 1; with ``"same"`` and ``"causal"`` so =
    ceil(steps / s), and the zeros are spread over both sides, or all put in front, so that no result sees the future.

    Args:
        filters: output channels.
        kernel_size: k.
        strides: s.
        padding: ``"valid"`` (none), ``"same"`` or ``"causal"``.
        data_format: None or ``"channels_last"``.
        dilation_rate: d, the distance between the taps.
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
        ShapeError: when called on something else than sequences of the right number of channels, or too short ones.

    ONNX: Conv.

    >>> from edgenet import Input
    >>> Conv1D(32, 3, padding="causal", activation="relu")(Input((100, 8))).shape
    (None, 100, 32)
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
        dilation_rate: Any = 1, groups: int = 1, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        causal = str(padding).lower() == "causal"
        self._settle(
            1, 1, "valid" if causal else padding, data_format, 1, activation, use_bias, bias_initializer,
            bias_regularizer, activity_regularizer, bias_constraint,
        )  # fmt: skip
        self.padding = "causal" if causal else self.padding
        self.kernel_size = single("Conv1D", "kernel_size", kernel_size)  # type: ignore[assignment]
        self.strides = single("Conv1D", "strides", strides)  # type: ignore[assignment]
        self.dilation_rate = single("Conv1D", "dilation_rate", dilation_rate)  # type: ignore[assignment]
        self.filters = integer("Conv1D", "filters", filters)
        self.groups = integer("Conv1D", "groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"Conv1D: filters={filters} is not a multiple of groups={groups}")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = get_constraint(kernel_constraint)

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        ci = sequence_channels(input_shape)
        if ci % self.groups:
            raise ShapeError(f"{ci} channels (shape {tuple(input_shape)}) are no multiple of groups={self.groups}")
        self.kernel = self._add_kernel((*self.kernel_size, ci // self.groups, self.filters), "kernel", "kernel")
        self._add_bias(self.filters)

    def call(self, x: Value) -> Value:
        """Emit conv2d over images of one row, and the activation."""
        sequence_channels(x.shape)
        n, steps, ci = x.shape
        (k,), (s,), (d,) = self.kernel_size, self.strides, self.dilation_rate  # type: ignore[misc]
        padding = (0, 0)
        if self.padding == "same":
            padding = same_padding(steps, k, s, d)
        elif self.padding == "causal":
            padding = ((k - 1) * d, 0)
        w = ops.reshape(self.value(x, self.kernel), (1, *self.kernel.shape))
        y = ops.conv2d(
            ops.reshape(x, (n, 1, steps, ci)), w, self._bias(x), strides=(1, s), padding=((0, 0), padding),
            dilation=(1, d), groups=self.groups,
        )  # fmt: skip
        return self.activation(ops.reshape(y, (n, *y.shape[2:])))
