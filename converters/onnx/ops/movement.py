"""Operators that move numbers and compute nothing; most of them only rewrite the arrangement of what is held."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from edgenet.graph import Node, Value, emit

from .. import arrange
from ..fold import dtype_of
from ..integers import as_float
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one, reshape, side_by_side
from ..writer import Writer

# shapes --------------------------------------------------------------------------------------------------------------


def _spoken(node: OnnxNode, x: Tensor, shape: list[Any], copy: bool) -> tuple[Any, ...]:
    """The shape that Reshape asks for, with 0 and -1 replaced."""
    if copy:
        if any(s == 0 and i >= x.rank for i, s in enumerate(shape)):
            node.refuse(f"the shape {shape} takes over a size that the input of shape {list(x.shape)} does not have")
        shape = [x.shape[i] if s == 0 else s for i, s in enumerate(shape)]
    if any(isinstance(s, int) and s < -1 for s in shape) or shape.count(-1) > 1:
        node.refuse(f"the shape {shape} holds negative sizes")
    if -1 not in shape:
        return tuple(shape)
    names, left = [s for s in x.shape if isinstance(s, str)], [s for s in shape if isinstance(s, str)]
    for name in left:
        if name in names:
            names.remove(name)
    have, want = arrange.product(x.shape), arrange.product(s for s in shape if s != -1)
    if not names and want and have % want == 0:
        rest: Any = have // want
    elif len(names) == 1 and have == want:
        rest = names[0]
    else:
        node.refuse(f"an input of shape {list(x.shape)} cannot take the shape {shape}")
    return tuple(rest if s == -1 else s for s in shape)


@importer("Reshape", since=5, any_dtype=True)
def read_reshape(node: OnnxNode) -> Tensor:
    x = node.input(0)
    copy = not node.attr("allowzero", 0)
    shape = _spoken(node, x, list(node.known_ints(1, ())), copy)
    if shape == x.shape:
        return x
    return node.held(reshape(x.plain(), shape))


@importer("Flatten", since=1, any_dtype=True)
def read_flatten(node: OnnxNode) -> Tensor:
    x, axis = node.input(0), node.attr("axis", 1)
    if not -x.rank <= axis <= x.rank:
        node.refuse(f"axis {axis} does not exist in a tensor of shape {list(x.shape)}")
    axis = axis + x.rank if axis < 0 else axis
    rows, columns = x.shape[:axis], x.shape[axis:]
    shape = [-1 if any(isinstance(s, str) for s in part) else arrange.product(part) for part in (rows, columns)]
    return node.held(reshape(x.plain(), _spoken(node, x, shape, copy=False)))


@importer("Squeeze", since=1, any_dtype=True)
def read_squeeze(node: OnnxNode) -> Tensor:
    x = node.input(0)
    axes = node.attr_or_input("axes", 1, 13)
    gone = [i for i, s in enumerate(x.shape) if s == 1] if axes is None else [x.axis(a) for a in axes]
    if any(x.shape[a] != 1 for a in gone):
        node.refuse(f"the axes {gone} of a tensor of shape {list(x.shape)} are not all of size 1")
    shape = [s for i, s in enumerate(x.shape) if i not in gone]
    held = arrange.without(x.axes, gone)
    return node.held(reshape(x.raw, arrange.arranged(shape, held)), held)


@importer("Unsqueeze", since=1, any_dtype=True)
def read_unsqueeze(node: OnnxNode) -> Tensor:
    x = node.input(0)
    axes = node.attr_or_input("axes", 1, 13, ())
    rank = x.rank + len(axes)
    if not axes or any(not -rank <= a < rank for a in axes) or len({a % rank for a in axes}) != len(axes):
        node.refuse(f"the axes {list(axes)} cannot be new axes of a tensor of shape {list(x.shape)}")
    new = sorted(a % rank for a in axes)
    shape = list(x.shape)
    for a in new:
        shape.insert(a, 1)
    held = arrange.with_new(x.axes, new)
    return node.held(reshape(x.raw, arrange.arranged(shape, held)), held)


@exporter("reshape")
def write_reshape(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    out.bind(node.output, None, out.reshaped(out.unmoved(x), x.shape, node.output.shape, node.name))


# order ---------------------------------------------------------------------------------------------------------------


@importer("Transpose", since=1, any_dtype=True)
def read_transpose(node: OnnxNode) -> Tensor:
    x = node.input(0)
    perm = node.ints("perm", tuple(reversed(range(x.rank))))
    if sorted(perm) != list(range(x.rank)):
        node.refuse(f"perm={list(perm)} does not order the axes of a tensor of shape {list(x.shape)}")
    return x.renamed(perm)


@exporter("transpose")
def write_transpose(node: Node, out: Writer) -> None:
    """No node: the same data, spoken of in another order."""
    x = node.inputs[0]
    assert x is not None
    out.alias(node.output, x, tuple(node.attrs["perm"]))


@importer("Identity", since=1, any_dtype=True)
def read_identity(node: OnnxNode) -> Tensor:
    return node.input(0)


@importer("Dropout", since=7)
def read_dropout(node: OnnxNode) -> Tensor:
    node.ignore("ratio", "seed")
    node.only_output("the mask")
    if node.optional(2) is not None and bool(node.known(2)):
        node.refuse("training_mode=True is not supported")
    return node.input(0)


#: types that a float32 may be cast to: it stays float32
FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE}


@importer("Cast", since=6, any_dtype=True)
def read_cast(node: OnnxNode) -> Tensor:
    x = node.input(0)
    node.ignore("saturate", "round_mode")
    if x.dtype in ("int8", "uint8", "int32") and node.attr("to", 0) in FLOATS:
        return as_float(x)
    to = node.attr("to", 0)
    kind, source = np.dtype(np.float32) if to in FLOATS else dtype_of(to), np.dtype(x.dtype)
    if kind.kind == "b" and source.kind == "f":  # truths are numbers here
        return x.map(lambda v: 1.0 - one(emit("equal", [v, 0.0])))
    if (kind.kind == "f" and to not in FLOATS) or (
        kind.kind != source.kind and not {kind.kind, source.kind} <= set("iu")
    ):
        node.refuse(f"a cast from {source} to {onnx.TensorProto.DataType.Name(to)} is not supported")
    return x


# joined ---------------------------------------------------------------------------------------------------------------


@importer("Concat", since=4)
def read_concat(node: OnnxNode) -> Tensor:
    tensors = node.all_inputs()
    axis = tensors[0].axis(node.attr("axis", 1))
    values, axes = side_by_side(tensors)
    return node.held(values[0] if len(values) == 1 else emit("concat", values, axis=axes.index(axis)), axes)


@exporter("concat")
def write_concat(node: Node, out: Writer) -> None:
    names, axes = out.together(node)
    axis = axes.index(node.attrs["axis"] % len(axes))
    out.bind(node.output, axes, out.node("Concat", names, node.name, axis=axis))


@exporter("flat")
def write_flat(node: Node, out: Writer) -> None:
    minus = out.ints([-1], "shape")
    names = [out.node("Reshape", [out.name(v), minus], node.name) for v in node.inputs if v is not None]
    out.bind(node.output, None, out.node("Concat", names, node.name, axis=0))


# copies ----------------------------------------------------------------------------------------------------


@importer("Expand", since=8)
def read_expand(node: OnnxNode) -> Tensor:
    x, wanted = node.input(0), node.known_ints(1, ())
    rank = max(x.rank, len(wanted))
    pairs = zip((1,) * (rank - x.rank) + x.shape, (1,) * (rank - len(wanted)) + tuple(wanted), strict=True)
    shape = tuple(b if a == 1 else a for a, b in pairs)
    if shape == x.shape:
        return x
    if rank == x.rank:
        return x.map(lambda v: emit("broadcast_to", [v], shape=arrange.arranged(shape, x.axes)))
    return node.held(emit("broadcast_to", [x.plain()], shape=shape))


@importer("ConstantOfShape", since=9, any_dtype=True)
def read_constant_of_shape(node: OnnxNode) -> Tensor:
    """One number everywhere, in a shape with sizes that are not known yet."""
    given = node.attr("value")
    number = np.zeros(1, np.float32) if given is None else onnx.numpy_helper.to_array(given)
    if number.size != 1 or number.dtype.kind != "f":
        node.refuse(f"only one floating point number can fill a shape with unknown sizes, got {number.dtype}")
    shape = node.known_ints(0)
    value = node.graph.constant(number.astype(np.float32).reshape((1,) * len(shape)))
    return node.held(emit("broadcast_to", [value], shape=shape))


@exporter("broadcast_to")
def write_broadcast_to(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    shape, new = node.output.shape, node.output.spec.rank - x.spec.rank
    held = out.held(x) if not new else arrange.plain(x.spec.rank)
    sizes: list[Any] = [1 if i >= new and x.shape[i - new] == s else s for i, s in enumerate(shape)]
    if any(isinstance(s, str) for s in sizes):
        out.refuse(f"it repeats to the shape {shape}: the sizes it repeats to must be known")
    wanted = out.ints(sizes if new else arrange.arranged(sizes, held), "shape")
    out.bind(node.output, None if new else held, out.node("Expand", [out.name(x, held), wanted], node.name))


@importer("Tile", since=6)
def read_tile(node: OnnxNode) -> Tensor:
    x, repeats = node.input(0), node.known_ints(1, ())
    if len(repeats) != x.rank or any(not isinstance(r, int) or r < 1 for r in repeats):
        node.refuse(f"the repeats {list(repeats)} do not fit to a tensor of shape {list(x.shape)}")
    axes = [a for a in range(x.rank) if repeats[a] > 1]
    value = x.raw
    for axis in axes:  # (…, 1, s, …) broadcast to (…, r, s, …) lies in memory as r copies one behind the other
        value = repeated(value, x.place(axis), repeats[axis], before=True)
    return node.held(value, x.axes)


def repeated(value: Value, axis: int, times: int, before: bool) -> Value:
    """The value repeated along an axis, as a whole (`before`) or number by number."""
    shape, size = value.shape, value.shape[axis]
    if isinstance(size, str):
        raise ValueError(f"it repeats an axis of size {size}: pass `shapes` that makes it a number")
    new = axis if before else axis + 1
    value = reshape(value, (*shape[:new], 1, *shape[new:]))
    value = one(emit("broadcast_to", [value], shape=(*shape[:new], times, *shape[new:])))
    return reshape(value, (*shape[:axis], times * size, *shape[axis + 1 :]))


# blocks --------------------------------------------------------------------------------------------------------------

IMAGE = arrange.channels_first(4)


def _blocks(node: OnnxNode, name: str, mode: str) -> Tensor:
    x = node.input(0)
    if x.rank != 4:
        node.refuse(f"expected an image (n, c, h, w), got shape {list(x.shape)}")
    return node.held(emit(name, [x.last()], block=node.attr("blocksize", 0), mode=mode), arrange.channels_last(4))


@importer("DepthToSpace", since=1)
def read_depth_to_space(node: OnnxNode) -> Tensor:
    node.only("mode", "DCR", "CRD")
    return _blocks(node, "depth_to_space", node.attr("mode", "DCR"))


@importer("SpaceToDepth", since=1)
def read_space_to_depth(node: OnnxNode) -> Tensor:
    node.only("mode", "DCR", "CRD")
    return _blocks(node, "space_to_depth", node.attr("mode", "DCR"))


@exporter("depth_to_space")
def write_depth_to_space(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    attrs = {"blocksize": node.attrs["block"], "mode": node.attrs["mode"]}
    out.bind(node.output, IMAGE, out.node("DepthToSpace", [out.name(x, IMAGE)], node.name, **attrs))


@exporter("space_to_depth")
def write_space_to_depth(node: Node, out: Writer) -> None:
    x, b = node.inputs[0], node.attrs["block"]
    assert x is not None
    if node.attrs["mode"] == "DCR":
        out.bind(node.output, IMAGE, out.node("SpaceToDepth", [out.name(x, IMAGE)], node.name, blocksize=b))
        return
    n, h, w, c = x.shape  # ONNX has no other mode: (n h/b b w/b b c) → (n h/b w/b c b b)
    apart = (n, h // b, b, w // b, b, c)
    name = out.reshaped(out.name(x), x.shape, apart, node.name)
    name = out.node("Transpose", [name], node.name, perm=[0, 1, 3, 5, 2, 4])
    moved = (n, h // b, w // b, c, b, b)
    out.bind(node.output, None, out.reshaped(name, moved, node.output.shape, node.name))
