"""What exporters have taken apart is put together, whatever way it is written, and nothing else is."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from edgenet.compile import compile_graph
from edgenet.compile.passes import merge_repeats, recognise
from edgenet.graph import Graph, Variable, emit
from edgenet.ops import conv2d, exp
from tolerance import tolerance

RNG = np.random.default_rng(5)
HALF, ROOT = 0.5**0.5, (2 / np.pi) ** 0.5


def op(name, *inputs, **attrs):
    return emit(name, list(inputs), **attrs)


def weight(x, *shape):
    return x.graph.variable(Variable(RNG.standard_normal(shape).astype(np.float32), "w"))


def cube(x):
    return x * x * x


def mean(x, *axes):
    return op("mean", x, axes=axes, keepdims=True)


def standard(x, axes, inverse=False):
    d = x - mean(x, *axes)
    root = op("sqrt", mean(op("square", d), *axes) + 1e-3)
    return d * (1.0 / root) if inverse else d / root


def keras_norm(x, *axes):
    m = mean(x, *axes)
    r = 1.0 / op("sqrt", mean(op("square", x - m), *axes) + 1e-3)
    s = r * weight(x, *(1,) * (3 - len(axes)), *x.shape[-len(axes) :])
    return x * s + (m * -1.0 * s + weight(x, *x.shape[-len(axes) :]))


FORMS = {
    "gelu of torch": (lambda x: x * 0.5 * (op("erf", x / np.float32(2**0.5)) + 1.0), "gelu"),
    "gelu of keras": (lambda x: 0.5 * x * (1.0 + op("erf", x * HALF)), "gelu"),
    "gelu multiplied out": (lambda x: x * 0.5 + 0.5 * x * op("erf", HALF * x), "gelu"),
    "gelu by tanh": (lambda x: 0.5 * x * (1.0 + op("tanh", ROOT * (x + 0.044715 * cube(x)))), "gelu_tanh"),
    "gelu by tanh, factored": (
        lambda x: x * (op("tanh", x * ROOT * (1.0 + 0.044715 * x * x)) * 0.5 + 0.5), "gelu_tanh"
    ),
    "gelu by sigmoid": (lambda x: x * op("sigmoid", 2 * ROOT * (x + 0.044715 * cube(x))), "gelu_tanh"),
    "gelu of a product": (lambda x: (lambda v: v * (op("erf", v * HALF) + 1.0) * 0.5)(x * exp(x)), "gelu"),
    "silu": (lambda x: op("sigmoid", x) * x, "silu"),
    "mish": (lambda x: x * op("tanh", op("softplus", x)), "mish"),
    "hard swish": (lambda x: x * op("clip", x + 3.0, low=0.0, high=6.0) / np.float32(6), "hard_silu"),
    "hard swish of keras": (lambda x: x * (op("clip", 3.0 + x, low=0.0, high=6.0) * (1 / 6)), "hard_silu"),
    "hard swish by relu": (lambda x: x * op("minimum", op("relu", x + 3.0), 6.0) * (1 / 6), "hard_silu"),
    "hard swish by hard sigmoid": (lambda x: x * op("clip", x * (1 / 6) + 0.5, low=0.0, high=1.0), "hard_silu"),
    "prelu": (lambda x: op("relu", x) + op("minimum", x, 0.0) * weight(x, 8), "prelu"),
    "prelu of keras": (lambda x: op("relu", x) + op("relu", x * -1.0) * weight(x, 5, 8), "prelu"),
    "prelu by abs": (lambda x: weight(x, 8) * (x - op("abs", x)) * 0.5 + op("relu", x), "prelu"),
    "layer norm": (lambda x: standard(x, (2,)) * weight(x, 8) + weight(x, 8), "layer_norm"),
    "layer norm of two axes": (lambda x: standard(x, (1, 2), True) * weight(x, 5, 8), "layer_norm"),
    "bare layer norm": (lambda x: standard(x, (-1,), True), "layer_norm"),
    "layer norm with a shift": (lambda x: weight(x, 8) + standard(x, (2,)), "layer_norm"),
    "layer norm of keras": (lambda x: keras_norm(x, 2), "layer_norm"),
}  # fmt: skip
#: what looks like one of them, and is not
OTHER = {
    "another slope": lambda x: x * op("sigmoid", x * 1.702),
    "another half": lambda x: x * 0.4 * (op("erf", x * HALF) + 1.0),
    "a gate of something else": lambda x: exp(x) * op("sigmoid", x),
    "another clip": lambda x: x * op("clip", x + 3.0, low=0.0, high=5.0) * (1 / 6),
    "no hard swish": lambda x: x * op("clip", x + 2.0, low=0.0, high=6.0) * (1 / 6),
    "another mean": lambda x: (x - mean(x, 1)) / op("sqrt", mean(op("square", x - mean(x, 2)), 2) + 1e-3),
    "no prelu": lambda x: op("relu", x) + op("minimum", exp(x), 0.0) * weight(x, 8),
}


def results(build, x, passes):
    global RNG
    RNG = np.random.default_rng(5)
    graph = Graph("net")
    graph.outputs = [build(graph.input(x.shape))]
    before = [n.op for n in graph.nodes]
    if passes:
        recognise(graph)
    return compile_graph(graph, passes=False).run(x)[0], before, [n.op for n in graph.nodes]


X = np.random.default_rng(7).standard_normal((3, 5, 8)).astype(np.float32) * 3


@pytest.mark.parametrize("name", FORMS)
def test_one_op_takes_the_place_of_many(name):
    build, meant = FORMS[name]
    want, before, _ = results(build, X, False)
    y, _, after = results(build, X, True)
    assert meant in after
    assert len(before) >= 2
    assert after in ([meant], ["mul", meant], ["mul", "mul", meant], ["reshape", meant], ["exp", "mul", meant])
    assert_allclose(y, want, *(8 * t for t in tolerance(y.dtype, 16)))


@pytest.mark.parametrize("name", OTHER)
def test_others_stay(name):
    want, before, _ = results(OTHER[name], X, False)
    y, _, after = results(OTHER[name], X, True)
    assert after == before
    assert_allclose(y, want, *tolerance(y.dtype, 16))


@pytest.mark.parametrize("tiled", [False, True])
def test_pixels_are_repeated_at_once(tiled):
    """Number by number; a repetition of the whole is something else."""
    graph = Graph("net")
    x = graph.input((2, 3, 4, 5))
    apart = (2, 1, 3, 4, 5) if tiled else (2, 3, 1, 4, 5)
    rows = op("reshape", x, shape=apart)
    rows = op("broadcast_to", rows, shape=(2, 2, 3, 4, 5) if tiled else (2, 3, 2, 4, 5))
    rows = op("reshape", op("reshape", rows, shape=(2, 6, 4, 5)), shape=(2, 6, 4, 1, 5))
    graph.outputs = [op("reshape", op("broadcast_to", rows, shape=(2, 6, 4, 3, 5)), shape=(2, 6, 12, 5))]
    value = np.random.default_rng(9).standard_normal((2, 3, 4, 5)).astype(np.float32)
    merge_repeats(graph)
    assert [n.op for n in graph.nodes].count("broadcast_to") == (2 if tiled else 1)
    want = np.tile(value, (1, 2, 1, 1)) if tiled else value.repeat(2, 1)
    assert np.array_equal(compile_graph(graph, passes=False).run(value)[0], want.repeat(3, 2))


@pytest.mark.parametrize(("value", "readers", "merged"), [(0.0, 1, True), (1.0, 1, False), (0.0, 2, False)])
def test_pads_go_into_the_convolution(value, readers, merged):
    x = np.random.default_rng(8).standard_normal((1, 6, 7, 3)).astype(np.float32)

    def build(v):
        padded = op("pad", v, padding=((0, 0), (1, 2), (0, 3), (0, 0)), value=value)
        y = conv2d(padded, weight(v, 3, 3, 3, 4), padding=((1, 0), (0, 0)))
        return y if readers == 1 else op("flat", y, padded)

    want, _, _ = results(build, x, False)
    y, _, after = results(build, x, True)
    assert ("pad" not in after) == merged
    assert_allclose(y, want, *tolerance(y.dtype, 27))
