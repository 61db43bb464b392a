"""What a model consists of: its nodes with shapes, weights and work, without running it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import onnx

from .compare import bound_shapes
from .files import Source, as_model
from .frame import Frame, declared_shape, reads

Shape = tuple[Any, ...] | None

#: operators that multiply and add, with the inputs that are multiplied
CONVOLUTIONS = {"Conv": (0, 1), "ConvInteger": (0, 1), "QLinearConv": (0, 3), "ConvTranspose": (0, 1)}
PRODUCTS = {"Gemm": (0, 1), "MatMul": (0, 1), "MatMulInteger": (0, 1), "QLinearMatMul": (0, 3)}
RECURRENT = {"LSTM", "GRU", "RNN"}


class Described(NamedTuple):
    """One node of a model."""

    name: str
    op: str
    shape: Shape
    """of its first output, as far as shape inference finds it"""
    parameters: int
    """elements of the stored arrays that it is the first to read"""
    macs: int | None
    """multiplications, each with an addition; None where the shapes for it are not known"""


def describe(
    model: Source, shapes: Mapping[str, Sequence[int]] | None = None, batch: int | None = None
) -> list[Described]:
    """The nodes of a model, in order of computation.

    Args:
        model: the model.
        shapes: shapes of inputs by name, where the model leaves sizes open.
        batch: size of a first axis that the model leaves open; None leaves all that is open as it is.

    >>> from onnx.parser import parse_model
    >>> describe(parse_model('''
    ...     <ir_version: 8, opset_import: ["": 17]>
    ...     net (float[N, 2] x) => (float[N, 3] y) <float[2, 3] w = {1, 2, 3, 4, 5, 6}> { y = MatMul(x, w) }
    ... '''), batch=1)
    [Described(name='y', op='MatMul', shape=(1, 3), parameters=6, macs=6)]
    """
    proto = onnx.ModelProto()
    proto.CopyFrom(as_model(model))
    if batch is not None:
        inputs = {i.name: i for i in proto.graph.input}
        for info, bound in bound_shapes(proto, shapes or {}, batch):
            dims = inputs[info.name].type.tensor_type.shape.dim
            for i, size in enumerate(bound):
                (dims[i] if i < len(dims) else dims.add()).dim_value = size
        del proto.graph.value_info[:]  # they may speak of the names that have just become numbers
        for info in proto.graph.output:
            info.type.tensor_type.ClearField("shape")
    frame = Frame.of(proto)
    known = _inferred(proto)
    sizes = {n: a.size for n, a in frame.arrays.items() if a is not None and a.dtype.kind != "i"}
    sizes |= {n: a.size for n, a in frame.arrays.items() if a is not None and a.dtype.kind == "i" and a.itemsize < 8}
    sizes |= {
        n.output[0]: math.prod(a.t.dims)
        for n in frame.nodes
        if n.op_type == "Constant" and len(n.output)
        for a in n.attribute
        if a.HasField("t") and a.t.data_type != onnx.TensorProto.INT64
    }
    found = []
    for node in frame.nodes:
        if node.op_type == "Constant":
            continue
        name = node.name or next(filter(None, node.output), "")
        parameters = sum(sizes.pop(n, 0) for n in reads(node))
        shape = known.get(node.output[0]) if len(node.output) else None
        found.append(Described(name, node.op_type, shape, parameters, macs(node, known)))
    return found


def macs(node: Any, shapes: Mapping[str, Shape]) -> int | None:
    """Multiplications of a node: 0 for operators that are none of convolutions and matrix products."""
    taken = CONVOLUTIONS.get(node.op_type) or PRODUCTS.get(node.op_type)
    if node.op_type in RECURRENT:
        taken = (0, 1)
    if taken is None or node.domain not in ("", "ai.onnx"):
        return 0
    if len(node.input) <= taken[1] or not len(node.output):
        return None
    x, w = (shapes.get(node.input[i]) for i in taken)
    y = shapes.get(node.output[0])
    r: Shape = shapes.get(node.input[2]) if node.op_type in RECURRENT and len(node.input) > 2 else ()
    every = [x, w, r] if node.op_type in RECURRENT else [x, w, y]
    if any(s is None or any(not isinstance(d, int) for d in s) for s in every):
        return None
    assert x is not None and w is not None and r is not None
    if node.op_type in RECURRENT:  # at each step a product with the input, and one with the state
        return math.prod(x[:2]) * (math.prod(w) + math.prod(r))
    assert y is not None
    if node.op_type == "ConvTranspose":
        return math.prod(x) * math.prod(w[1:])
    if node.op_type in CONVOLUTIONS:
        return math.prod(y) * math.prod(w[1:])
    turned = any(a.name == "transA" and a.i for a in node.attribute)
    return math.prod(y) * (x[0] if turned else x[-1]) if x else None


def _inferred(model: onnx.ModelProto) -> dict[str, Shape]:
    """Shapes by name, as onnx infers them."""
    try:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except Exception:  # a model that cannot be inferred is described all the same
        graph = model.graph
    found: dict[str, Shape] = {t.name: tuple(t.dims) for t in graph.initializer}
    for info in [*graph.input, *graph.value_info, *graph.output]:
        shape = declared_shape(info) if info.type.HasField("tensor_type") else None
        found.setdefault(info.name, None if shape is None else tuple(shape))
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.HasField("t") and len(node.output):
                found.setdefault(node.output[0], tuple(attribute.t.dims))
    return found
