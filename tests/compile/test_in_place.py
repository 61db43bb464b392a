"""Results that take over an operand's memory give what results in memory of their own give."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from edgenet.compile import compile_graph
from edgenet.compile.in_place import Lives
from edgenet.graph import Graph, Variable, emit
from edgenet.ops import conv2d, flat, max_pool

OPS = ("relu", "sigmoid", "add", "mul", "sub", "scale", "row", "reshape", "concat", "flat", "twice", "relu_dx", "dense")


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
        elif kind == "dense":
            w = rng.standard_normal((x.shape[1], x.shape[1])).astype(np.float32) / x.shape[1]
            y = emit("dense", [x, w, None, other], transpose_x=False, transpose_w=False, activation=None)
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
    assert len(program.addresses.buffers) <= len(apart.addresses.buffers)


def test_a_chain_needs_one_buffer():
    graph = Graph("chain")
    x = graph.input((64,))
    y = emit("exp", [emit("sqrt", [emit("exp", [x])])])
    graph.outputs = [y * y]
    # that of the input, which is the caller's to fill, and one more
    assert len(compile_graph(graph).addresses.buffers) == 2


def test_a_gradient_takes_the_place_of_what_it_was_made_of():
    graph = Graph("mask")
    x = graph.input((4, 64))
    dy = x * np.float32(2)
    dx = emit("relu_dx", [x, dy])
    graph.outputs = [emit("sum", [dx], axes=(0, 1), keepdims=False)]
    program = compile_graph(graph)
    assert program._places.root(dx)[0] is dy


def test_a_convolution_takes_the_place_of_its_residual_unless_it_convolves_that():
    graph = Graph("residual")
    x = graph.input((1, 6, 6, 4))
    w = np.ones((1, 1, 4, 4), np.float32)
    a, b = (conv2d(x, np.float32(f) * w) for f in (1, 2))
    y = conv2d(a, w, None, b)
    z = conv2d(y, w, None, y)
    graph.outputs = [max_pool(z, (2, 2))]
    root = compile_graph(graph)._places.root
    assert root(y)[0] is b
    assert root(z)[0] is z


def test_inside_the_same_border_a_residual_gives_its_place_too():
    graph = Graph("bordered")
    y, w = graph.input((1, 6, 6, 4)), np.ones((3, 3, 4, 4), np.float32)
    same = ((1, 1), (1, 1))
    a = conv2d(y, w, padding=same)
    b = conv2d(conv2d(a, w, padding=same), w, None, a, padding=same)
    graph.outputs = [conv2d(b, w, padding=same)]
    program = compile_graph(graph)
    assert program._places.root(b)[0] is a
    assert not b.dense
    assert [s.call.kernel.name for s in program.steps].count("conv.zero_border") == 3  # y, a, the one between


def test_what_is_read_later_keeps_its_place():
    graph = Graph("later")
    x = graph.input((4,))
    a = x + np.float32(1)
    graph.outputs = [
        emit("relu", [a]) + emit("reshape", [emit("relu", [emit("reshape", [a], shape=(2, 2))])], shape=(4,))
    ]
    assert_array_equal(compile_graph(graph).run(np.array([-3, 1, 2, -1], np.float32))[0], [0, 4, 6, 0])
