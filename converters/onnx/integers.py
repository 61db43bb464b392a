"""What quantised models mean: the integers behind floats.

A model in QDQ form says "dequantise, convolve floats, quantise" and means a convolution of integers.  So a tensor made
by DequantizeLinear remembers the integers it stands for (`Integers`), a Conv, Gemm or MatMul of two such tensors
remembers the product of integers it stands for (`Product`), Add and Relu behind it change what is remembered, and
QuantizeLinear asks for it::

    DequantizeLinear → Conv → Relu → QuantizeLinear          qlinear_conv(…, low=zero)
    DequantizeLinear → Transpose → QuantizeLinear            transpose, of the integers

The nodes of floats are emitted all the same; what nobody reads is pruned.  `follow` sees each node after its importer,
which knows nothing of this.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgenet.graph import Value, emit
from edgenet.ops.quantize import LIMITS

from .fold import fold
from .node import OnnxNode
from .tensor import Tensor, one, reshape
from .window import images, kernel_axes, read_window, result

INF = float("inf")
#: a float bias is rounded to steps of the sums; they must be this small beside a step of the result
FINE = 1 / 16


@dataclass(frozen=True)
class Integers:
    """A tensor is (q - zero) · scale; `axis` of it has scales of its own, unless it is None."""

    q: Tensor
    scale: Tensor
    zero: Tensor
    axis: int | None


@dataclass(frozen=True)
class Product:
    """A tensor is clip(x · w + bias, low, high) with x and w integers behind floats."""

    emit: Callable[..., Tensor]
    """called with bias, scale and zero point of the result and its bounds in steps"""
    step: np.ndarray
    """x_scale · w_scale: one number or one for each channel"""
    channel: int
    """the axis of channels"""
    bias: np.ndarray | None = None
    whole: bool = True
    """whether the bias was given in steps"""
    low: float = -INF
    high: float = INF


def constant(tensor: Tensor, shape: Any = None) -> Value:
    """A scale or zero point as a value; a known one is a constant, never a weight to be trained."""
    if tensor.array is None:
        return tensor.plain() if shape is None else reshape(tensor.plain(), shape)
    array = tensor.array.astype(np.float32) if tensor.array.dtype.kind == "f" else tensor.array
    return tensor.graph.constant(array if shape is None else array.reshape(shape), tensor.name or "constant")


def numbers(node: OnnxNode, dtype: str, like: Tensor | None = None) -> Tensor:
    """Zero points that are not given: zeros, as many as there are numbers in `like`."""
    return node.constant(np.zeros(() if like is None else like.shape, dtype))


def zero_or(node: OnnxNode, i: int, dtype: str, like: Tensor | None = None) -> Tensor:
    """Input i, the zero point of numbers of a dtype."""
    return node.optional(i) or numbers(node, dtype, like)


def quantised(y: Tensor, scale: Tensor, zero: Tensor, axis: int | None = None) -> Tensor:
    """A float tensor as integers."""
    place = -1 if axis is None else y.place(axis)
    return Tensor.held(one(emit("quantize_linear", [y.raw, constant(scale), constant(zero)], axis=place)), y.axes)


def dequantised(q: Tensor, scale: Tensor, zero: Tensor, axis: int | None = None) -> Tensor:
    """Integers as a float tensor."""
    place = -1 if axis is None else q.place(axis)
    return Tensor.held(one(emit("dequantize_linear", [q.raw, constant(scale), constant(zero)], axis=place)), q.axes)


def as_float(q: Tensor) -> Tensor:
    """Integers as floats of the same values: exact for those of eight bits."""
    if q.array is not None:
        return Tensor.known(q.graph, q.name, q.array.astype(np.float32))
    unit = Tensor.known(q.graph, "one", np.float32(1))
    return dequantised(q, unit, Tensor.known(q.graph, "zero", np.zeros((), q.dtype)))


def as_integers(y: Tensor, dtype: str) -> Tensor:
    """Floats that hold integers of eight bits, as these."""
    unit = Tensor.known(y.graph, "one", np.float32(1))
    return quantised(y, unit, Tensor.known(y.graph, "zero", np.zeros((), dtype)))


# emitting what is meant ----------------------------------------------------------------------------------------------


def convolution(node: OnnxNode, x: Integers, w: Integers) -> Callable[..., Tensor]:
    """What emits the quantised convolution that the attributes of a node describe; see `Product.emit`.

    Without a scale of the result it emits the sums.
    """
    value, kernel = images(node, x.q), w.q.shape[2:]
    if w.q.rank != x.q.rank or any(isinstance(s, str) for s in w.q.shape):
        node.refuse(f"the kernel has shape {list(w.q.shape)}, which does not go with an input {list(x.q.shape)}")
    if (said := node.ints("kernel_shape", kernel)) != kernel:
        node.refuse(f"kernel_shape is {list(said)}, but the kernel has shape {list(w.q.shape)}")
    window = read_window(node, x.q.shape[2:], kernel)
    attrs = {"strides": window.strides, "padding": window.padding, "dilation": window.dilation,
             "groups": node.attr("group", 1)}  # fmt: skip
    axes, shape = kernel_axes(w.q)
    weights = w.q.parameter(axes, shape, trainable=False)
    inputs = [value, weights, constant(x.zero), constant(w.zero)]

    def make(bias: Any = None, scale: Any = None, zero: Any = None, **bounds: int) -> Tensor:
        if scale is None:
            return result(x.q, one(emit("conv_integer", inputs, **attrs)))
        scales = [constant(s) for s in (x.scale, w.scale, scale)]
        return result(x.q, one(emit("qlinear_conv", [*inputs, bias, *scales, constant(zero)], **attrs, **bounds)))

    return make


def matrix_product(node: OnnxNode, x: Integers, w: Integers) -> Callable[..., Tensor]:
    """What emits the quantised product of matrices; see `Product.emit`.  Without a scale, the sums."""
    rows, columns = x.q.plain(), w.q.parameter(trainable=False)
    if not w.q.rank or not x.q.rank:
        node.refuse(f"it multiplies shapes {list(x.q.shape)} and {list(w.q.shape)}: expected matrices")
    shape = (*x.q.shape[:-1], *w.q.shape[-1:]) if w.q.rank > 1 else x.q.shape[:-1]
    if w.q.rank == 1:
        columns = reshape(columns, (*w.q.shape, 1))
    if x.q.rank == 1 or w.q.rank == 1:
        rows = reshape(rows, (1, *x.q.shape) if x.q.rank == 1 else x.q.shape)
    inputs = [rows, columns, constant(x.zero), constant(w.zero)]

    def make(bias: Any = None, scale: Any = None, zero: Any = None, **bounds: int) -> Tensor:
        if scale is None:
            return Tensor.held(reshape(one(emit("matmul_integer", inputs)), shape))
        scales = [constant(s) for s in (x.scale, w.scale, scale)]
        return Tensor.held(
            reshape(one(emit("qlinear_matmul", [*inputs, bias, *scales, constant(zero)], **bounds)), shape)
        )

    return make


def limits(dtype: str) -> dict[str, int]:
    """The bounds of a result that is not clipped."""
    low, high = LIMITS[dtype]
    return {"low": low, "high": high}


def in_integers(y: Tensor, scale: Tensor, zero: Tensor, axis: int | None) -> Tensor | None:
    """A tensor as integers, without detour through floats, if it stands for what can be computed so."""
    meant = y.meant
    if axis is not None or scale.array is None or zero.array is None or (scale.array.size, zero.array.size) != (1, 1):
        return None
    if not 0 < scale.array.item() < INF:
        return None
    if isinstance(meant, Integers):
        pairs = ((meant.scale.array, scale.array), (meant.zero.array, zero.array))
        same = all(a is not None and a.size == 1 and a.dtype == b.dtype and a.item() == b.item() for a, b in pairs)
        return meant.q if same else None
    if not isinstance(meant, Product):
        return None
    if meant.bias is not None and not meant.whole and meant.step.max() > FINE * scale.array.item():
        return None
    least, most = LIMITS[zero.dtype]
    s, z = float(scale.array.item()), int(zero.array.item())
    low, high = (int(np.clip(np.rint(v / s) + z, least, most)) for v in (meant.low, meant.high))
    bias = None if meant.bias is None else y.graph.constant(meant.bias, "bias")
    return meant.emit(bias, scale, zero, low=low, high=high)


# what nodes of floats mean -------------------------------------------------------------------------------------------

#: operators that leave the numbers what they are
MOVES = {"Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze"}


def follow(node: OnnxNode, read: Callable[[OnnxNode], Any] | None, results: list[Tensor]) -> None:
    """Note what the result of a node stands for, if its inputs stand for integers."""
    if node.op == "DequantizeLinear":
        results[0].meant = _integers(node)
    elif any(t is not None and t.meant is not None for t in node.inputs):
        meant = node.input(0).meant
        if node.op in MOVES and isinstance(meant, Integers):
            results[0].meant = _moved(node, read, meant)
        elif node.op in _MEANINGS:
            results[0].meant = _MEANINGS[node.op](node)


def with_input(node: OnnxNode, *inputs: Tensor | None) -> OnnxNode:
    """The same node of other first inputs."""
    other = copy.copy(node)
    other.inputs = [*inputs, *node.inputs[len(inputs) :]]
    return other


def _integers(node: OnnxNode) -> Integers | None:
    q, scale = node.input(0), node.input(1)
    if node.attr("block_size", 0) or scale.rank > 1:
        return None
    axis = q.axis(node.attr("axis", 1)) if scale.shape not in ((), (1,)) else None
    return Integers(q, scale, zero_or(node, 2, q.dtype, scale), axis)


def _moved(node: OnnxNode, read: Any, x: Integers) -> Integers | None:
    if x.axis is not None and node.op != "Transpose":
        return None
    other = with_input(node, x.q)
    q = read(other) if x.q.array is None else node.constant(fold(other)[0], like=x.q)
    axis = None if x.axis is None else node.ints("perm", tuple(reversed(range(x.q.rank)))).index(x.axis)
    return replace(x, q=q, axis=axis)


def _step(x: Any, w: Any, channel: int) -> np.ndarray | None:
    """The scale of the products, if these operands are integers: computed ones, and known weights."""
    if not isinstance(x, Integers) or not isinstance(w, Integers) or w.q.array is None:
        return None
    if x.q.dtype not in LIMITS or w.q.dtype not in LIMITS or x.scale.array is None or w.scale.array is None:
        return None
    if x.axis is not None or x.scale.array.size != 1 or x.q.array is not None or w.axis not in (None, channel):
        return None
    step = np.asarray(x.scale.array.reshape(()) * w.scale.array.reshape(-1), np.float64)
    return step if np.isfinite(step).all() and (step > 0).all() else None


def _with_bias(product: Product, b: Tensor, rank: int) -> Product | None:
    """The product, of that rank, with a bias; None if this is no constant for each channel, or too large."""
    if product.bias is not None or b.array is None or b.rank > rank:
        return None
    channel, shape = product.channel % rank, (1,) * (rank - b.rank) + b.shape
    if any(s != 1 for i, s in enumerate(shape) if i != channel) or shape[channel] not in (1, product.step.size):
        return None
    meant = b.meant
    if isinstance(meant, Integers) and meant.q.dtype == "int32" and meant.q.array is not None:
        zero, scale = meant.zero.array, meant.scale.array
        if zero is not None and not zero.any() and scale is not None and np.allclose(scale, product.step, 1e-4, 0):
            return replace(product, bias=np.array(np.broadcast_to(meant.q.array.reshape(-1), product.step.shape)))
    steps = np.rint(b.array.reshape(-1).astype(np.float64) / product.step)
    if not (np.abs(steps) < 2**31).all():
        return None
    return replace(product, bias=steps.astype(np.int32), whole=False)


def _conv(node: OnnxNode) -> Product | None:
    x, w, b = node.input(0).meant, node.input(1).meant, node.optional(2)
    if (step := _step(x, w, 0)) is None:
        return None
    product = Product(convolution(node, x, w), np.broadcast_to(step, (w.q.shape[0],)), 1)
    return product if b is None else _with_bias(replace(product, channel=0), b, 1)


def _matmul(node: OnnxNode) -> Product | None:
    x, w = node.input(0).meant, node.input(1).meant
    if (step := _step(x, w, node.input(1).rank - 1)) is None or w.q.rank != 2 or x.q.rank < 2:
        return None
    return Product(matrix_product(node, x, w), np.broadcast_to(step, (w.q.shape[1],)), -1)


def _gemm(node: OnnxNode) -> Product | None:
    x, w, c = node.input(0).meant, node.input(1).meant, node.optional(2)
    turned = bool(node.attr("transB", 0))
    if _step(x, w, 0 if turned else 1) is None or node.attr("transA", 0) or node.attr("alpha", 1.0) != 1:
        return None
    if turned:
        axis = None if w.axis is None else 1
        w = replace(w, q=node.constant(w.q.array.T, like=w.q), axis=axis)
    step = np.broadcast_to(_step(x, w, 1), (w.q.shape[1],))  # type: ignore[arg-type]
    product = Product(matrix_product(node, x, w), step, -1)
    if c is None or node.attr("beta", 1.0) == 0:
        return product
    return _with_bias(product, c, 2) if node.attr("beta", 1.0) == 1 else None


def _add(node: OnnxNode) -> Product | None:
    for y, b in ((node.input(0), node.input(1)), (node.input(1), node.input(0))):
        if isinstance(y.meant, Product) and y.meant.low == -INF and y.meant.high == INF:
            return _with_bias(y.meant, b, y.rank)
    return None


def _relu(node: OnnxNode) -> Product | None:
    return _clipped(node.input(0).meant, 0.0, INF)


def _clip(node: OnnxNode) -> Product | None:
    if node.opset < 11:
        return _clipped(node.input(0).meant, node.attr("min", -INF), node.attr("max", INF))
    if any(t is not None and t.array is None for t in node.inputs[1:]):
        return None
    return _clipped(node.input(0).meant, node.scalar(1, -INF), node.scalar(2, INF))


def _clipped(meant: Any, low: float, high: float) -> Product | None:
    if not isinstance(meant, Product) or low > high:
        return None
    low, high = (min(max(bound, low), high) for bound in (meant.low, meant.high))
    return replace(meant, low=low, high=high)


_MEANINGS: dict[str, Callable[[OnnxNode], Product | None]] = {
    "Conv": _conv, "MatMul": _matmul, "Gemm": _gemm, "Add": _add, "Relu": _relu, "Clip": _clip,
}  # fmt: skip
