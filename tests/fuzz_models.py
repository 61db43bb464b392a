"""Small models of all families of operators, to be damaged; and models that are absurd as they stand."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NODE = helper.make_node


def model_of(nodes, inputs, outputs, stored=(), opset=17):
    """A model of nodes; `inputs` are shapes (float) by name."""
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in inputs.items()]
    tensors = [numpy_helper.from_array(np.asarray(a), n) for n, a in dict(stored).items()]
    made = [helper.make_empty_tensor_value_info(o) for o in outputs]
    graph = helper.make_graph(nodes, "fuzz", infos, made, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def draw(*shape):
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def convolutions():
    nodes = [
        NODE("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[1, 1], group=1, dilations=[1, 1]),
        NODE("BatchNormalization", ["c", "s", "s", "s", "s"], ["n"], epsilon=1e-3),
        NODE("LeakyRelu", ["n"], ["r"], alpha=0.1),
        NODE("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        NODE("ConvTranspose", ["p", "u"], ["t"], strides=[2, 2], output_padding=[0, 0]),
        NODE("AveragePool", ["t"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
        NODE("Concat", ["a", "r"], ["k"], axis=1),
        NODE("GlobalAveragePool", ["k"], ["g"]),
        NODE("Flatten", ["g"], ["f"], axis=1),
        NODE("Gemm", ["f", "m", "v"], ["y"], alpha=0.5, beta=2.0, transB=1),
    ]
    stored = {
        "w": draw(4, 3, 3, 3), "b": draw(4), "s": np.abs(draw(4)), "u": draw(4, 4, 2, 2), "m": draw(5, 8), "v": draw(5),
    }  # fmt: skip
    return model_of(nodes, {"x": ["n", 3, 6, 6]}, ["y"], stored)


def shapes():
    nodes = [
        NODE("Shape", ["x"], ["s"]),
        NODE("Gather", ["s", "zero"], ["n"], axis=0),
        NODE("Unsqueeze", ["n", "axes"], ["n1"]),
        NODE("Concat", ["n1", "rest"], ["to"], axis=0),
        NODE("Reshape", ["x", "to"], ["r"]),
        NODE("Transpose", ["r"], ["t"], perm=[0, 2, 1]),
        NODE("Slice", ["t", "starts", "ends", "axes1", "steps"], ["c"]),
        NODE("Pad", ["c", "pads", "value"], ["p"], mode="constant"),
        NODE("Tile", ["p", "times"], ["i"]),
        NODE("Split", ["i", "parts"], ["a", "b"], axis=2),
        NODE("Squeeze", ["q", "axes"], ["z"]),
        NODE("Constant", [], ["q"], value=numpy_helper.from_array(draw(1, 8))),
        NODE("Expand", ["z", "wide"], ["e"]),
        NODE("ConstantOfShape", ["wide"], ["o"], value=numpy_helper.from_array(np.array([2], np.float32))),
        NODE("Range", ["zero", "eight", "one"], ["l"]),
        NODE("Cast", ["l"], ["lf"], to=TensorProto.FLOAT),
        NODE("Sum", ["e", "o", "lf"], ["h"]),
        NODE("Resize", ["x4", "", "scales"], ["big"], mode="nearest", nearest_mode="floor"),
        NODE("Reshape", ["x", "four"], ["x4"], allowzero=0),
        NODE("DepthToSpace", ["big"], ["d"], blocksize=2, mode="DCR"),
    ]
    stored = {
        "zero": np.array(0), "one": np.array(1), "eight": np.array(8), "axes": np.array([0]), "rest": np.array([6, -1]),
        "starts": np.array([1]), "ends": np.array([-1]), "axes1": np.array([2]), "steps": np.array([1]),
        "pads": np.array([0, 0, 1, 0, 0, 1]), "value": np.array(0.5, np.float32), "times": np.array([1, 2, 1]),
        "parts": np.array([2, 4]), "wide": np.array([3, 8]), "four": np.array([0, 4, 3, 3]),
        "scales": np.array([1, 1, 2, 2], np.float32),
    }  # fmt: skip
    return model_of(nodes, {"x": ["n", 6, 6]}, ["a", "b", "h", "d"], stored)


def selections():
    nodes = [
        NODE("TopK", ["x", "k"], ["v", "i"], axis=1, largest=1),
        NODE("GatherElements", ["x", "i"], ["ge"], axis=1),
        NODE("ArgMax", ["x"], ["best"], axis=1, keepdims=0, select_last_index=0),
        NODE("OneHot", ["best", "depth", "values"], ["hot"], axis=-1),
        NODE("GatherND", ["x", "at"], ["nd"], batch_dims=0),
        NODE("ScatterND", ["x", "at", "new"], ["sc"]),
        NODE("ScatterElements", ["x", "i", "v"], ["se"], axis=1),
        NODE("CumSum", ["x", "axis"], ["cum"], exclusive=1),
        NODE("ReduceSum", ["cum", "axes"], ["sum"], keepdims=0),
        NODE("ReduceMax", ["x"], ["top"], axes=[1], keepdims=1),
        NODE("Greater", ["x", "top"], ["mask"]),
        NODE("Where", ["mask", "x", "se"], ["w"]),
        NODE("NonZero", ["mask"], ["places"]),
        NODE("Einsum", ["x", "x"], ["ein"], equation="ij,kj->ik"),
        NODE("NonMaxSuppression", ["boxes", "scores", "k", "half", "half"], ["nms"], center_point_box=0),
    ]
    stored = {
        "k": np.array([2]), "depth": np.array(7), "values": np.array([0, 1], np.float32), "at": np.array([[0, 1]]),
        "new": draw(1), "axis": np.array(1), "axes": np.array([1]), "boxes": draw(1, 5, 4), "scores": draw(1, 1, 5),
        "half": np.array([0.5], np.float32),
    }  # fmt: skip
    outputs = ["ge", "hot", "nd", "sc", "sum", "w", "places", "ein", "nms"]
    return model_of(nodes, {"x": ["n", 7]}, outputs, stored)


def quantised():
    nodes = [
        NODE("QuantizeLinear", ["x", "s", "z"], ["q"], axis=1),
        NODE("QLinearConv", ["q", "s", "z", "w", "ws", "wz", "s", "z", "b"], ["c"], pads=[1, 1, 1, 1]),
        NODE("DequantizeLinear", ["c", "s", "z"], ["d"]),
        NODE("DynamicQuantizeLinear", ["d"], ["dq", "ds", "dz"]),
        NODE("ConvInteger", ["dq", "w", "dz"], ["ci"], kernel_shape=[3, 3]),
        NODE("Cast", ["ci"], ["f"], to=TensorProto.FLOAT),
        NODE("Mul", ["f", "ds"], ["m"]),
        NODE("Reshape", ["m", "flat"], ["r"]),
        NODE("QuantizeLinear", ["r", "s", "z"], ["rq"]),
        NODE("QLinearMatMul", ["rq", "s", "z", "k", "s", "kz", "s", "z"], ["y"]),
        NODE("MatMulInteger", ["rq", "k", "z"], ["mi"]),
    ]
    rng = np.random.default_rng(5)
    stored = {
        "s": np.array(0.05, np.float32), "z": np.array(128, np.uint8), "ws": np.full(3, 0.02, np.float32),
        "wz": np.zeros(3, np.int8), "w": rng.integers(-9, 9, (3, 3, 3, 3), np.int8),
        "b": rng.integers(-9, 9, 3, np.int32), "flat": np.array([0, -1]), "k": rng.integers(-9, 9, (48, 4), np.int8),
        "kz": np.array(0, np.int8),
    }  # fmt: skip
    return model_of(nodes, {"x": ["n", 3, 6, 6]}, ["y", "mi"], stored)


def recurrent():
    nodes = [
        NODE("LSTM", ["x", "w", "r", "b"], ["y", "h", "c"], hidden_size=4, direction="forward"),
        NODE("Squeeze", ["y", "axes"], ["s"]),
        NODE("GRU", ["s", "gw", "gr"], ["g", "gh"], hidden_size=3, direction="bidirectional", linear_before_reset=1),
        NODE("RNN", ["s", "rw", "rr"], ["n"], hidden_size=2, activations=["Tanh"]),
        NODE("LayerNormalization", ["s", "gain", "gain"], ["l"], axis=-1),
        NODE("MatMul", ["l", "m"], ["o"]),
        NODE("Softmax", ["o"], ["p"], axis=-1),
    ]
    stored = {
        "w": draw(1, 16, 3), "r": draw(1, 16, 4), "b": draw(1, 32), "axes": np.array([1]), "gw": draw(2, 9, 4),
        "gr": draw(2, 9, 3), "rw": draw(1, 2, 4), "rr": draw(1, 2, 2), "gain": draw(4), "m": draw(4, 5),
    }  # fmt: skip
    return model_of(nodes, {"x": [5, 2, 3]}, ["g", "n", "p", "h"], stored)


def branches():
    def branch(name, op):
        return helper.make_graph(
            [NODE(op, ["r"], [f"{name}_1"]), NODE("Mul", [f"{name}_1", f"{name}_w"], [name])], name, [],
            [helper.make_empty_tensor_value_info(name)], [numpy_helper.from_array(draw(3), f"{name}_w")],
        )  # fmt: skip

    nodes = [
        NODE("Relu", ["x"], ["r"]),
        NODE("ReduceMax", ["r"], ["top"], keepdims=0),
        NODE("Greater", ["top", "half"], ["found"]),
        NODE("If", ["found"], ["i"], then_branch=branch("yes", "Neg"), else_branch=branch("no", "Exp")),
        NODE("Cast", ["i"], ["h"], to=TensorProto.FLOAT16),
        NODE("Cast", ["h"], ["d"], to=TensorProto.DOUBLE),
        NODE("Pow", ["d", "two"], ["p"]),
        NODE("Mod", ["p", "two"], ["m"], fmod=1),
        NODE("InstanceNormalization", ["x3", "one", "one"], ["n"]),
        NODE("Reshape", ["x", "cube"], ["x3"]),
        NODE("LRN", ["x3"], ["l"], size=3),
        NODE("LpNormalization", ["l"], ["lp"], axis=1, p=2),
    ]
    stored = {
        "half": np.array(0.5, np.float32), "two": np.array(2.0), "one": np.ones(3, np.float32),
        "cube": np.array([0, 3, 1, 1]),
    }  # fmt: skip
    return model_of(nodes, {"x": ["n", 3]}, ["m", "n", "lp"], stored)


FAMILIES = {f.__name__: f for f in (convolutions, shapes, selections, quantised, recurrent, branches)}


# absurd models -----------------------------------------------------------------------------------------------------

BIG = 1 << 40
X4, X2 = ["n", 4, 6, 6], ["n", 6]


def single(op, shape, *more, opset=17, outputs=1, **attrs):
    """A node on an input of that shape and stored arrays."""
    stored = {f"c{i}": a for i, a in enumerate(more) if a is not None}
    names = ["x", *("" if a is None else f"c{i}" for i, a in enumerate(more))]
    made = [f"y{i}" for i in range(outputs)]
    return model_of([NODE(op, names, made, **attrs)], {"x": shape}, made, stored, opset)


def folded(op, *arrays, opset=17, outputs=1, **attrs):
    """A node on stored arrays alone, whose result is added to the input."""
    stored = {f"c{i}": a for i, a in enumerate(arrays) if a is not None}
    names = ["" if a is None else f"c{i}" for i, a in enumerate(arrays)]
    made = [f"z{i}" for i in range(outputs)]
    nodes = [NODE(op, names, made, **attrs), NODE("Cast", ["z0"], ["f"], to=1), NODE("Add", ["x", "f"], ["y"])]
    return model_of(nodes, {"x": ["n", 1]}, ["y"], stored, opset)


def ints(*values):
    return np.array(values, np.int64)


def nested(depth):
    """A branch in a branch in a branch, built from outside: protobuf does not copy what is nested deeply."""
    model = helper.make_model(helper.make_graph([], "g", [], []), opset_imports=[helper.make_opsetid("", 17)])
    graph = model.graph
    graph.initializer.append(numpy_helper.from_array(np.array(True), "c"))
    graph.input.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]))
    for _ in range(depth):
        graph.output.add(name="y")
        node = graph.node.add(op_type="If", input=["c"], output=["y"])
        other = node.attribute.add(name="else_branch", type=onnx.AttributeProto.GRAPH).g
        other.node.add(op_type="Neg", input=["x"], output=["y"])
        other.output.add(name="y")
        graph = node.attribute.add(name="then_branch", type=onnx.AttributeProto.GRAPH).g
    graph.node.add(op_type="Relu", input=["x"], output=["y"])
    graph.output.add(name="y")
    return model


def chain(length):
    """As many nodes as a recursion cannot follow."""
    nodes = [NODE("Relu", [f"a{i}"], [f"a{i + 1}"]) for i in range(length)]
    return model_of(nodes[::-1], {"a0": X2}, [f"a{length}"])


def circle():
    nodes = [NODE("Add", ["x", "c"], ["a"]), NODE("Relu", ["a"], ["b"]), NODE("Relu", ["b"], ["c"])]
    return model_of(nodes, {"x": X2}, ["c"])


def itself():
    return model_of([NODE("Add", ["x", "y"], ["y"])], {"x": X2}, ["y"])


def twice():
    model = model_of([NODE("Relu", ["x"], ["y"]), NODE("Neg", ["x"], ["y"])], {"x": X2}, ["y", "y"])
    model.graph.input.add().CopyFrom(model.graph.input[0])
    return model


def functions():
    """Functions that call each other for ever."""
    model = model_of([NODE("f", ["x"], ["y"], domain="d")], {"x": X2}, ["y"])
    model.opset_import.add(domain="d", version=1)
    for name, other in (("f", "g"), ("g", "f")):
        model.functions.append(
            helper.make_function("d", name, ["a"], ["b"], [NODE(other, ["a"], ["b"], domain="d")], model.opset_import)
        )
    return model


def absurd():
    """Models by name, made anew at each call."""
    one, f32 = np.ones(1, np.float32), np.float32
    found = {
        "circle": circle(), "itself": itself(), "twice": twice(), "functions": functions(), "nested 30": nested(30),
        "nested 300": nested(300), "chain": chain(3000), "empty": onnx.ModelProto(),
        "no nodes": model_of([], {"x": X2}, ["x"]), "no outputs": model_of([NODE("Relu", ["x"], ["y"])], {"x": X2}, []),
    }  # fmt: skip
    for size in (BIG, 1 << 33, 1 << 62, -1, -BIG, 0):
        found |= {
            f"tile {size}": folded("Tile", one, ints(size)),
            f"expand {size}": folded("Expand", one, ints(size)),
            f"expand twice {size}": folded("Expand", one, ints(size, size)),
            f"range {size}": folded("Range", np.array(0), np.array(size), np.array(1)),
            f"range back {size}": folded("Range", np.array(size), np.array(0), np.array(0)),
            f"constant of shape {size}": folded("ConstantOfShape", ints(size)),
            f"constant of shapes {size}": folded("ConstantOfShape", ints(size, size, size)),
            f"pad {size}": folded("Pad", one, ints(0, size)),
            f"one hot {size}": folded("OneHot", ints(0), np.array(size), np.array([0, 1], f32)),
            f"top {size}": folded("TopK", one, ints(size), outputs=2),
            f"gather {size}": folded("Gather", one, ints(size)),
            f"slice {size}": folded("Slice", one, ints(size), ints(size), ints(0), ints(size)),
            f"split {size}": folded("Split", one, ints(size, 1 - size), outputs=2),
            f"reshape {size}": folded("Reshape", one, ints(size, -1)),
            f"cumsum {size}": folded("CumSum", one, np.array(size)),
            f"eye {size}": folded("EyeLike", one.reshape(1, 1), k=size),
            f"squeeze {size}": folded("Squeeze", one, ints(size)),
            f"fed tile {size}": single("Tile", X2, ints(1, size)),
            f"fed expand {size}": single("Expand", X2, ints(size, 1, 6)),
            f"fed pad {size}": single("Pad", X2, ints(0, size, 0, 0)),
            f"fed pads {size}": single("Pad", X2, ints(0, size, 0, -size)),
            f"fed top {size}": single("TopK", X2, ints(size), outputs=2),
            f"fed reshape {size}": single("Reshape", X2, ints(size, -1)),
            f"fed gather {size}": single("Gather", X2, ints(size), axis=1),
            f"fed slice {size}": single("Slice", X2, ints(size), ints(size), ints(1), ints(size)),
            f"fed split {size}": single("Split", X2, ints(size, 6 - size), outputs=2, axis=1),
            f"fed unsqueeze {size}": single("Unsqueeze", X2, ints(size)),
            f"fed resize {size}": single("Resize", X4, None, None, ints(1, 4, size, 6)),
            f"fed upsample {size}": single("Resize", X4, None, np.array([1, 1, size, 1], f32)),
            f"axis {size}": single("Softmax", X2, axis=size),
            f"concat {size}": single("Concat", X2, axis=size),
            f"flatten {size}": single("Flatten", X4, axis=size),
            f"transpose {size}": single("Transpose", X2, perm=[size, 0]),
            f"blocks {size}": single("DepthToSpace", X4, blocksize=size),
            f"space {size}": single("SpaceToDepth", X4, blocksize=size),
            f"lrn {size}": single("LRN", X4, size=size),
            f"groups {size}": single("Conv", X4, draw(4, 4, 3, 3), group=size),
            f"group norm {size}": single("GroupNormalization", X4, one, one, opset=18, num_groups=size),
            f"split to {size}": single("Split", X2, opset=18, num_outputs=size, axis=1),
            f"to {size}": single("Cast", X2, to=size),
            f"batch dims {size}": single("GatherND", X2, ints(0).reshape(1, 1), batch_dims=size),
            f"einsum {size}": single("Einsum", X2, equation="i" * (size % 90) + "->"),
        }
        for key in ("kernel_shape", "strides", "dilations", "pads"):
            several = [size] * (4 if key == "pads" else 2)
            more = {"kernel_shape": [2, 2]} | {key: several}
            found[f"{key} of a convolution {size}"] = single("Conv", X4, draw(4, 4, 2, 2), **more)
            found[f"{key} of a transposed {size}"] = single("ConvTranspose", X4, draw(4, 4, 2, 2), **more)
            found[f"{key} of a pool {size}"] = single("MaxPool", X4, **more)
            found[f"{key} of an average {size}"] = single("AveragePool", X4, **({} if key == "dilations" else more))
            found[f"ceil {key} {size}"] = single("LpPool", X4, opset=18, ceil_mode=1, **more)
        found[f"output padding {size}"] = single("ConvTranspose", X4, draw(4, 4, 2, 2), output_padding=[size, 0])
        found[f"output shape {size}"] = single("ConvTranspose", X4, draw(4, 4, 2, 2), output_shape=[size, 6])
    shapes_of_weights = [
        (0,),
        (1,),
        (3, 3),
        (4, 5, 3, 3),
        (4, 4, 9, 9),
        (0, 4, 3, 3),
        (4, 0, 3, 3),
        (4, 4, 0, 3),
        (4, 4, 3),
    ]
    for shape in shapes_of_weights:
        for op in ("Conv", "ConvTranspose", "Gemm", "MatMul", "PRelu", "Gather", "Add", "LSTM"):
            found[f"{op} with {shape}"] = single(op, X4, draw(*shape))
        found[f"norm with {shape}"] = single("BatchNormalization", X4, *[draw(*shape)] * 4)
        found[f"layer norm with {shape}"] = single("LayerNormalization", X4, draw(*shape))
    return found


def outside():
    """External data by name: where the bytes are said to lie."""
    entries = {
        "up": {"location": "../secret.bin"}, "absolute": {"location": "/etc/hostname"},
        "link": {"location": "link.bin"},
        "missing": {"location": "no.bin"}, "nothing": {}, "zero": {"location": "a\0b"}, "folder": {"location": "."},
        "long": {"location": "w.bin", "length": "99999999999999999"}, "short": {"location": "w.bin", "length": "3"},
        "negative": {"location": "w.bin", "offset": "-8"}, "far": {"location": "w.bin", "offset": str(1 << 62)},
        "words": {"location": "w.bin", "offset": "many"}, "digits": {"location": "w.bin", "length": "9" * 5000},
        "device": {"location": "/dev/zero"}, "deep": {"location": "a/" * 3000}, "name": {"location": "x" * 5000},
    }  # fmt: skip
    for name, told in entries.items():
        model = single("Gemm", X2, draw(6, 2))
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in told.items():
            tensor.external_data.add(key=key, value=value)
        yield name, model
