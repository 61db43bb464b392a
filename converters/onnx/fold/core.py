"""How evaluators join, and what they share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx

from ..errors import Open, Refused, Unfit
from ..node import OnnxNode
from .signature import check_inputs, is_float

#: elements; a larger array is surely not meant to be computed with NumPy
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
    """The outputs of a node whose inputs are all known.

    Raises:
        Refused: if the node asks for what its evaluator does not know.
        Unfit: if the arrays do not fit it.
    """
    function, names = _folds[node.op]
    check_inputs(node)
    arrays = [t.array for t in node.inputs if t is not None and t.array is not None]
    unknown = sorted({a for x in arrays if x.dtype == object for a in x.flat if isinstance(a, str)})
    if unknown and not names:
        raise Open(f"it computes with the size {', '.join(unknown)}: pass `shapes` that makes it a number")
    try:
        with np.errstate(all="ignore"):
            result = function(node)
    except Refused:
        raise
    except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
        got = ", ".join(f"{a.dtype}{list(a.shape)}" for a in arrays) or "no inputs"
        raise Unfit(f"it cannot be evaluated on {got}: {error}") from error
    results = result if isinstance(result, list | tuple) else [result]
    return [np.asarray(r, object if isinstance(r, str) else None) for r in results]


def limited(shape: Sequence[Any]) -> tuple[int, ...]:
    """The shape, unless an array of it is absurdly large."""
    sizes = tuple(int(s) for s in shape)
    if any(s < 0 for s in sizes) or math.prod(sizes) > LARGEST:
        raise Unfit(f"no array of shape {list(sizes)} can be computed: it is negative or too large")
    return sizes


def operands(node: OnnxNode) -> list[np.ndarray]:
    """The inputs that are given, as arrays."""
    return [node.known(i) for i in range(len(node.inputs)) if node.inputs[i] is not None]


def broadcast(arrays: Sequence[np.ndarray]) -> tuple[int, ...]:
    """The shape that arrays broadcast to."""
    try:
        return limited(np.broadcast_shapes(*(a.shape for a in arrays)))
    except ValueError:
        shapes = " and ".join(str(list(a.shape)) for a in arrays)
        raise Unfit(f"the shapes {shapes} do not broadcast") from None


def wide(x: np.ndarray) -> np.ndarray:
    """The array in the precision in which it is computed: float32 for all shorter floating point numbers."""
    return x.astype(np.float32) if is_float(x.dtype) and x.dtype.itemsize < 4 else x


def elementwise(op: str, function: Callable[..., Any], *, to_bool: bool = False, names: bool = False) -> None:
    """Register a function of arrays that broadcast; the result has the dtype of the first, or is bool."""

    def run(node: OnnxNode) -> np.ndarray:
        arrays = operands(node)
        broadcast(arrays)
        result = np.asarray(function(*map(wide, arrays)))
        return result.astype(bool if to_bool else arrays[0].dtype, copy=False)

    folds(op, names=names)(run)


def axis_of(axis: int, rank: int) -> int:
    """An axis as a number from 0; refuses one that does not exist."""
    if not -rank <= axis < rank:
        raise Unfit(f"axis {axis} does not exist among {rank} axes")
    return int(axis) % rank


def axes_of(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes as numbers from 0; refuses those that do not exist or come twice."""
    chosen = tuple(axis_of(a, rank) for a in axes)
    if len(set(chosen)) != len(chosen):
        raise Unfit(f"an axis comes twice among {list(axes)}")
    return chosen


def one_number(node: OnnxNode, i: int, default: Any = None) -> Any:
    """Input i as a number of Python, of whatever shape, if it holds just one."""
    array = node.known(i)
    if array is None:
        return default
    if array.size != 1:
        raise Unfit(f"input {i} ({node.input_names[i]!r}) should be one number, got shape {list(array.shape)}")
    return wide(array).reshape(()).item()


def dtype_of(kind: int) -> np.dtype[Any]:
    """The NumPy dtype of a data type number of ONNX; refuses those that are no plain numbers."""
    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind))
    except (KeyError, TypeError, ValueError):
        raise Refused(f"the data type number {kind} is not supported") from None
    if dtype.kind not in "fiub" and not is_float(dtype) and "int" not in dtype.name:
        raise Refused(f"the data type {dtype} is not supported")
    return dtype
