"""Seeded damage to models: wrong bytes, and fields changed one at a time."""

import contextlib

import numpy as np
import onnx
from fuzz_models import FAMILIES, NODE
from onnx import TensorProto, helper, numpy_helper

SIZES = [-(1 << 63), -7, -1, 0, 1, 2, 3, 5, 1 << 20, 1 << 31, (1 << 31) - 1, 1 << 40, 1 << 62, (1 << 63) - 1]
OPSETS = [-1, 0, 1, 6, 7, 8, 9, 10, 11, 12, 13, 15, 18, 21, 23, 29, 1 << 40]
TEXTS = ["", "SAME_UPPER", "VALID", "nearest", "linear", "no such thing", "\0", "ab,bc->ac", "…"]
OPERATORS = sorted({s.name for s in onnx.defs.get_all_schemas() if s.domain == ""})


def flipped(data, rng):
    """Bytes changed, cut, doubled or left out."""
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(len(damaged)))
        kind = int(rng.integers(5))
        if kind < 2:
            damaged[at] = int(rng.integers(256))
        elif kind == 2:
            damaged[at] ^= 1 << int(rng.integers(8))
        elif kind == 3:
            del damaged[at : at + int(rng.integers(1, 9))]
        else:
            damaged[at:at] = damaged[at : at + int(rng.integers(1, 40))]
        if not damaged:
            break
    return bytes(damaged[: int(rng.integers(len(damaged) + 1))] if rng.random() < 0.1 else damaged)


def pick(items, rng):
    return items[int(rng.integers(len(items)))] if len(items) else None


def graphs_of(graph):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs_of(attribute.g)


def names_of(graph):
    return [n for node in graph.node for n in (*node.input, *node.output) if n] + [t.name for t in graph.initializer]


def damage_tensor(tensor, rng):
    kind = int(rng.integers(8))
    if kind == 0:
        tensor.dims[:] = [int(pick(SIZES, rng)) for _ in range(int(rng.integers(5)))]
    elif kind == 1 and len(tensor.dims):
        tensor.dims[int(rng.integers(len(tensor.dims)))] = int(pick(SIZES, rng))
    elif kind == 2:
        tensor.raw_data = tensor.raw_data[: int(rng.integers(len(tensor.raw_data) + 1))]
    elif kind == 3:
        tensor.raw_data += b"\x7f" * int(rng.integers(1, 9))
    elif kind == 4:
        tensor.data_type = int(rng.integers(0, 30))
    elif kind == 5:
        tensor.float_data.append(1.0)
    elif kind == 6:
        tensor.data_location = TensorProto.EXTERNAL
    else:  # other numbers of the right kind: sizes and indices that lie
        with contextlib.suppress(Exception):
            array = np.array(numpy_helper.to_array(tensor))
            wild = SIZES if array.dtype.kind == "i" else [np.nan, np.inf, -1, 0, 1e30]
            array.reshape(-1)[int(rng.integers(array.size))] = pick(wild, rng)
            tensor.raw_data = array.tobytes()


def damage_attribute(node, rng):
    attribute = pick(node.attribute, rng)
    if attribute is None or rng.random() < 0.3:
        schema = pick([s for s in onnx.defs.get_all_schemas() if s.name == node.op_type and s.attributes], rng)
        name = pick(sorted(schema.attributes), rng) if schema else "odd"
        attribute = next((a for a in node.attribute if a.name == name), None) or node.attribute.add(name=name)
    kind = int(rng.integers(9))
    name = attribute.name
    if kind == 0:
        node.attribute.remove(attribute)
        return
    if kind == 1:
        attribute.name = pick(["axis", "axes", "pads", "group", "odd"], rng)
        return
    if kind == 2:
        attribute.type = int(rng.integers(0, 15))
        return
    if kind == 3 and attribute.ints:
        attribute.ints[int(rng.integers(len(attribute.ints)))] = int(pick(SIZES, rng))
        return
    values = [
        int(pick(SIZES, rng)), [int(pick(SIZES, rng)) for _ in range(int(rng.integers(1, 7)))],
        float(pick([np.nan, np.inf, -1.5, 0.0], rng)), [0.5, 1.5], pick(TEXTS, rng), int(rng.integers(-3, 5)),
    ]  # fmt: skip
    attribute.CopyFrom(helper.make_attribute(name, values[int(rng.integers(len(values)))]))


def damage_node(graph, rng):
    node, names = pick(graph.node, rng), names_of(graph)
    if node is None:
        return
    kind = int(rng.integers(9))
    if kind == 0 and len(node.input):
        node.input[int(rng.integers(len(node.input)))] = pick([*names, "", "nowhere"], rng)
    elif kind == 1 and len(node.output):
        node.output[int(rng.integers(len(node.output)))] = pick([*names, "", "new"], rng)
    elif kind == 2:
        node.op_type = pick(OPERATORS, rng)
    elif kind == 3 and len(node.input):
        del node.input[int(rng.integers(len(node.input)))]
    elif kind == 4:
        node.input.append(pick([*names, ""], rng))
    elif kind == 5 and len(node.output):
        del node.output[int(rng.integers(len(node.output)))]
    elif kind == 6:
        node.output.append(f"more_{rng.integers(9)}")
    elif kind == 7:
        node.domain = pick(["ai.onnx", "ai.onnx.ml", "com.microsoft", "x"], rng)
    else:
        graph.node.add().CopyFrom(node)


def damage_info(info, rng):
    kind = int(rng.integers(6))
    dims = info.type.tensor_type.shape.dim
    if kind == 0 and len(dims):
        dims[int(rng.integers(len(dims)))].dim_value = int(pick(SIZES, rng))
    elif kind == 1 and len(dims):
        dims[int(rng.integers(len(dims)))].dim_param = pick(["n", "m", ""], rng)
    elif kind == 2:
        info.type.tensor_type.ClearField("shape")
    elif kind == 3:
        info.type.tensor_type.elem_type = int(rng.integers(0, 30))
    elif kind == 4:
        dims.add().dim_value = int(pick(SIZES, rng))
    else:
        info.name = pick(["x", "y", "", "w"], rng)


def damage_field(model, rng):
    graph = pick(list(graphs_of(model.graph)), rng)
    kind = int(rng.integers(12))
    constants = [a.t for n in graph.node for a in n.attribute if a.HasField("t")]
    if kind < 3:
        damage_attribute(pick(graph.node, rng), rng)
    elif kind < 6:
        damage_node(graph, rng)
    elif kind < 9:
        tensor = pick([*graph.initializer, *constants], rng)
        if tensor is not None:
            damage_tensor(tensor, rng)
    elif kind == 9:
        info = pick([*model.graph.input, *model.graph.output], rng)
        if info is not None:
            damage_info(info, rng)
    elif kind == 10:
        model.opset_import[0].version = int(pick(OPSETS, rng))
    else:
        damage_graph(model, graph, rng)


def damage_graph(model, graph, rng):
    kind = int(rng.integers(7))
    names = names_of(graph)
    if kind == 0 and len(graph.initializer):
        del graph.initializer[int(rng.integers(len(graph.initializer)))]
    elif kind == 1 and len(graph.initializer):
        graph.initializer.add().CopyFrom(pick(graph.initializer, rng))
    elif kind == 2:
        graph.output.add(name=pick(names, rng) or "x")
    elif kind == 3 and len(graph.output):
        del graph.output[int(rng.integers(len(graph.output)))]
    elif kind == 4:
        graph.sparse_initializer.add().values.name = pick(names, rng) or "x"
    elif kind == 5:
        del model.opset_import[:]
        model.opset_import.add().domain = "x"
    else:
        function = model.functions.add(name=pick(graph.node, rng).op_type if len(graph.node) else "f", domain="x")
        function.node.add().CopyFrom(NODE(function.name, ["a"], ["b"], domain="x"))
        function.input.append("a")
        function.output.append("b")


def damaged(family, number):
    """The bytes of a case: a third with wrong bytes, the rest with up to three wrong fields."""
    rng = np.random.default_rng([number, *family.encode()])
    model = FAMILIES[family]()
    if number % 3 == 0:
        return flipped(model.SerializeToString(), rng)
    for _ in range(int(rng.integers(1, 4))):
        if len(model.opset_import) and len(model.graph.node):
            damage_field(model, rng)
    return model.SerializeToString()
