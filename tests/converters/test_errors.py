"""What cannot be read: one error that lists everything, and never anything worse than an error."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import model_of, node_model, numbers

from edgenet.converters.onnx import UnsupportedModelError, read
from edgenet.converters.onnx.backend import prepare
from edgenet.graph import ShapeError

NODE = helper.make_node
(X,) = numbers(0, (2, 3, 8, 8))
W, B = numbers(1, (4, 3, 3, 3), (4,))


def problems(model, **options):
    with pytest.raises(UnsupportedModelError) as caught:
        read(model, **options)
    return caught.value.problems


def test_every_problem_is_listed():
    nodes = [
        NODE("StringNormalizer", ["x"], ["a"], name="speller"),
        NODE("Relu", ["x"], ["b"], name="fine"),
        NODE("TfIdfVectorizer", ["b"], ["c"], name="counter"),
        NODE("MaxPool", ["b"], ["d"], name="pool", kernel_shape=[2, 2], auto_pad="ROUND"),
        NODE("Relu", ["b"], ["e"], name="strange", slope=0.5),
        NODE("Neg", ["nowhere"], ["f"], name="lost"),
        NODE("Add", ["a", "c"], ["g"], name="downstream"),
    ]
    found = problems(model_of(nodes, {"x": X}, list("gdef")))
    assert len(found) == 5  # what hangs on a refused node is not refused again
    for node, reason in [
        ("StringNormalizer node 'speller'", "is not supported"),
        ("TfIdfVectorizer node 'counter'", "is not supported"),
        ("MaxPool node 'pool'", "auto_pad='ROUND'"),
        ("Relu node 'strange'", "slope"),
        ("Neg node 'lost'", "'nowhere' comes from nowhere"),
    ]:
        assert any(node in p and reason in p for p in found), (node, found)


def test_the_message_holds_all_problems():
    nodes = [NODE("StringSplit", ["x"], ["a"], name="one"), NODE("DFT", ["x"], ["b"], name="two")]
    with pytest.raises(UnsupportedModelError, match=r"(?s)one.*two"):
        prepare(model_of(nodes, {"x": X}, ["a", "b"]))


def test_an_unknown_operator_is_told_before_shapes_are_known():
    nodes = [NODE("TfIdfVectorizer", ["x"], ["a"], name="one")]
    with pytest.raises(UnsupportedModelError, match="one"):
        prepare(model_of(nodes, {"x": X}, ["a"], shapes={"x": ("n", "c", "h", "w")}))


def test_what_no_output_needs_may_be_anything():
    nodes = [NODE("GRU", ["x"], ["a"]), NODE("Relu", ["x"], ["y"])]
    assert [n.op for n in read(model_of(nodes, {"x": X}, ["y"])).nodes] == ["relu"]


def test_cycles():
    nodes = [NODE("Add", ["x", "b"], ["a"], name="one"), NODE("Relu", ["a"], ["b"], name="two")]
    assert any("depends on itself" in p for p in problems(model_of(nodes, {"x": X}, ["b"])))


def test_nodes_may_stand_in_any_order():
    nodes = [NODE("Relu", ["a"], ["y"]), NODE("Neg", ["x"], ["a"])]
    assert [n.op for n in read(model_of(nodes, {"x": X}, ["y"])).nodes] == ["mul", "relu"]


@pytest.mark.parametrize(("op", "opset"), [("Relu", 1), ("Selu", 5), ("Relu", onnx.defs.onnx_opset_version() + 1)])
def test_opsets_out_of_range(op, opset):
    model = node_model(op, {"x": X})
    model.opset_import[0].version = opset
    assert any(f"opset {opset} is outside of 7" in p for p in problems(model))


def test_an_old_opset_whose_operators_have_not_changed():
    model = node_model("Relu", {"x": X})
    model.opset_import[0].version = 6
    assert [n.op for n in read(model).nodes] == ["relu"]


def test_a_domain_of_others():
    model = model_of([NODE("Relu", ["x"], ["y"], name="g")], {"x": X}, ["y"])
    model.graph.node[0].op_type, model.graph.node[0].domain = "Gelu", "com.microsoft"
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert any("com.microsoft" in p for p in problems(model))


def test_sizes_that_must_be_known_are_asked_for():
    model = node_model("Relu", {"x": X})
    for i, name in enumerate(("batch", "channels", "height", "width")):
        model.graph.input[0].type.tensor_type.shape.dim[i].dim_param = name
    (found,) = problems(model)
    assert "shapes={'x': ('batch', 1, 1, 1)}" in found
    assert read(model, {"x": ("batch", 3, 4, 5)}).inputs[0].shape == ("batch", 3, 4, 5)
    assert read(model, {"x": (-1, 3, 4, 5)}).inputs[0].shape == ("batch", 3, 4, 5)


def test_arithmetic_with_an_open_size_asks_for_it():
    nodes = [
        NODE("Shape", ["x"], ["s"]),
        NODE("Mul", ["s", "two"], ["t"], name="doubled"),
        NODE("Reshape", ["x", "t"], ["y"]),
    ]
    stored = {"two": np.array([2, 1, 1, 1])}
    model = model_of(nodes, {"x": X}, ["y"], stored, shapes={"x": ("n", 3, 8, 8)})
    (found,) = problems(model)
    assert "'doubled'" in found
    assert "size n" in found


def test_open_sizes_travel_through_shapes():
    nodes = [
        NODE("Shape", ["x"], ["s"]),
        NODE("Gather", ["s", "zero"], ["n"]),
        NODE("Unsqueeze", ["n", "axes"], ["n1"]),
        NODE("Concat", ["n1", "rest"], ["shape"], axis=0),
        NODE("Reshape", ["x", "shape"], ["y"]),
    ]
    stored = {"zero": np.array(0), "axes": np.array([0]), "rest": np.array([-1, 8])}
    graph = read(model_of(nodes, {"x": X}, ["y"], stored, shapes={"x": ("n", 3, 8, 8)}))
    assert graph.outputs[0].shape == ("n", 24, 8)
    assert [n.op for n in graph.nodes] == ["reshape"]


def test_shapes_of_unknown_inputs():
    assert any("'z'" in p for p in problems(node_model("Relu", {"x": X}), shapes={"z": (1,)}))
    assert any("4 axes" in p for p in problems(node_model("Relu", {"x": X}), shapes={"x": (1, 2)}))


def test_types_that_are_not_supported():
    double = X.astype(np.float64)
    assert any("float64" in p for p in problems(node_model("Relu", {"x": double})))
    text = helper.make_tensor_value_info("x", TensorProto.STRING, [2])
    model = node_model("Identity", {"x": X})
    model.graph.input[0].CopyFrom(text)
    assert problems(model)
    integers = model_of([NODE("Add", ["i", "i"], ["y"], name="sum")], {"i": np.arange(3)}, ["y"])
    assert any("int64" in p and "'sum'" in p for p in problems(integers))


def test_half_precision_is_computed_in_single():
    (y,) = prepare(node_model("Relu", {"x": X.astype(np.float16)})).run([X.astype(np.float16)])
    assert y.dtype == np.float16


def test_second_outputs():
    model = node_model("MaxPool", {"x": X}, outputs=2, kernel_shape=[2, 2])
    assert any("indices" in p for p in problems(model))


def test_initialisers_listed_as_inputs_are_no_inputs():
    model = node_model("Conv", {"x": X, "w": W})
    model.graph.initializer.append(onnx.numpy_helper.from_array(W, "w"))
    assert [v.name for v in read(model).inputs] == ["x"]


def test_weights_in_other_files(tmp_path):
    model = node_model("Conv", {"x": X}, {"w": W})
    path = tmp_path / "m.onnx"
    onnx.save_model(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert read_file(path).variables[0].shape == (3, 3, 3, 4)
    assert any("path" in p for p in problems(onnx.load(path, load_external_data=False)))
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(UnsupportedModelError, match="weights"):
        read_file(path)


def read_file(path):
    from edgenet.converters.onnx import load

    return load(path)


@pytest.mark.parametrize("data", [b"", b"\x00" * 40, b"not a model", b"\xff" * 200])
def test_bytes_that_are_no_model(data):
    with pytest.raises(UnsupportedModelError):
        prepare(data)


def test_arrays_that_do_not_fit():
    rep = prepare(node_model("Conv", {"x": X}, {"w": W}))
    with pytest.raises(ShapeError, match="1 inputs"):
        rep.run([X, X])
    with pytest.raises(ShapeError, match=r"expected shape \[2, 3, 8, 8\], got \[2, 2, 8, 8\]"):
        rep.run([X[:, :2]])
    with pytest.raises(ShapeError, match="'x'"):
        rep.run({"z": X})


# damaged models ------------------------------------------------------------------------------------------------------


def small_model():
    nodes = [
        NODE("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        NODE("Clip", ["c", "low", "high"], ["r"]),
        NODE("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        NODE("Shape", ["p"], ["s"]),
        NODE("Slice", ["s", "zero", "one"], ["n"]),
        NODE("Concat", ["n", "rest"], ["shape"], axis=0),
        NODE("Reshape", ["p", "shape"], ["f"]),
        NODE("Gemm", ["f", "m"], ["y"], transB=1),
    ]
    (m,) = numbers(2, (5, 16))
    stored = {
        "w": W, "b": B, "m": m, "low": np.array(0, np.float32), "high": np.array(6, np.float32), "zero": np.array([0]),
        "one": np.array([1]), "rest": np.array([-1]),
    }  # fmt: skip
    return model_of(nodes, {"x": X}, ["y"], stored)


def mixed_model():
    """Integers, halves and a branch, which NumPy evaluates, around a convolution."""
    branches = {
        name: helper.make_graph(
            [NODE(op, ["c"], [f"{name}_y"])], name, [], [helper.make_tensor_value_info(f"{name}_y", 1, None)]
        )
        for name, op in (("then_branch", "Neg"), ("else_branch", "Relu"))
    }
    nodes = [
        NODE("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        NODE("ReduceMax", ["c"], ["top"], keepdims=0),
        NODE("Greater", ["top", "half"], ["found"]),
        NODE("If", ["found"], ["r"], **branches),
        NODE("Cast", ["r"], ["i"], to=TensorProto.INT32),
        NODE("NonZero", ["i"], ["places"]),
        NODE("Transpose", ["places"], ["rows"], perm=[1, 0]),
        NODE("Slice", ["rows", "zero", "two"], ["first"]),
        NODE("Gather", ["first", "one"], ["picked"], axis=1),
        NODE("Mul", ["picked", "three"], ["y"]),
    ]
    stored = {
        "w": W, "b": B, "half": np.array(0.5, np.float32), "zero": np.array([0]), "two": np.array([2]),
        "one": np.array([1]), "three": np.array(3),
    }  # fmt: skip
    return model_of(nodes, {"x": X}, ["y", "r"], stored)


def survives(model):
    """Read, compile and run; any exception of the three kinds that a caller may expect is fine."""
    try:
        rep = prepare(model)
        inputs = [i for i in rep.model.graph.input]
        shapes = [[d.dim_value for d in i.type.tensor_type.shape.dim] for i in inputs]
        if all(0 <= np.prod(s) < 1e6 for s in shapes):
            with np.errstate(all="ignore"):
                rep.run([np.ones(s, np.float32) for s in shapes])
        return True
    except (UnsupportedModelError, ShapeError, TypeError, ValueError):
        return False


MODELS = pytest.mark.parametrize("make", [small_model, mixed_model])


@MODELS
def test_the_models_run(make):
    assert survives(make())


@MODELS
@pytest.mark.parametrize("block", range(6))
def test_truncated_bytes(make, block):
    data = make().SerializeToString()
    for length in range(block, len(data), 37):
        survives(data[:length])


@MODELS
@pytest.mark.parametrize("block", range(20))
def test_mutated_bytes(make, block):
    data = make().SerializeToString()
    for seed in range(block * 40, block * 40 + 40):
        rng = np.random.default_rng(seed)
        damaged = bytearray(data)
        for _ in range(int(rng.integers(1, 6))):
            damaged[rng.integers(len(damaged))] = rng.integers(256)
        survives(bytes(damaged))


@MODELS
@pytest.mark.parametrize("block", range(20))
def test_mutated_fields(make, block):
    """Attributes, names and shapes changed one at a time: these models decode, and reach the importers."""
    accepted = 0
    for seed in range(block * 40, block * 40 + 40):
        rng = np.random.default_rng(seed)
        model = make()
        node = model.graph.node[rng.integers(len(model.graph.node))]
        kind = int(rng.integers(6))
        if kind == 0 and len(node.attribute):
            attribute = node.attribute[rng.integers(len(node.attribute))]
            if len(attribute.ints):
                attribute.ints[rng.integers(len(attribute.ints))] = int(rng.choice([-3, 0, 5, 2**40]))
            else:
                attribute.i = int(rng.choice([-3, 0, 7, 2**40]))
        elif kind == 1:
            node.input[rng.integers(len(node.input))] = str(rng.choice(["", "x", "w", "y", "s", "b", "shape"]))
        elif kind == 2:
            node.op_type = str(rng.choice([n.op_type for n in model.graph.node] + ["Pad", "Split", "Expand", "Tile"]))
        elif kind == 3:
            model.graph.input[0].type.tensor_type.shape.dim[rng.integers(4)].dim_value = int(rng.choice([0, 1, 3, 9]))
        elif kind == 4:
            tensor = model.graph.initializer[rng.integers(len(model.graph.initializer))]
            if len(tensor.dims):
                tensor.dims[rng.integers(len(tensor.dims))] = int(rng.choice([-1, 0, 2, 2**33]))
            tensor.data_type = int(rng.choice([tensor.data_type, 0, 1, 7, 8, 9]))
        else:
            model.opset_import[0].version = int(rng.choice([7, 9, 11, 13, 18, 99]))
        accepted += survives(model)
    assert accepted < 40
