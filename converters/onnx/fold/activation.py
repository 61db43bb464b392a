"""Activations: functions of one array with parameters, and those over an axis.

float16 and bfloat16 are computed in float32, everything else in its own dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import Unfit
from ..node import OnnxNode
from .arithmetic import erf
from .core import axis_of, broadcast, elementwise, folds, one_number, operands, wide

# without parameters --------------------------------------------------------------------------------------------------


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(−x)), from the side where exp is at most 1."""
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1, small) / (1 + small))


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + exp(x))."""
    return np.asarray(np.logaddexp(x, np.zeros_like(x)))


for _op, _function in {
    "Relu": lambda x: np.maximum(x, 0), "Sigmoid": sigmoid, "Softplus": softplus,
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1), "Mish": lambda x: x * np.tanh(softplus(x)),
}.items():  # fmt: skip
    elementwise(_op, _function)

# with parameters -----------------------------------------------------------------------------------------------------


def _parametric(op: str, function: Callable[..., Any], **defaults: float) -> None:
    """Register a function of the input and of float attributes, given with their defaults."""

    def run(node: OnnxNode) -> np.ndarray:
        x = node.known(0)
        values = [float(node.attr(name, default)) for name, default in defaults.items()]
        return np.asarray(function(wide(x), *values)).astype(x.dtype, copy=False)

    folds(op)(run)


def _exponential(x: np.ndarray) -> np.ndarray:
    """exp(x) − 1 where x is negative, else 0."""
    return np.asarray(np.expm1(np.minimum(x, 0)))


def _shrink(x: np.ndarray, bias: float, bound: float) -> np.ndarray:
    return np.where(x < -bound, x + bias, np.where(x > bound, x - bias, 0))


_parametric("LeakyRelu", lambda x, alpha: np.where(x < 0, alpha * x, x), alpha=0.01)
_parametric("Elu", lambda x, alpha: np.maximum(x, 0) + alpha * _exponential(x), alpha=1.0)
_parametric("Celu", lambda x, alpha: np.maximum(x, 0) + alpha * _exponential(x / alpha), alpha=1.0)
_parametric(
    "Selu",
    lambda x, alpha, gamma: gamma * (np.maximum(x, 0) + alpha * _exponential(x)),
    alpha=1.67326319217681884765625,
    gamma=1.05070102214813232421875,
)
_parametric("HardSigmoid", lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1), alpha=0.2, beta=0.5)
_parametric("ThresholdedRelu", lambda x, alpha: np.where(x > alpha, x, 0), alpha=1.0)
_parametric("Swish", lambda x, alpha: x * sigmoid(alpha * x), alpha=1.0)
_parametric("Shrink", _shrink, bias=0.0, lambd=0.5)


@folds("Gelu")
def _gelu(node: OnnxNode) -> np.ndarray:
    x = wide(node.known(0))
    node.only("approximate", "none", "tanh")
    if node.attr("approximate", "none") == "tanh":
        y = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    else:
        y = 0.5 * x * (1 + (erf(x / math.sqrt(2)) if x.size else x))
    return np.asarray(y).astype(node.known(0).dtype)


@folds("PRelu")
def _prelu(node: OnnxNode) -> np.ndarray:
    x, slope = operands(node)
    if broadcast([x, slope]) != x.shape:
        raise Unfit(f"the slope of shape {list(slope.shape)} does not fit the input of shape {list(x.shape)}")
    return np.where(x < 0, wide(slope) * wide(x), wide(x)).astype(x.dtype)


@folds("Clip")
def _clip(node: OnnxNode) -> np.ndarray:
    """min(max(x, low), high), so that high counts where the bounds contradict each other."""
    x = y = node.known(0)
    if node.opset < 11:
        low, high = node.attr("min"), node.attr("max")
    else:
        low, high = one_number(node, 1), one_number(node, 2)
    y = wide(x) if low is None else np.maximum(wide(x), low)
    return np.asarray(y if high is None else np.minimum(y, high)).astype(x.dtype)


# over an axis --------------------------------------------------------------------------------------------------------


def _over_axis(op: str, function: Callable[[np.ndarray, int], np.ndarray]) -> None:
    """Register a function over one axis; before opset 13 it is over all axes from that one on."""

    def run(node: OnnxNode) -> np.ndarray:
        x = node.known(0)
        axis = node.attr("axis", 1 if node.opset < 13 else -1)
        if node.opset < 13:
            axis = axis if axis == x.ndim else axis_of(axis, x.ndim)
            flat = wide(x).reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))
            y = function(flat, 1).reshape(x.shape) if x.size else x
        else:
            axis = axis_of(axis, x.ndim)
            y = function(wide(x), axis) if x.size else x
        return y.astype(x.dtype, copy=False)

    folds(op)(run)


def _softmax(x: np.ndarray, axis: int) -> np.ndarray:
    y = np.exp(x - x.max(axis, keepdims=True))
    return np.asarray(y / y.sum(axis, keepdims=True))


def _log_softmax(x: np.ndarray, axis: int) -> np.ndarray:
    shifted = x - x.max(axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis, keepdims=True)))


def _hardmax(x: np.ndarray, axis: int) -> np.ndarray:
    """1 at the first of the largest, 0 elsewhere."""
    y = np.zeros_like(x)
    np.put_along_axis(y, x.argmax(axis, keepdims=True), 1, axis)
    return y


_over_axis("Softmax", _softmax)
_over_axis("LogSoftmax", _log_softmax)
_over_axis("Hardmax", _hardmax)
