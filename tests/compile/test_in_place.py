"""Results that take over an operand's memory give what results in memory of their own give."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from edgenet.compile import compile_graph
from edgenet.compile.in_place import Lives
from edgenet.graph import Graph, Variable, emit
from edgenet.ops import flat

OPS = ("relu", "sigmoid", "add", "mul", "sub", "scale", "row", "reshape", "concat", "flat", "twice", "relu_dx")


def random_graph(seed):
    """Chains of elementwise ops, views and concatenations; every value may be read again much later."""
    rng = np.random.default_rng(seed)
    graph = Graph(f"chain{seed}")
    values = [graph.input((6, 8)), graph.variable(Variable(rng.standard_normal((6, 8)).astype(np.float32), "v"))]
    for _ in range(14):
        x = values[-1] if rng.random() < 0.7 else values[rng.integers(len(values))]
        alike = [v for v in values if v.shape == x.shape]
        other = alike[rng.integers(len(alike))]
        kind = rng.choice(OPS)
        if kind in ("relu", "sigmoid"):
            y = emit(kind, [x])
        elif kind in ("add", "mul", "sub", "relu_dx"):
            y = emit(kind, [x, other])
        elif kind == "scale":
            y = x * np.float32(0.7)
        elif kind == "row":
            y = x + rng.standard_normal(x.shape[-1]).astype(np.float32)
        elif kind == "reshape":
            y = emit("reshape", [x], shape=(x.spec.size // 4, 4) if x.shape[-1] != 4 else (x.spec.size // 8, 8))
        elif kind == "concat" and x.spec.size < 1000:
            y = emit("concat", [x, other, x], axis=0)
        elif kind == "flat" and x.spec.size < 1000:
            y = emit("reshape", [flat(x, other)], shape=(2 * x.shape[0], x.shape[1]))
        else:
            y = x * x
        values.append(y)
    read = {id(v) for n in graph.nodes for v in n.inputs}
    graph.outputs = [v for v in values[2:] if id(v) not in read or rng.random() < 0.15]
    return graph


def run(seed):
    program = compile_graph(random_graph(seed), passes=False)
    x = np.random.default_rng(seed).standard_normal((6, 8)).astype(np.float32)
    before = [v.numpy().copy() for v in program.graph.variables]
    first, second = program.run(x), program.run(x)
    for a, b in zip(first, second, strict=True):
        assert_array_equal(a, b)
    for v, w in zip(program.graph.variables, before, strict=True):
        assert_array_equal(v.numpy(), w)
    return first, program


@pytest.mark.parametrize("seed", range(80))
def test_no_number_changes(seed, monkeypatch):
    got, program = run(seed)
    monkeypatch.setattr(Lives, "over", lambda self, node, number, root: None)
    want, apart = run(seed)
    for a, b in zip(got, want, strict=True):
        assert_array_equal(a, b)
    assert len(program.buffers) <= len(apart.buffers)


def test_a_chain_needs_one_buffer():
    graph = Graph("chain")
    x = graph.input((64,))
    y = emit("exp", [emit("sqrt", [emit("exp", [x])])])
    graph.outputs = [y * y]
    assert len(compile_graph(graph).buffers) == 2  # that of the input, which is the caller's to fill, and one more


def test_a_gradient_takes_the_place_of_what_it_was_made_of():
    graph = Graph("mask")
    x = graph.input((4, 64))
    dy = x * np.float32(2)
    dx = emit("relu_dx", [x, dy])
    graph.outputs = [emit("sum", [dx], axes=(0, 1), keepdims=False)]
    program = compile_graph(graph)
    assert program._places.root(dx)[0] is dy


def test_what_is_read_later_keeps_its_place():
    graph = Graph("later")
    x = graph.input((4,))
    a = x + np.float32(1)
    graph.outputs = [
        emit("relu", [a]) + emit("reshape", [emit("relu", [emit("reshape", [a], shape=(2, 2))])], shape=(4,))
    ]
    assert_array_equal(compile_graph(graph).run(np.array([-3, 1, 2, -1], np.float32))[0], [0, 4, 6, 0])
