"""Specs, values, nodes, names, pruning, gradients as a Graph → Graph walk."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import edgenet.ops  # noqa: F401  (registers the ops)
from edgenet.compile import compile_graph
from edgenet.graph import Graph, ShapeError, Spec, Variable, emit, gradients
from edgenet.graph.variable import flatten, latest_change


def test_spec():
    spec = Spec.of(("batch", 3, 4))
    assert (spec.rank, spec.known) == (3, False)
    assert spec.bind({"batch": 2}).size_bytes == 96
    with pytest.raises(ShapeError, match="bind batch"):
        _ = spec.size
    with pytest.raises(ShapeError, match="negative"):
        Spec.of((2, -1))


def test_names_are_unique():
    graph = Graph()
    names = [graph.input((1,), name="x").name for _ in range(4)] + [graph.unique("x_1")]
    assert len(set(names)) == 5


def test_values_of_two_graphs_do_not_mix():
    a, b = Graph("a").input((2,)), Graph("b").input((2,))
    with pytest.raises(ValueError, match=r"different graphs \(b, a\)"):
        _ = a + b


def test_an_op_needs_a_symbolic_value():
    with pytest.raises(TypeError, match="add: at least one input must be a symbolic value"):
        emit("add", [np.ones(2), np.ones(2)])
    x = Graph().input((2,))
    with pytest.raises(TypeError, match="got str"):
        _ = x + "1"


def test_arithmetic_with_numbers_and_arrays():
    graph = Graph()
    x = graph.input((2, 2))
    graph.outputs = [2 - x * 3 + np.float32([[1, 2], [3, 4]]), -x, 1 / (x + 4)]
    a = np.float32([[0, 1], [2, 3]])
    got = compile_graph(graph).run(a)
    for y, want in zip(got, (2 - a * 3 + [[1, 2], [3, 4]], -a, 1 / (a + 4)), strict=True):
        assert_allclose(y, want, rtol=1e-6)


def test_prune_keeps_what_is_needed():
    graph = Graph()
    x, unused = graph.input((2,)), graph.variable(Variable(np.zeros(2, np.float32), "unused"))
    y = x + 1
    _ = y * unused
    graph.outputs = [y]
    graph.prune()
    assert [n.op for n in graph.nodes] == ["add"]
    assert graph.variables == []


def test_nodes_are_inserted_where_asked():
    graph = Graph()
    x = graph.input((2,))
    y = x + 1
    with graph.at(y.node):
        _ = x * 2
        _ = x * 3
    assert [n.op for n in graph.nodes] == ["mul", "mul", "add"]


def test_gradients_add_where_paths_join():
    graph = Graph()
    x = graph.input((3,))
    loss = emit("sum", [x * x * x + x], axes=(0,), keepdims=False)
    (dx,) = gradients(loss, [x])
    graph.outputs = [dx]
    a = np.float32([1, 2, 3])
    assert_allclose(compile_graph(graph).run(a)[0], 3 * a**2 + 1, rtol=1e-6)


def test_gradient_of_what_does_not_matter_is_none():
    graph = Graph()
    x, y = graph.input((3,)), graph.input((3,))
    assert gradients(emit("sum", [x], axes=(0,), keepdims=False), [x, y])[1] is None


def test_gradient_of_an_array_is_refused():
    x = Graph().input((3,))
    with pytest.raises(ValueError, match="expected a scalar"):
        gradients(x * x, [x])


def test_gradient_through_an_op_that_has_none_says_why():
    graph = Graph()
    x = graph.input((3, 4))
    y = emit("argmax", [x], axis=1)
    assert y.dtype == "int32"
    one_hot = emit("one_hot", [y], depth=4)
    with pytest.raises(TypeError, match="no gradient: "):
        gradients(emit("sum", [one_hot], axes=(0, 1), keepdims=False), [x])


def test_flat_variables_share_memory():
    a, b = Variable(np.ones((2, 3), np.float32), "a"), Variable(np.zeros(4, np.float32), "b")
    flat = flatten([a, b], "flat")
    assert flat.array.ctypes.data % 64 == 0
    flat.array[:] = np.arange(10)
    assert_allclose(a.array, [[0, 1, 2], [3, 4, 5]])
    assert_allclose(b.array, [6, 7, 8, 9])


def test_a_change_of_a_variable_is_noticed():
    v = Variable(np.ones(2, np.float32), "v")
    before = latest_change()
    v.assign(np.zeros(2))
    assert latest_change() > before
    with pytest.raises(ShapeError, match=r"v has shape \(2,\), got an array of shape \(3,\)"):
        v.assign(np.zeros(3))


def test_a_graph_prints_as_a_listing():
    graph = Graph("g")
    x = graph.input((2, 3), name="x")
    graph.outputs = [emit("relu", [x])]
    assert str(graph) == "g(%x: float32[2, 3])\n  %relu: float32[2, 3] = relu(%x)\n  return %relu"


def test_long_chains_and_diamonds_of_weights_are_quick():
    graph = Graph()
    w = graph.variable(Variable(np.ones(2, np.float32), "w"))
    for _ in range(60):
        w = w * w
    assert w.fixed
    x = graph.input((2,))
    for _ in range(3000):
        x = x + 1
    assert not x.fixed
