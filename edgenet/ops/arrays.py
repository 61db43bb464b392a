"""Functions of symbolic values, applied to NumPy arrays in float64.

Losses and metrics are written once, with the functions of this package.  Where a user calls one on arrays, it is
emitted into a small graph, whose nodes NumPy then computes one by one: nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgenet.graph import Graph, Node, Value


def _softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def _log_softmax(x: np.ndarray, axis: int) -> np.ndarray:
    z = x - x.max(axis=axis, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(axis=axis, keepdims=True)))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x < 0, e, 1.0) / (1 + e))


def _one_hot(labels: np.ndarray, depth: int) -> np.ndarray:
    return np.asarray(labels[..., None] == np.arange(depth), np.float64)


def _sparse_cross_entropy(z: np.ndarray, labels: np.ndarray) -> np.ndarray:
    c = z.shape[-1]
    inside = (labels >= 0) & (labels < c)
    chosen = np.take_along_axis(_log_softmax(z, -1), np.where(inside, labels, 0)[..., None], -1)[..., 0]
    return np.where(inside, -chosen, np.nan)


def _sigmoid_cross_entropy(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z))))


def _dense(x: np.ndarray, w: np.ndarray, b: Any = None, res: Any = None, **attrs: Any) -> np.ndarray:
    if attrs.get("activation") is not None:
        raise NotImplementedError("dense with a fused activation")
    y = (x.T if attrs.get("transpose_x") else x) @ (w.T if attrs.get("transpose_w") else w)
    return np.asarray(sum((v for v in (b, res) if v is not None), start=y))


def _matmul(a: np.ndarray, b: np.ndarray, transpose_a: bool, transpose_b: bool) -> np.ndarray:
    return np.asarray((a.swapaxes(-1, -2) if transpose_a else a) @ (b.swapaxes(-1, -2) if transpose_b else b))


def _float(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: function(*xs).astype(np.float64)


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axes, keepdims: function(x, axis=axes, keepdims=keepdims)


_MEANINGS: dict[str, Callable[..., Any]] = {
    **{
        n: getattr(np, f)
        for n, f in {
            "add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "maximum": "maximum",
            "minimum": "minimum", "exp": "exp", "log": "log", "sqrt": "sqrt", "square": "square", "abs": "abs",
            "tanh": "tanh", "power": "power", "sign": "sign", "floor": "floor", "ceil": "ceil", "round": "round",
            "sin": "sin", "cos": "cos",
        }.items()
    },
    **{n: _float(getattr(np, n)) for n in ("equal", "greater", "greater_equal")},
    **{n: _reduction(getattr(np, n)) for n in ("sum", "prod", "mean", "max", "min")},
    "where": lambda c, a, b: np.where(c != 0, a, b),
    "cast": lambda x, dtype: x.astype(np.float64) if dtype == "float32" else x.astype(np.int64),
    "argmax": lambda x, axis: x.argmax(axis),
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x, alpha: np.where(x > 0, x, alpha * x),
    "clip": lambda x, low, high: np.clip(x, low, high),
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x, perm: x.transpose(perm),
    "broadcast_to": lambda x, shape: np.broadcast_to(x, shape),
    "concat": lambda *xs, axis: np.concatenate(xs, axis),
    "flat": lambda *xs: np.concatenate([x.ravel() for x in xs]),
    "slice": lambda x, starts, stops, steps: x[tuple(map(slice, starts, stops, steps))],
    "pad": lambda x, padding, value: np.pad(x, padding, constant_values=value),
    "dense": _dense,
    "matmul": _matmul,
    "one_hot": _one_hot,
    "sparse_softmax_cross_entropy": _sparse_cross_entropy,
    "softmax_cross_entropy": lambda z, t: -(t * _log_softmax(z, -1)).sum(-1),
    "sigmoid_cross_entropy": _sigmoid_cross_entropy,
}  # fmt: skip


class _Exact(Graph):
    """A graph that remembers its constants in the precision in which they were given."""

    def __init__(self, exact: bool) -> None:
        super().__init__("arrays")
        self.exact = exact
        self.known: dict[int, Any] = {}

    def constant(self, array: Any, name: str = "constant") -> Value:
        value = super().constant(array, name)
        given = np.asarray(array)
        if self.exact and given.dtype.kind == "f":
            self.known[id(value)] = given.astype(np.float64)
        return value


def on_arrays(function: Callable[..., Any], *arrays: Any) -> np.ndarray:
    """What a function of symbolic values gives for arrays, computed in float64.

    Constants of the function are taken in full precision where no array is of a lower one: 0.3 as a float32 is not
    greater than the threshold 0.3, though as a number it is.

    Args:
        function: emits ops on as many symbolic values as there are arrays; its result is one value.
        arrays: numbers in any shape; integers reach the function as int32, all else as float32.

    Raises:
        NotImplementedError: if the function emits an op that has no NumPy form here.

    >>> from edgenet import ops
    >>> on_arrays(lambda a, b: ops.sum(a * b, axis=-1), [[1.0, 2.0], [3.0, 4.0]], [0.5, 0.25])
    array([1. , 2.5])
    """
    found = [np.asarray(a) for a in arrays]
    graph = _Exact(all(a.dtype.kind != "f" or a.dtype.itemsize >= 8 for a in found))
    known, values = graph.known, []
    for array in found:
        integer = array.dtype.kind in "iu"
        values.append(graph.input(array.shape, "int32" if integer else "float32"))
        known[id(values[-1])] = array if integer else array.astype(np.float64, copy=False)
    result = function(*values)
    if not isinstance(result, Value):
        return np.asarray(result)
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            known[id(node.output)] = _computed(node, [_array(v, known) for v in node.inputs])
    return np.asarray(_array(result, known))


def _array(value: Value | None, known: dict[int, Any]) -> Any:
    """The array of a value: computed, constant or variable."""
    if value is None or id(value) in known:
        return None if value is None else known[id(value)]
    data = value.data
    assert data is not None
    known[id(value)] = data.astype(np.float64) if data.dtype.kind == "f" else data
    return known[id(value)]


def _computed(node: Node, arrays: Sequence[Any]) -> Any:
    if node.op not in _MEANINGS:
        raise NotImplementedError(
            f"{node.op} cannot be computed on NumPy arrays here; use the function in model.compile, or one of "
            f"{', '.join(sorted(_MEANINGS))}"
        )
    return _MEANINGS[node.op](*arrays, **node.attrs)
