"""Matrix products: Gemm, MatMul ↔ dense, matmul."""

from __future__ import annotations

from edgenet.graph import Node, Value, emit
from edgenet.ops.matmul import matmul

from .. import arrange
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one
from ..writer import Writer

SWAP = (1, 0)


def _dense(x: Value, w: Value, b: Value | None = None, transpose_x: bool = False) -> Value:
    return one(emit("dense", [x, w, b, None], transpose_x=transpose_x, transpose_w=False, activation=None))


def _matrix(node: OnnxNode, i: int) -> Tensor:
    tensor = node.input(i)
    if tensor.rank != 2:
        node.refuse(f"input {i} should be a matrix, got shape {list(tensor.shape)}")
    return tensor


@importer("Gemm", since=7)
def read_gemm(node: OnnxNode) -> Tensor:
    x, w, c = _matrix(node, 0), _matrix(node, 1), node.optional(2)
    alpha, beta = node.attr("alpha", 1.0), node.attr("beta", 1.0)
    left, right = node.attr("transA", 0), node.attr("transB", 0)
    matrix = w.parameter(SWAP if right else None)
    n = w.shape[0 if right else 1]
    bias = c.parameter(shape=(n,)) if c is not None and alpha == beta == 1 and c.shape in ((n,), (1, n)) else None
    y = _dense(x.plain(), matrix, bias, transpose_x=bool(left))
    if alpha != 1:
        y = one(emit("mul", [y, alpha]))
    if c is not None and bias is None and beta != 0:
        added = c.operand(2, (0, 1), strip=True)
        y = one(emit("add", [y, added if beta == 1 else emit("mul", [added, beta])]))
        if y.shape != (x.shape[1 if left else 0], n):
            node.refuse(f"input 2 of shape {list(c.shape)} does not fit to the product of shape {[x.shape[0], n]}")
    return node.held(y)


@importer("MatMul", since=1)
def read_matmul(node: OnnxNode) -> Tensor:
    x, w = node.input(0), node.input(1)
    if not x.rank or not w.rank:
        node.refuse(f"expected vectors or matrices, got shapes {list(x.shape)} and {list(w.shape)}")
    if w.rank > 2 and all(s == 1 for s in w.shape[:-2]) and x.rank >= w.rank:
        matrix = w.parameter(shape=w.shape[-2:])
    else:
        matrix = w.parameter() if w.weight or w.array is not None else w.plain()
    return node.held(matmul(x.plain(), matrix))


@exporter("matmul")
def write_matmul(node: Node, out: Writer) -> None:
    names = []
    for value, turned in zip(node.inputs, (node.attrs["transpose_a"], node.attrs["transpose_b"]), strict=True):
        assert value is not None
        *lead, m, k = arrange.plain(value.spec.rank)
        names.append(out.name(value, (*lead, k, m) if turned else None))
    out.bind(node.output, None, out.node("MatMul", names, node.name))


@exporter("dense")
def write_dense(node: Node, out: Writer) -> None:
    x, w, b, res = node.inputs
    assert x is not None and w is not None
    attrs = node.attrs
    if b is None and not attrs["transpose_x"] and not attrs["transpose_w"]:
        name = out.node("MatMul", [out.name(x), out.name(w)], node.name)
    else:
        inputs = [out.name(x), out.name(w), *([] if b is None else [out.name(b)])]
        flags = {"transA": int(attrs["transpose_x"]), "transB": int(attrs["transpose_w"])}
        name = out.node("Gemm", inputs, node.name, **{key: value for key, value in flags.items() if value})
    if res is not None:
        name = out.node("Add", [name, out.name(res)], node.name)
    out.bind(node.output, None, out.activated(name, attrs["activation"]))
