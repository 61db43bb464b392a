"""The activations of Keras 3, as far as edgenet.ops has what they are made of."""

from __future__ import annotations

from edgenet import ops
from edgenet.graph import Value

#: α and scale of selu (Klambauer et al. 2017, arXiv:1706.02515)
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
#: makes any difference of two numbers of ordinary size larger than 1
HUGE = 1e30


def linear(x: Value) -> Value:
    """The number x itself."""
    return x


def relu(x: Value, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Value:
    """max(x, 0); in general max_value where x > max_value, x where x > threshold, else negative_slope·(x - threshold).

    Args:
        x: any shape.
        negative_slope: slope below the threshold.
        max_value: upper end of the result; None for none.
        threshold: numbers up to here count as negative.

    >>> from edgenet.graph import Graph
    >>> relu(Graph().input((2, 3)), max_value=6.0)
    %clip: float32[2, 3]
    """
    if threshold == 0:
        if negative_slope == 0:
            return ops.relu(x) if max_value is None else ops.clip(x, 0.0, max_value)
        if max_value is None:
            return ops.leaky_relu(x, negative_slope)
        return ops.minimum(ops.leaky_relu(x, negative_slope), max_value)
    over = x - threshold
    # 1 above the threshold, else 0: a clip rather than a comparison, because a clip has a gradient, here 0
    step = ops.clip(over * HUGE, 0.0, 1.0)
    y = ops.relu(over) + step * threshold  # and not x · step, which is NaN for -inf
    if max_value is not None:
        y = ops.clip(y, 0.0, max_value)
    return y if negative_slope == 0 else y - ops.relu(-over) * negative_slope


def relu6(x: Value) -> Value:
    """min(max(x, 0), 6)."""
    return ops.clip(x, 0.0, 6.0)


def leaky_relu(x: Value, negative_slope: float = 0.2) -> Value:
    """The number x where it is positive, else negative_slope·x."""
    return ops.leaky_relu(x, negative_slope)


def elu(x: Value, alpha: float = 1.0) -> Value:
    """The number x where it is positive, else alpha·(e^x - 1)."""
    return ops.elu(x, alpha)


def gelu(x: Value, approximate: bool = False) -> Value:
    """x·Φ(x) with the normal distribution's Φ, or its approximation by tanh (Hendrycks and Gimpel 2016)."""
    return ops.gelu(x, approximate)


def absolute(x: Value) -> Value:
    """|x|."""
    return ops.abs(x)


def selu(x: Value) -> Value:
    """scale·elu(x, alpha) with the constants that keep mean 0 and variance 1 (Klambauer et al. 2017)."""
    return elu(x, SELU_ALPHA) * SELU_SCALE


def sigmoid(x: Value) -> Value:
    """1 / (1 + e^-x)."""
    return ops.sigmoid(x)


def hard_sigmoid(x: Value) -> Value:
    """relu6(x + 3) / 6."""
    return ops.clip(x + 3.0, 0.0, 6.0) * (1 / 6)


def silu(x: Value) -> Value:
    """x·sigmoid(x), also known as swish."""
    return ops.silu(x)


def hard_silu(x: Value) -> Value:
    """x·hard_sigmoid(x), also known as hard_swish."""
    return ops.hard_silu(x)


def tanh(x: Value) -> Value:
    """tanh x."""
    return ops.tanh(x)


def softplus(x: Value) -> Value:
    """log(1 + e^x)."""
    return ops.softplus(x)


def softsign(x: Value) -> Value:
    """x / (1 + |x|)."""
    return x / (ops.abs(x) + 1.0)


def mish(x: Value) -> Value:
    """x·tanh(softplus(x))."""
    return ops.mish(x)


def exponential(x: Value) -> Value:
    """e^x."""
    return ops.exp(x)


def softmax(x: Value, axis: int = -1) -> Value:
    """e^x / sum e^x along an axis."""
    return ops.softmax(x, axis)


def log_softmax(x: Value, axis: int = -1) -> Value:
    """x - log sum e^x along an axis."""
    return ops.log_softmax(x, axis)
