"""The operators of symbolic tensors as a layer: ``x + y``, ``2 * x``, ``x[:, 0]`` between the layers of a model."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from edgenet.graph import Value

from .layer import Layer, default_name
from .tensor import SymbolicTensor

_KNOWN: dict[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "power": operator.pow, "matmul": operator.matmul, "greater": operator.gt, "greater_equal": operator.ge,
    "less": operator.lt, "less_equal": operator.le, "negative": operator.neg, "absolute": operator.abs,
    "get_item": operator.getitem,
}  # fmt: skip


class Operation(Layer):
    """y = function(x1, x2), an operator of Python; what ``x1 + x2`` and its like make of symbolic tensors.

    Args:
        function: ``"add"``, ``"subtract"``, … ``"get_item"``, as the functions of Python's module ``operator``.
        operand: the second operand if that is a number, an array or an index; None if it is a tensor, or there is none.
        swap: whether the operand stands in front.
        kwargs: ``name``, ``trainable``, ``dtype``.

    Raises:
        ValueError: for another function.

    ONNX: what the operator is made of.

    >>> from edgenet import Input, Model
    >>> x = Input((8, 3))
    >>> y = (2 * x + 1)[:, -1] + x[:, 0]
    >>> y.shape, [layer.function for layer in Model(x, y).layers]
    ((None, 3), ['multiply', 'add', 'get_item', 'get_item', 'add'])
    """

    def __init__(self, function: str, operand: Any = None, swap: bool = False, **kwargs: Any) -> None:
        if function not in _KNOWN:
            raise ValueError(f"Operation: expected one of {', '.join(_KNOWN)}, got {function!r}")
        super().__init__(**{"name": default_name(function), **kwargs})
        self.function, self.swap = function, bool(swap)
        self.operand = _told(operand) if function == "get_item" else operand

    def call(self, x: Any) -> Value:
        """Emit what the operator emits."""
        if isinstance(x, list | tuple):
            operands = list(x)
        elif self.function == "get_item":
            operands = [x, _index(self.operand)]
        elif self.operand is None:
            operands = [x]
        else:
            number = isinstance(self.operand, int | float)
            operands = [x, self.operand if number else np.asarray(self.operand, np.float32)]
        y: Value = _KNOWN[self.function](*(operands[::-1] if self.swap else operands))
        return y


def _told(key: Any) -> Any:
    """An index as JSON can hold it."""
    if isinstance(key, dict):
        return key
    parts = key if isinstance(key, tuple) else (key,)
    told: list[Any] = []
    for k in parts:
        if isinstance(k, slice):
            told.append([k.start, k.stop, k.step])
        elif isinstance(k, bool) or not (k is None or k is Ellipsis or isinstance(k, int | np.integer)):
            raise TypeError(
                f"a symbolic tensor was indexed with {type(k).__name__}: expected integers, slices, ... and None"
            )
        else:
            told.append("..." if k is Ellipsis else k if k is None else int(k))
    return {"index": told}


def _index(told: Any) -> Any:
    return tuple(slice(*k) if isinstance(k, list | tuple) else Ellipsis if k == "..." else k for k in told["index"])


def apply(function: str, x: Any, *others: Any, swap: bool = False) -> Any:
    """The layer's result on a tensor and another operand, which may be a tensor too."""
    if others and isinstance(others[0], SymbolicTensor):
        return Operation(function, swap=swap)([x, others[0]])
    return Operation(function, others[0] if others else None, swap)(x)
