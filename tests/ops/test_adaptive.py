"""One step of each optimizer, from slots of any value, against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import bits_equal

import edgenet.ops as ops
from edgenet.compile import compile_graph
from edgenet.graph import Graph, ShapeError, Variable
from edgenet.kernels.parallel import num_threads
from oracle import update as oracle
from tolerance import tolerance

SIZES = [0, 1, 17, 4096, 12289]
RATE = np.float32(0.01)

#: op: slots as (name, whether it is a square), whether the step counts, options, the oracle
CASES = {
    "rmsprop": (ops.rmsprop, "v", False, {"rho": 0.75}, oracle.rmsprop),
    "rmsprop_momentum": (ops.rmsprop, "vm", False, {"momentum": 0.5}, oracle.rmsprop),
    "adagrad": (ops.adagrad, "v", False, {"epsilon": 1e-3}, oracle.adagrad),
    "adadelta": (ops.adadelta, "vv", False, {"rho": 0.75, "epsilon": 1e-3}, oracle.adadelta),
    "adam": (ops.adam, "mv", True, {"beta_1": 0.75}, oracle.adam),
    "adamax": (ops.adamax, "mv", True, {"beta_2": 0.75}, oracle.adamax),
    "ftrl": (ops.ftrl, "vm", False, {"l1": 0.5, "l2": 0.25, "shrinkage": 0.125, "beta": 2.0}, oracle.ftrl),
    "ftrl_power": (ops.ftrl, "vm", False, {"power": -0.75, "l1": 0.5}, oracle.ftrl),
    "lion": (ops.lion, "m", False, {}, oracle.lion),
}


def slots_of(kinds, n, rng):
    normal = [rng.standard_normal(n).astype(np.float32) for _ in kinds]
    return [np.abs(a) + np.float32(0.5) if kind == "v" else a for kind, a in zip(kinds, normal, strict=True)]


def one_step(op, arrays, g, step, counts, options, threads=1):
    """Weights and slots after one step."""
    variables = [Variable(a.copy(), f"w{i}") for i, a in enumerate(arrays)]
    graph = Graph()
    theta, *slots = (graph.variable(v) for v in variables)
    if counts:
        slots.insert(2, graph.variable(Variable(np.array([step], np.int64), "step")))
    op(theta, graph.input(g.shape), graph.constant(np.full(1, RATE)), *slots, **options)
    with num_threads(threads):
        compile_graph(graph, training=True).run(g)
    return [v.numpy() for v in variables]


def problem(name, n, seed):
    op, kinds, counts, options, truth = CASES[name]
    rng = np.random.default_rng([n, seed])
    w, g = (rng.standard_normal(n).astype(np.float32) for _ in range(2))
    return op, [w, *slots_of(kinds, n, rng)], g, counts, options, truth


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", CASES)
def test_one_step(name, n):
    op, arrays, g, counts, options, truth = problem(name, n, 1)
    wanted = truth(arrays[0], g, *arrays[1:], *([8] if counts else []), learning_rate=np.float64(RATE), **options)
    found = one_step(op, arrays, g, 7, counts, options)
    for a, b in zip(found, wanted, strict=False):
        # what ftrl divides by the rate is of order 100
        assert_allclose(a, b, *tolerance(np.float32, 512 if name.startswith("ftrl") else 4))


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_rmsprop_centered(momentum):
    rng = np.random.default_rng(3)
    w, g, p, a = (rng.standard_normal(5000).astype(np.float32) for _ in range(4))
    v = a**2 + 1
    options = {"momentum": momentum, "centered": True, "rho": 0.75}
    found = one_step(ops.rmsprop, [w, v, p, a], g, 0, False, options)
    wanted = oracle.rmsprop(w, g, v, p, a, learning_rate=np.float64(RATE), **options)
    for x, y in zip(found, wanted, strict=True):
        assert_allclose(x, y, *tolerance(np.float32, 16))


def test_amsgrad():
    rng = np.random.default_rng(4)
    w, g, m = (rng.standard_normal(5000).astype(np.float32) for _ in range(3))
    v, h = (rng.random(5000, np.float32) + 0.5 for _ in range(2))
    variables = [Variable(x, "w") for x in (w.copy(), m.copy(), v.copy(), h.copy())]
    graph = Graph()
    t, *slots, largest = (graph.variable(x) for x in variables)
    step = graph.variable(Variable(np.array([4], np.int64), "step"))
    ops.adam(t, graph.input((5000,)), graph.constant(np.full(1, RATE)), *slots, step, largest, beta_2=0.5)
    compile_graph(graph, training=True).run(g)
    wanted = oracle.amsgrad(w, g, m, v, h, 5, learning_rate=np.float64(RATE), beta_2=0.5)
    for x, y in zip(variables, wanted, strict=True):
        assert_allclose(x.numpy(), y, *tolerance(np.float32, 4))


def test_nadam_step_by_step():
    rng = np.random.default_rng(5)
    w = rng.standard_normal(5000).astype(np.float32)
    zeros, product = np.zeros(5000), 1.0
    variables = [Variable(x.astype(np.float32), "w") for x in (w, zeros, zeros, np.ones(1))]
    step = Variable(np.zeros(1, np.int64), "step")
    graph = Graph()
    t, *slots = (graph.variable(x) for x in variables)
    counter = graph.variable(step)
    ops.nadam(t, graph.input((5000,)), graph.constant(np.full(1, RATE)), *slots, counter)
    ops.increment(counter)
    program = compile_graph(graph, training=True)
    truth, m, v = w, zeros, zeros
    for i in range(1, 6):
        g = rng.standard_normal(5000).astype(np.float32)
        program.run(g)
        truth, m, v, product = oracle.nadam(truth, g, m, v, product, i, learning_rate=np.float64(RATE))
        for x, y in zip(variables, (truth, m, v, [product]), strict=True):
            assert_allclose(x.numpy(), y, *tolerance(np.float32, 16), err_msg=f"step {i}")


@pytest.mark.parametrize("name", CASES)
def test_threads_change_no_bit_and_nan_stays_where_it_is(name):
    op, arrays, g, counts, options, _ = problem(name, 50000, 2)
    g[77] = np.nan
    one, four = (one_step(op, arrays, g, 7, counts, options, threads=k) for k in (1, 4))
    assert all(bits_equal(a, b) for a, b in zip(one, four, strict=True))
    assert_array_equal(np.isnan(one[0]), np.isnan(g))


def test_ftrl_from_nothing_stays_at_nothing():
    """Without a gradient so far there is nothing to divide; a ridge keeps the quotient."""
    zeros = np.zeros(40, np.float32)
    w, total, linear = one_step(ops.ftrl, [zeros] * 3, zeros, 0, False, {"l2": 1.0})
    assert not w.any()
    assert not total.any()
    assert not linear.any()


def test_refusals():
    graph = Graph()
    theta, g, rate = graph.variable(Variable(np.zeros(3, np.float32), "theta")), graph.input((3,)), graph.input((1,))
    with pytest.raises(ShapeError, match=r"momentum=0\.5 needs a speed"):
        ops.rmsprop(theta, g, rate, theta, momentum=0.5)
    with pytest.raises(ShapeError, match=r"centered=True needs a mean"):
        ops.rmsprop(theta, g, rate, theta, centered=True)
    with pytest.raises(ShapeError, match=r"one product, got shape \(3,\)"):
        ops.nadam(theta, g, rate, theta, theta, theta, graph.variable(Variable(np.zeros(1, np.int64), "step")))
    with pytest.raises(TypeError, match="total is written in place"):
        ops.adagrad(theta, g, rate, g)
    with pytest.raises(ShapeError, match=r"a step int64\[1\]"):
        ops.adamax(theta, g, rate, theta, theta, rate)
