"""How evaluators join, and what they share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx

from ..errors import Refused
from ..node import OnnxNode

#: elements; a larger array is surely not meant to be computed while reading
LARGEST = 1 << 27

Fold = Callable[[OnnxNode], Any]
_folds: dict[str, tuple[Fold, bool]] = {}


def folds(*ops: str, names: bool = False) -> Callable[[Fold], Fold]:
    """Register how operators are evaluated; `names`: sizes that are not known yet may pass."""

    def register(function: Fold) -> Fold:
        _folds.update((op, (function, names)) for op in ops)
        return function

    return register


def can_fold(op: str, domain: str) -> bool:
    """Whether an operator can be evaluated while reading."""
    return domain == "" and op in _folds


def fold(node: OnnxNode) -> list[np.ndarray]:
    """The outputs of a node whose inputs are all known."""
    function, names = _folds[node.op]
    arrays = [t.array for t in node.inputs if t is not None]
    unknown = sorted({a for x in arrays if x is not None and x.dtype == object for a in x.flat if isinstance(a, str)})
    if unknown and not names:
        raise Refused(f"it computes with the size {', '.join(unknown)}: pass `shapes` that makes it a number")
    with np.errstate(all="ignore"):
        result = function(node)
    results = result if isinstance(result, list | tuple) else [result]
    return [np.asarray(r, object if isinstance(r, str) else None) for r in results]


def limited(shape: Sequence[Any]) -> tuple[int, ...]:
    """The shape, unless an array of it is absurdly large."""
    sizes = tuple(int(s) for s in shape)
    if any(s < 0 for s in sizes) or math.prod(sizes) > LARGEST:
        raise Refused(f"an array of shape {list(sizes)} cannot be computed while reading")
    return sizes


def operands(node: OnnxNode) -> list[np.ndarray]:
    """The inputs that are given, as arrays."""
    return [node.known(i) for i in range(len(node.inputs)) if node.inputs[i] is not None]


def dtype_of(kind: int) -> np.dtype[Any]:
    """The NumPy dtype of a data type number of ONNX; refuses those that are no plain numbers."""
    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind))
    except (KeyError, TypeError, ValueError):
        raise Refused(f"the data type number {kind} is not supported") from None
    if dtype.kind not in "fiub":
        raise Refused(f"the data type {dtype} is not supported")
    return dtype
