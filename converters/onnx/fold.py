"""What is known while reading is computed while reading, with NumPy.

Exporters describe shapes by small programs of integers (Shape → Gather → Concat → Reshape), and weights by constants
that are reshaped, cast or dequantised first.  A node all of whose inputs are known arrays is evaluated here, so nothing
of this reaches the graph.  A size that is not known yet travels as its name in an array of objects; operators that only
move numbers let it through.

Each function takes the node (for its attributes) and returns the outputs; the formulas are those of the ONNX operator
pages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx

from .errors import Refused
from .node import OnnxNode

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


def _arrays(node: OnnxNode) -> list[np.ndarray]:
    return [node.known(i) for i in range(len(node.inputs)) if node.inputs[i] is not None]


# arithmetic ----------------------------------------------------------------------------------------------------------


def _elementwise(function: Callable[..., Any], kind: str = "same") -> Fold:
    def run(node: OnnxNode) -> np.ndarray:
        arrays = _arrays(node)
        limited(np.broadcast_shapes(*(a.shape for a in arrays)))
        result = np.asarray(function(*arrays))
        return result.astype(bool if kind == "bool" else arrays[0].dtype, copy=False)

    return run


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Integer division rounds towards zero, as in C."""
    if a.dtype.kind not in "iu":
        return np.asarray(a / b)
    if (b == 0).any():
        raise Refused("it divides by zero")
    quotient = np.abs(a) // np.abs(b)
    return np.asarray(np.where((a < 0) != (b < 0), -quotient, quotient))


def _reduced(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    def run(first: np.ndarray, *rest: np.ndarray) -> np.ndarray:
        for other in rest:
            first = function(first, other)
        return first

    return run


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": _divide, "Pow": np.power,
    "Neg": np.negative, "Abs": np.abs, "Sign": np.sign, "Floor": np.floor, "Ceil": np.ceil, "Round": np.round,
    "Sqrt": np.sqrt, "Exp": np.exp, "Log": np.log, "Reciprocal": np.reciprocal, "Relu": lambda x: np.maximum(x, 0),
    "Min": _reduced(np.minimum), "Max": _reduced(np.maximum), "Sum": _reduced(np.add),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)), "Tanh": np.tanh, "Sin": np.sin, "Cos": np.cos,
}  # fmt: skip
_LOGIC: dict[str, Callable[..., Any]] = {
    "Less": np.less, "Greater": np.greater, "LessOrEqual": np.less_equal, "GreaterOrEqual": np.greater_equal,
    "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor, "Not": np.logical_not,
}  # fmt: skip
for _op, _function in _ARITHMETIC.items():
    folds(_op)(_elementwise(_function))
for _op, _function in _LOGIC.items():
    folds(_op)(_elementwise(_function, "bool"))
folds("Equal", names=True)(_elementwise(np.equal, "bool"))


@folds("Mod")
def _mod(node: OnnxNode) -> np.ndarray:
    a, b = _arrays(node)
    return np.asarray(np.fmod(a, b) if node.attr("fmod", 0) else np.mod(a, b))


@folds("Where", names=True)
def _where(node: OnnxNode) -> np.ndarray:
    condition, a, b = _arrays(node)
    return np.where(condition.astype(bool), a, b)


@folds("Cast", names=True)
def _cast(node: OnnxNode) -> np.ndarray:
    array, kind = node.input(0).array, node.attr("to", 0)
    assert array is not None
    node.ignore("saturate", "round_mode")
    dtype = dtype_of(kind)
    if array.dtype == object and dtype.kind in "iu":
        return array
    return array.astype(dtype)


def dtype_of(kind: int) -> np.dtype[Any]:
    """The NumPy dtype of a data type number of ONNX; refuses those that are no plain numbers."""
    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind))
    except (KeyError, TypeError, ValueError):
        raise Refused(f"the data type number {kind} is not supported") from None
    if dtype.kind not in "fiub":
        raise Refused(f"the data type {dtype} is not supported")
    return dtype


# reductions ----------------------------------------------------------------------------------------------------------

_REDUCTIONS: dict[str, tuple[Callable[..., Any], int]] = {  # with the version that made the axes an input
    "ReduceSum": (np.sum, 13), "ReduceProd": (np.prod, 18), "ReduceMax": (np.max, 18), "ReduceMin": (np.min, 18),
    "ReduceMean": (np.mean, 18),
}  # fmt: skip


@folds(*_REDUCTIONS)
def _reduce(node: OnnxNode) -> np.ndarray:
    function, since = _REDUCTIONS[node.op]
    x, axes = node.known(0), node.attr_or_input("axes", 1, since)
    if not axes and node.attr("noop_with_empty_axes", 0):
        return np.asarray(x)
    chosen = tuple(node.input(0).axis(a) for a in axes) if axes else None
    return np.asarray(function(x, axis=chosen, keepdims=bool(node.attr("keepdims", 1)))).astype(x.dtype, copy=False)


@folds("CumSum")
def _cumsum(node: OnnxNode) -> np.ndarray:
    node.only("exclusive", 0)
    node.only("reverse", 0)
    return np.asarray(np.cumsum(node.known(0), axis=int(node.known(1)), dtype=node.known(0).dtype))


# new arrays ----------------------------------------------------------------------------------------------------------


@folds("Constant")
def _constant(node: OnnxNode) -> np.ndarray:
    if (tensor := node.attr("value")) is not None:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    for name, dtype in (("value_float", np.float32), ("value_int", np.int64)):
        for given in (name, f"{name}s"):
            if (value := node.attr(given)) is not None:
                return np.asarray(value, dtype)
    raise Refused("it holds no tensor and no numbers")


@folds("ConstantOfShape")
def _constant_of_shape(node: OnnxNode) -> np.ndarray:
    tensor = node.attr("value")
    value = np.zeros(1, np.float32) if tensor is None else np.asarray(onnx.numpy_helper.to_array(tensor))
    return np.full(limited(node.known_ints(0)), value.reshape(-1)[0])


@folds("Range")
def _range(node: OnnxNode) -> np.ndarray:
    start, limit, delta = _arrays(node)
    if delta == 0:
        raise Refused("its step is 0")
    limited([max(0, math.ceil(((limit - start) / delta).item()))])
    return np.asarray(np.arange(start.item(), limit.item(), delta.item()), start.dtype)


@folds("Expand")
def _expand(node: OnnxNode) -> np.ndarray:
    x = node.known(0)
    return np.array(np.broadcast_to(x, limited(np.broadcast_shapes(x.shape, node.known_ints(1)))))


@folds("Tile")
def _tile(node: OnnxNode) -> np.ndarray:
    x, repeats = node.known(0), node.known_ints(1)
    limited([s * r for s, r in zip(x.shape, repeats, strict=True)])
    return np.tile(x, repeats)


@folds("NonZero")
def _nonzero(node: OnnxNode) -> np.ndarray:
    return np.array(np.nonzero(node.known(0)), np.int64)


# movement ------------------------------------------------------------------------------------------------------------


@folds("Identity", "Dropout", names=True)
def _identity(node: OnnxNode) -> np.ndarray | Any:
    node.ignore("ratio", "seed")
    node.only_output("the mask")
    return node.known(0)


@folds("Gather", names=True)
def _gather(node: OnnxNode) -> np.ndarray:
    indices = node.known(1)
    limited(indices.shape)
    return np.take(node.known(0), indices.astype(np.int64), axis=node.attr("axis", 0))


@folds("Concat", names=True)
def _concat(node: OnnxNode) -> np.ndarray:
    return np.concatenate(_arrays(node), axis=node.attr("axis", 0))


@folds("Slice", names=True)
def _slice(node: OnnxNode) -> np.ndarray | Any:
    return node.known(0)[_slices(node)]


def _slices(node: OnnxNode) -> tuple[slice, ...]:
    starts, stops, steps = slice_table(node)
    return tuple(slice(*entry) for entry in zip(starts, stops, steps, strict=True))


def slice_table(node: OnnxNode) -> tuple[list[Any], list[Any], list[int]]:
    """Start, stop and step for each axis by Python's rules, None where an axis is not cut."""
    x = node.input(0)
    if node.opset < 10:
        first, last = node.ints("starts", ()), node.ints("ends", ())
        axes, by = node.ints("axes", range(len(first)), len(first)), (1,) * len(first)
    else:
        first, last = node.known_ints(1, ()), node.known_ints(2, ())
        axes = node.known_ints(3, tuple(range(len(first))))
        by = node.known_ints(4, (1,) * len(first))
    if not len(first) == len(last) == len(axes) == len(by):
        raise Refused("starts, ends, axes and steps have different lengths")
    if any(isinstance(n, str) for n in (*first, *last)):
        raise Refused("it is cut at a size that is not known yet: pass `shapes` that makes it a number")
    starts: list[Any] = [None] * x.rank
    stops: list[Any] = [None] * x.rank
    steps = [1] * x.rank
    for start, stop, axis, step in zip(first, last, axes, by, strict=True):
        if step == 0:
            raise Refused("its step is 0")
        axis, size = x.axis(axis), x.shape[x.axis(axis)]
        steps[axis] = step
        if step > 0:
            whole = 2**31 - 1 if isinstance(size, str) else size
            starts[axis], stops[axis] = start or None, None if stop >= whole else stop
        elif isinstance(size, int):  # Python has no number for "before the first"
            starts[axis] = None if start >= size - 1 else start
            stops[axis] = None if stop < -size else stop
        else:
            raise Refused(f"axis {axis} has the size {size}: pass `shapes` that makes it a number")
    return starts, stops, steps


@folds("Transpose", names=True)
def _transpose(node: OnnxNode) -> np.ndarray | Any:
    x = node.known(0)
    return x.transpose(node.ints("perm", tuple(reversed(range(x.ndim)))))


@folds("Reshape", names=True)
def _reshape(node: OnnxNode) -> np.ndarray | Any:
    x, shape = node.known(0), list(node.known_ints(1))
    if not node.attr("allowzero", 0):
        shape = [x.shape[i] if s == 0 else s for i, s in enumerate(shape)]
    return x.reshape(shape)


@folds("Flatten", names=True)
def _flatten(node: OnnxNode) -> np.ndarray | Any:
    x, axis = node.known(0), node.attr("axis", 1)
    return x.reshape(math.prod(x.shape[:axis]), -1 if x.size else math.prod(x.shape[axis:]))


@folds("Squeeze", names=True)
def _squeeze(node: OnnxNode) -> np.ndarray | Any:
    axes = node.attr_or_input("axes", 1, 13)
    return node.known(0).squeeze(None if axes is None else tuple(axes))


@folds("Unsqueeze", names=True)
def _unsqueeze(node: OnnxNode) -> np.ndarray:
    return np.expand_dims(node.known(0), tuple(node.attr_or_input("axes", 1, 13, ())))


@folds("Split", names=True)
def _split(node: OnnxNode) -> list[np.ndarray]:
    axis = node.attr("axis", 0)
    sizes = split_sizes(node, node.input(0).shape[node.input(0).axis(axis)])
    return np.split(node.known(0), np.cumsum(sizes)[:-1], axis=axis)


def split_sizes(node: OnnxNode, size: Any) -> list[int]:
    """The lengths of the parts of a Split."""
    parts = len(node.output_names)
    sizes = node.attr_or_input("split", 1, 13)
    if node.attr("num_outputs", parts) != parts:
        raise Refused(f"num_outputs is {node.attr('num_outputs')}, but the node has {parts} outputs")
    if isinstance(size, str):
        raise Refused(f"it splits the size {size}: pass `shapes` that makes it a number")
    if sizes is None:
        each = -(-size // parts)
        sizes = [max(0, min(each, size - i * each)) for i in range(parts)]
        if node.opset < 18 and size % parts:
            raise Refused(f"{size} cannot be split into {parts} equal parts")
    if len(sizes) != parts or sum(sizes) != size or min(sizes) < 0:
        raise Refused(f"{size} cannot be split into {parts} parts of {list(sizes)}")
    return list(sizes)
