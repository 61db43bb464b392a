"""The backend interface of onnx, by ModelProto, bytes and path, over changing shapes."""

import numpy as np
import onnx
import pytest
from numpy.testing import assert_array_equal
from onnx import helper
from onnx_models import node_model, numbers

from edgenet.converters.onnx import backend, registry
from edgenet.graph import Graph, emit

(X,) = numbers(0, (2, 3))
POSITIVE = np.maximum(X, 0)


def test_models_come_in_every_form(tmp_path):
    model = node_model("Relu", {"x": X})
    path = tmp_path / "relu.onnx"
    onnx.save(model, path)
    for given in (model, model.SerializeToString(), path, str(path)):
        assert_array_equal(backend.prepare(given).run([X])[0], POSITIVE)
    assert_array_equal(backend.run_model(model, [X])[0], POSITIVE)


def test_inputs_come_in_every_form():
    rep = backend.prepare(node_model("Relu", {"x": X}))
    for given in ([X], (X,), X, {"x": X}):
        assert_array_equal(rep.run(given)[0], POSITIVE)


def test_one_node():
    (y,) = backend.run_node(helper.make_node("Relu", ["x"], ["y"]), [X])
    assert_array_equal(y, POSITIVE)


def test_what_is_supported():
    assert backend.is_compatible(node_model("Relu", {"x": X}))
    assert backend.is_compatible(node_model("Relu", {"x": X.astype(np.float64)}))
    unknown = node_model("Relu", {"x": X})
    unknown.graph.node[0].op_type = "Loop"
    assert not backend.is_compatible(unknown)
    assert backend.supports_device("CPU")
    assert backend.supports_device("cpu:0")
    assert not backend.supports_device("CUDA")
    with pytest.raises(ValueError, match="CUDA"):
        backend.prepare(node_model("Relu", {"x": X}), "CUDA")


def test_a_fixed_batch_gives_way():
    (y,) = backend.prepare(node_model("Relu", {"x": X})).run([np.ones((5, 3), np.float32)])
    assert y.shape == (5, 3)


def test_integers_that_say_how_to_compute():
    rep = backend.prepare(node_model("Reshape", {"x": X, "s": np.array([3, 2])}))
    for shape in ((3, 2), (6,), (1, 6), (2, 3)):
        (y,) = rep.run([X, np.array(shape)] if len(shape) == 2 else [X, np.array([*shape, 1])])
        assert_array_equal(y.reshape(-1), X.reshape(-1))


def test_results_are_not_overwritten_by_the_next_run():
    rep = backend.prepare(node_model("Identity", {"x": X}))
    (first,) = rep.run([X])
    rep.run([X + 1])
    assert_array_equal(first, X)


def test_functions_of_a_model_are_written_out():
    body = [helper.make_node("Relu", ["a"], ["b"]), helper.make_node("Neg", ["b"], ["c"])]
    function = helper.make_function("own", "Down", ["a"], ["c"], body, [helper.make_opsetid("", 17)])
    model = node_model("Relu", {"x": X})
    model.graph.node[0].op_type, model.graph.node[0].domain = "Down", "own"
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("own", 1))
    assert_array_equal(backend.prepare(model).run([X])[0], -POSITIVE)


def test_operators_of_users_join(monkeypatch):
    monkeypatch.setattr(registry, "_importers", {k: dict(v) for k, v in registry._importers.items()})

    @registry.importer("Twice", domain="mine")
    def read_twice(node):
        return node.input(0).map(lambda x: x * node.attr("factor", 2.0))

    model = node_model("Relu", {"x": X})
    model.graph.node[0].op_type, model.graph.node[0].domain = "Twice", "mine"
    model.opset_import.append(helper.make_opsetid("mine", 3))
    assert_array_equal(backend.prepare(model).run([X])[0], X * 2)
    with pytest.raises(ValueError, match="twice"):
        registry.importer("Twice", domain="mine")(read_twice)


def test_the_newest_reader_that_is_not_too_new_is_taken():
    assert registry.find_importer("Softmax", "", 12) != registry.find_importer("Softmax", "", 13)
    assert registry.find_importer("Softmax", "", 13) == registry.find_importer("Softmax", "", registry.NEWEST)
    assert registry.find_importer("HardSwish", "", 13) is None
    assert registry.find_importer("Upsample", "", 9) is not None
    assert registry.find_importer("Upsample", "", 10) is None  # deprecated since
    assert "Conv" in registry.operators()


def test_a_model_can_be_trained_on():
    """Weights are variables, and gradients reach them."""
    from edgenet.converters.onnx import read
    from edgenet.graph import gradients

    (w,) = numbers(3, (4, 3))
    graph = read(node_model("Gemm", {"x": X}, {"w": w, "b": np.zeros(4, np.float32)}, transB=1))
    assert isinstance(graph, Graph)
    loss = emit("sum", [graph.outputs[0]], axes=(0, 1), keepdims=False)
    values = [graph.variable(v) for v in graph.variables]
    assert [g.shape for g in gradients(loss, values)] == [(3, 4), (4,)]
