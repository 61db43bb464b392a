"""Layouts: images inside a border of zeros, and between the channels of wider ones, give what dense ones give."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import edgenet.compile.program as compiler
from edgenet.compile import compile_graph
from edgenet.graph import Graph, Layout, emit
from edgenet.ops import avg_pool, concat, conv2d, max_pool, transpose

OPS = (
    "conv",
    "strided",
    "pointwise",
    "depthwise",
    "grouped",
    "dilated",
    "max",
    "average",
    "add",
    "concat",
    "turn",
    "mask",
    "relu",
)
MASKS = (("relu_dx", {}), ("leaky_relu_dx", {"alpha": 0.2}), ("clip_dx", {"low": -0.2, "high": 0.4}))


def random_graph(seed, batch=2):
    """A random network of convolutions, pools, residuals and concatenations; every value may feed several others."""
    rng = np.random.default_rng(seed)
    graph = Graph(f"net{seed}")
    values = [graph.input((batch, *rng.integers(6, 10, 2).tolist(), int(rng.choice([1, 3, 8, 17]))))]

    def conv(x, co, k, groups=1, **attrs):
        w = rng.standard_normal((k, k, x.shape[3] // groups, co)).astype(np.float32) / (k * np.sqrt(x.shape[3]))
        return conv2d(x, w, rng.standard_normal(co).astype(np.float32), groups=groups, **attrs)

    def same(k):
        return ((k // 2, k // 2), (k // 2, k // 2))

    for _ in range(12):
        x = values[-1] if rng.random() < 0.6 else values[rng.integers(len(values))]
        kind = rng.choice(OPS)
        c, alike = x.shape[3], [v for v in values if v.shape == x.shape and v is not x]
        wide = [v for v in values if v.shape[:3] == x.shape[:3]]
        if kind == "conv":
            y = conv(x, int(rng.choice([c, 5, 16, 33])), 3, padding=same(3))
        elif kind == "strided":
            y = conv(x, 8, 3, strides=(2, 1), padding=((0, 1), (1, 0)))
        elif kind == "pointwise":
            y = conv(x, c, 1)
        elif kind == "depthwise":
            y = conv(x, c, 3, groups=c, padding=((1, 1), (0, 2)))
        elif kind == "grouped" and c % 2 == 0:
            y = conv(x, 6, 5, groups=2, padding=same(5))
        elif kind == "dilated":
            y = conv(x, c, 3, padding=((2, 2), (2, 2)), dilation=(2, 2))
        elif kind == "max":
            y = max_pool(x, (3, 3), (1, 1), same(3))
        elif kind == "average" and min(x.shape[1:3]) > 2:
            y = avg_pool(x, (2, 2), (1, 1))
        elif kind == "add" and alike:
            y = x + alike[rng.integers(len(alike))]
        elif kind == "mask" and alike:
            name, attrs = MASKS[rng.integers(len(MASKS))]
            y = emit(name, [x, alike[rng.integers(len(alike))]], **attrs)
        elif kind == "concat" and c < 64:
            y = concat([*(wide[i] for i in rng.integers(len(wide), size=2)), x], 3)
        elif kind == "turn":
            y = transpose(x, (0, 2, 1, 3))
        else:
            y = emit("relu", [x])
        values.append(y)
    used = {id(v) for n in graph.nodes for v in n.inputs}
    graph.outputs = [v for v in values[1:] if id(v) not in used]
    return graph


@pytest.mark.parametrize("seed", range(60))
def test_layouts_change_no_number(seed, monkeypatch):
    programs = [compile_graph(random_graph(seed))]
    monkeypatch.setattr(compiler, "lay_out", lambda graph: None)
    programs.append(compile_graph(random_graph(seed)))
    x = np.random.default_rng(seed).standard_normal(programs[0].inputs[0].shape).astype(np.float32)
    for _ in range(2):  # what a run leaves behind must not disturb the next
        for got, want in zip(*(p.run(x) for p in programs), strict=True):
            assert_array_equal(got, want)


def test_random_networks_hold_every_layout():
    values = [v for seed in range(60) for n in compile_graph(random_graph(seed)).graph.nodes for v in n.outputs]
    assert sum(v.layout.border != ((0, 0), (0, 0)) for v in values) > 50
    assert sum(v.owner is not None for v in values) > 20
    assert any(v.owner is not None and v.owner.owner is not None for v in values)


@pytest.mark.parametrize("shape", [(3, 5, 7, 4), (1, 1, 1, 1), (2, 70, 61, 1), (2, 3, 300, 16)], ids=repr)
@pytest.mark.parametrize(("name", "attrs"), MASKS, ids=[name for name, _ in MASKS])
def test_a_mask_reads_what_lies_inside_a_border(name, attrs, shape, monkeypatch):
    def program():
        graph = Graph("mask")
        x, dy = graph.input(shape), graph.input(shape)
        w = np.random.default_rng(1).standard_normal((3, 3, shape[3], shape[3])).astype(np.float32)
        y = conv2d(x, w, padding=((1, 1), (1, 1)))
        graph.outputs = [conv2d(y, w, padding=((1, 1), (1, 1))), emit(name, [y, dy], **attrs)]
        return compile_graph(graph), y

    (inside, y), _ = program(), monkeypatch.setattr(compiler, "lay_out", lambda graph: None)
    assert not y.dense
    arrays = [np.random.default_rng(seed).standard_normal(shape).astype(np.float32) for seed in (2, 3)]
    for got, want in zip(inside.run(*arrays), program()[0].run(*arrays), strict=True):
        assert_array_equal(got, want)


def kernels(graph):
    return [s.call.kernel.name.split(".")[1] for s in compile_graph(graph).steps]


def test_a_chain_of_padded_convolutions_copies_nothing():
    graph = Graph("chain")
    y = graph.input((1, 8, 8, 3))
    for _ in range(3):
        w = np.ones((3, 3, y.shape[3], 16), np.float32)
        y = emit("relu", [conv2d(y, w, padding=((1, 1), (1, 1)))])
    graph.outputs = [max_pool(y, (2, 2))]
    assert [k for k in kernels(graph) if k.startswith(("pad", "move", "copy"))] == []
    assert kernels(graph).count("zero_border") == 3


def test_a_concatenation_of_convolutions_copies_nothing():
    graph = Graph("fire")
    x = graph.input((1, 8, 8, 16))
    a = conv2d(x, np.ones((1, 1, 16, 8), np.float32))
    b = conv2d(x, np.ones((3, 3, 16, 24), np.float32), padding=((1, 1), (1, 1)))
    y = concat([a, b], 3)
    graph.outputs = [conv2d(y, np.ones((3, 3, 32, 4), np.float32), padding=((1, 1), (1, 1)))]
    assert not [k for k in kernels(graph) if k.startswith(("pad", "move", "copy"))]
    assert (a.owner, b.owner, b.layout.start - a.layout.start) == (y, y, 8)


def test_what_somebody_else_reads_stays_dense():
    graph = Graph("seen")
    a = conv2d(graph.input((1, 8, 8, 3)), np.ones((1, 1, 3, 4), np.float32))
    b = conv2d(a, np.ones((3, 3, 4, 4), np.float32), padding=((1, 1), (1, 1)))
    graph.outputs = [a, b]
    compile_graph(graph)
    assert a.layout == Layout.dense((1, 8, 8, 4))


def test_a_layer_that_reads_and_writes_channels_of_one_image_runs_every_time():
    def graph():
        g = Graph("dense block")
        x = g.input((1, 4, 4, 3))
        g.outputs = [avg_pool(concat([x, conv2d(x, np.ones((1, 1, 3, 2), np.float32))], 3), (2, 2))]
        return g

    program = compile_graph(graph())
    for number in (1, 2):
        (y,) = program.run(np.full((1, 4, 4, 3), number, np.float32))
        assert_array_equal(y[0, 0, 0], number * np.array([1] * 3 + [3] * 2, np.float32))
