"""lstm and gru against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from ops.pull import bits_equal, check_gradient
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError
from oracle import recurrent as oracle
from tolerance import tolerance

LAYERS = {"lstm": (4, 1, 2), "gru": (3, 2, 1)}  # parts of the weights, vectors, states


def problem(name, seed, steps, n, features, hidden):
    parts, vectors, states = LAYERS[name]
    rng = np.random.default_rng(seed)
    shapes = [(steps, n, features), (features, parts * hidden), (hidden, parts * hidden)]
    shapes += [(parts * hidden,)] * vectors + [(n, hidden)] * states
    return [(0.5 * rng.standard_normal(s)).astype(np.float32) for s in shapes]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("steps", "n", "features", "hidden"), [(1, 1, 1, 1), (5, 2, 3, 4), (9, 3, 7, 16), (4, 17, 5, 9)]
)
def test_forward(name, reverse, steps, n, features, hidden):
    arrays = problem(name, steps, steps, n, features, hidden)
    for count in (3, len(arrays)):
        for fixed in ((), (1, 2)):
            y = run(getattr(ops, name), *arrays[:count], fixed=fixed, reverse=reverse)
            want = getattr(oracle, name)(*arrays[:count], reverse=reverse)
            for got, wanted in zip(*((v,) if name == "gru" else v for v in (y, want)), strict=True):
                assert_allclose(got, wanted, *tolerance(np.float32, steps * (hidden + features)))


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("given", [3, None])
@pytest.mark.parametrize("steps", [1, 4])
def test_gradient(name, reverse, given, steps):
    arrays = problem(name, 2, steps, 2, 3, 5)[:given]

    def first(function):
        return lambda *v: function(*v, reverse=reverse) if name == "gru" else function(*v, reverse=reverse)[0]

    check_gradient(first(getattr(ops, name)), first(getattr(oracle, name)), *arrays, seed=1, k=64, scale=4)


def test_gradient_of_the_last_memory():
    arrays = problem("lstm", 3, 3, 2, 3, 4)
    check_gradient(lambda *v: ops.lstm(*v)[1], lambda *v: oracle.lstm(*v)[1], *arrays, seed=3, k=64, scale=4)


@pytest.mark.parametrize("name", LAYERS)
def test_threads_change_no_bit(name):
    arrays = problem(name, 4, 6, 40, 30, 33)
    results = [run(getattr(ops, name), *arrays, threads=t) for t in (1, 2)]
    assert bits_equal(*(r if name == "gru" else r[0] for r in results))


def test_refusals():
    g = Graph()
    with pytest.raises(ShapeError, match="lstm: expected w of shape"):
        ops.lstm(g.input((5, 2, 3)), g.input((3, 8)), g.input((4, 16)))
    with pytest.raises(ShapeError, match="at least one known step"):
        ops.gru(g.input(("t", 2, 3)), g.input((3, 12)), g.input((4, 12)))
    with pytest.raises(ShapeError, match="h0 of shape"):
        ops.gru(g.input((5, 2, 3)), g.input((3, 12)), g.input((4, 12)), h0=g.input((2, 3)))
