"""Updates in place against the oracle, and a graph that trains."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import bits_equal

import edgenet.ops as ops
from edgenet.compile import compile_graph
from edgenet.graph import Graph, ShapeError, Variable, gradients
from edgenet.kernels.parallel import num_threads
from oracle import update as oracle
from tolerance import tolerance

SIZES = [0, 1, 15, 16, 17, 4095, 4096, 4097, 30001]


def train(step, n, gradients_, *slots, threads=1):
    """Variables theta, slots…, step number after one run of step(theta, g, lr, *slots, counter) for each gradient."""
    rng = np.random.default_rng(n)
    variables = [Variable(rng.standard_normal(n).astype(np.float32), "theta")]
    variables += [Variable(s, f"slot{i}") for i, s in enumerate(slots)]
    variables.append(Variable(np.zeros(1, np.int64), "step"))
    rate = Variable(np.full(1, 0.01, np.float32), "lr")
    graph = Graph()
    theta, *rest, counter = (graph.variable(v) for v in variables)
    step(theta, graph.input((n,)), graph.variable(rate), *rest, counter)
    ops.increment(counter)
    program = compile_graph(graph, training=True)
    start = [v.numpy() for v in variables]
    with num_threads(threads):
        for g in gradients_:
            assert program.run(g) == []
    return start, [v.numpy() for v in variables]


def some_gradients(n):
    rng = np.random.default_rng([n, 1])
    return [rng.standard_normal(n).astype(np.float32) for _ in range(4)]


@pytest.mark.parametrize("n", SIZES)
def test_sgd(n):
    gs = some_gradients(n)
    (w, _), (theta, steps) = train(lambda theta, g, lr, _: ops.sgd(theta, g, lr), n, gs)
    for g in gs:
        w, _ = oracle.sgd(w, g, learning_rate=np.float32(0.01))
    assert_allclose(theta, w, *tolerance(np.float32))
    assert_array_equal(steps, [4])


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(n, nesterov):
    gs = some_gradients(n)

    def step(theta, g, lr, v, _):
        ops.sgd(theta, g, lr, v, momentum=0.9, nesterov=nesterov)

    (w, v, _), (theta, velocity, _) = train(step, n, gs, np.zeros(n, np.float32))
    for g in gs:
        w, v = oracle.sgd(w, g, v, learning_rate=np.float32(0.01), momentum=np.float32(0.9), nesterov=nesterov)
    assert_allclose(theta, w, *tolerance(np.float32, 2))
    assert_allclose(velocity, v, *tolerance(np.float32, 2))


@pytest.mark.parametrize("n", SIZES)
def test_adam(n):
    gs = some_gradients(n)
    (w, m, v, _), (theta, m1, v1, _) = train(ops.adam, n, gs, np.zeros(n, np.float32), np.zeros(n, np.float32))
    for t, g in enumerate(gs, 1):
        w, m, v = oracle.adam(w, g, m, v, t, learning_rate=np.float32(0.01))
    assert_allclose(theta, w, *tolerance(np.float32, 2))
    assert_allclose(m1, m, *tolerance(np.float32, 2))
    assert_allclose(v1, v, *tolerance(np.float32, 2))


@pytest.mark.parametrize("step", [0, 1, 9, 999, 10**6, 10**12])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.99), (0.5, 0.9999)])
def test_adam_at_any_step(step, betas):
    rng = np.random.default_rng(step)
    arrays = [rng.standard_normal(40).astype(np.float32) for _ in range(3)]
    arrays.append(rng.random(40).astype(np.float32))
    g, theta, m, v = arrays
    settings = {"beta_1": betas[0], "beta_2": betas[1], "epsilon": 1e-3}
    with np.errstate(under="ignore"):
        want = oracle.adam(theta, g, m, v, step + 1, learning_rate=1.0, **settings)
    variables = [Variable(a, "w") for a in (theta, m, v, np.array([step], np.int64))]
    graph = Graph()
    t, *slots, counter = (graph.variable(x) for x in variables)
    ops.adam(t, graph.input((40,)), graph.constant(np.ones(1, np.float32)), *slots, counter, **settings)
    compile_graph(graph, training=True).run(g)
    for variable, expected in zip(variables, want, strict=False):
        assert_allclose(variable.numpy(), expected, *tolerance(np.float32, 16))


def test_the_learning_rate_may_change_between_runs():
    theta, rate = Variable(np.ones(3, np.float32), "theta"), Variable(np.ones(1, np.float32), "lr")
    graph = Graph()
    ops.sgd(graph.variable(theta), graph.input((3,)), graph.variable(rate))
    program = compile_graph(graph, training=True)
    program.run(np.ones(3))
    assert_array_equal(theta.numpy(), [0, 0, 0])
    rate.assign([0.5])
    program.run(np.ones(3))
    assert_array_equal(theta.numpy(), [-0.5, -0.5, -0.5])


def test_nan_reaches_the_weights_it_belongs_to():
    g = np.zeros(40, np.float32)
    g[17] = np.nan
    _, (theta, *_) = train(ops.adam, 40, [g], np.zeros(40, np.float32), np.zeros(40, np.float32))
    assert_array_equal(np.isnan(theta), np.isnan(g))


@pytest.mark.parametrize("n", SIZES)
def test_lion(n):
    gs = some_gradients(n)
    (w, m, _), (theta, m1, _) = train(lambda t, g, lr, m, _: ops.lion(t, g, lr, m), n, gs, np.zeros(n, np.float32))
    for g in gs:
        w, m = oracle.lion(w, g, m, learning_rate=np.float32(0.01))
    assert_allclose(theta, w, *tolerance(np.float32, 2))
    assert_allclose(m1, m, *tolerance(np.float32, 2))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("step", [0, 1, 2])
@pytest.mark.parametrize("every", [0, 3])
def test_average(n, step, every):
    rng = np.random.default_rng(n)
    mean, theta = (Variable(rng.standard_normal(n).astype(np.float32), "w") for _ in range(2))
    if not step and n:
        mean.array[0] = np.nan  # the first step does not look at it
    wanted, before = oracle.average(mean.numpy(), theta.numpy(), step, momentum=0.75), theta.numpy()
    graph = Graph()
    counter = graph.variable(Variable(np.array([step], np.int64), "step"))
    ops.average(graph.variable(mean), graph.variable(theta), counter, momentum=0.75, every=every)
    compile_graph(graph, training=True).run()
    assert_allclose(mean.numpy(), wanted, *tolerance(np.float32))
    assert_array_equal(theta.numpy(), mean.numpy() if every and step == 2 else before)


@pytest.mark.parametrize("n", SIZES)
def test_decay(n):
    w = Variable(np.random.default_rng(n).standard_normal(n).astype(np.float32), "w")
    before = w.numpy()
    graph = Graph()
    ops.decay(graph.variable(w), graph.constant(np.full(1, 0.5, np.float32)), 0.25)
    compile_graph(graph, training=True).run()
    assert_allclose(w.numpy(), oracle.decay(before, learning_rate=0.5, rate=0.25), *tolerance(np.float32))


def test_decay_of_some_spans():
    w = Variable(np.ones(7, np.float32), "w")
    graph = Graph()
    ops.decay(graph.variable(w), graph.constant(np.full(1, 0.5, np.float32)), 0.5, [(0, 2), (5, 6)])
    compile_graph(graph, training=True).run()
    assert_array_equal(w.numpy(), [0.75, 0.75, 1, 1, 1, 0.75, 1])


@pytest.mark.parametrize("sizes", [[1], [3, 0, 5], [4096, 4097, 1], [17, 12289, 40], [30001]])
@pytest.mark.parametrize("norm", [1e-3, 1.0, 30.0, 1e6])
def test_clip_norm(sizes, norm):
    rng = np.random.default_rng(sum(sizes))
    parts = [rng.standard_normal(n).astype(np.float32) for n in sizes]
    graph = Graph()
    graph.outputs = [ops.clip_norm(graph.input((sum(sizes),)), norm, sizes)]
    program = compile_graph(graph)
    wanted = np.concatenate(oracle.clip_norm(parts, norm))
    results = []
    for threads in (1, 4):
        with num_threads(threads):
            results.append(program.run(np.concatenate(parts))[0])
    assert_allclose(results[0], wanted, *tolerance(np.float32, 4))
    assert bits_equal(*results)


def test_a_norm_that_is_not_finite_is_nan_and_a_zero_gradient_stays_zero():
    graph = Graph()
    graph.outputs = [ops.clip_norm(graph.input((6,)), 1.0, [2, 2, 2])]
    (y,) = compile_graph(graph).run([0, 0, np.nan, 1, np.inf, 1])
    assert_array_equal(y, [0, 0, np.nan, np.nan, np.nan, np.nan])
    with pytest.raises(ShapeError, match=r"of sizes \(2, 3\) one behind the other, got shape \(6,\)"):
        ops.clip_norm(graph.inputs[0], 1.0, [2, 3])


def test_assign():
    v = Variable(np.zeros((3, 5), np.float32), "v")
    graph = Graph()
    ops.assign(graph.variable(v), graph.input((3, 5)) * 2)
    x = np.arange(15, dtype=np.float32).reshape(3, 5)
    compile_graph(graph, training=True).run(x)
    assert_array_equal(v.numpy(), 2 * x)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("keep", [0.99, 1.0])
def test_assigning_a_moving_mean(n, keep):
    old, new = np.random.default_rng(n).standard_normal((2, n)).astype(np.float32)
    v = Variable(old.copy(), "v")
    graph = Graph()
    ops.assign(graph.variable(v), graph.input((n,)), keep=keep)
    compile_graph(graph, training=True).run(new)
    assert_allclose(v.numpy(), keep * old + (1 - keep) * new, *tolerance(np.float32))


def test_threads_change_no_bit():
    n = 300000
    gs = some_gradients(n)[:2]
    zeros = np.zeros(n, np.float32)
    for step, slots in ((lambda t, g, lr, c: ops.sgd(t, g, lr), ()), (ops.adam, (zeros, zeros))):
        one, two, four = (train(step, n, gs, *(s.copy() for s in slots), threads=k)[1] for k in (1, 2, 4))
        for a, b, c in zip(one, two, four, strict=True):
            assert bits_equal(a, b)
            assert bits_equal(a, c)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_a_small_graph_learns(optimizer):
    """Softmax regression with dropout, trained by one program, finds classes that a line separates."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((64, 8)).astype(np.float32)
    labels = (x @ rng.standard_normal((8, 3))).argmax(axis=1).astype(np.int32)
    w, b = Variable(np.zeros((8, 3), np.float32), "w"), Variable(np.zeros(3, np.float32), "b")
    step = Variable(np.zeros(1, np.int64), "step")

    graph = Graph()
    xs, ys, counter = graph.input((64, 8)), graph.input((64,), "int32", "labels"), graph.variable(step)
    values = [graph.variable(w), graph.variable(b)]
    z = ops.dropout(ops.dense(xs, values[0]) + values[1], counter, rate=0.1, seed=3)
    loss = ops.mean(ops.sparse_softmax_cross_entropy(z, ys))
    hits = ops.mean(ops.equal(ops.argmax(z, -1), ys))
    rate = graph.constant(np.full(1, 0.05 if optimizer == "adam" else 0.5, np.float32))
    for value, gradient in zip(values, gradients(loss, values), strict=True):
        slots = [graph.variable(Variable(np.zeros(value.shape, np.float32), "slot")) for _ in range(2)]
        if optimizer == "adam":
            ops.adam(value, gradient, rate, *slots, counter)
        else:
            ops.sgd(value, gradient, rate, slots[0], momentum=0.8 if optimizer == "momentum" else 0.0)
    ops.increment(counter)
    graph.outputs = [loss, hits]

    program = compile_graph(graph, training=True)
    history = np.array([program.run(x, labels) for _ in range(150)])
    assert_allclose(history[0, 0], np.log(3), *tolerance(np.float32, 8))
    assert history[-10:, 0].mean() < 0.4 * history[0, 0]
    assert history[-10:, 1].mean() > 0.85
    assert_array_equal(step.numpy(), [150])


def test_refusals():
    graph = Graph()
    theta, g, rate = graph.variable(Variable(np.zeros(3, np.float32), "theta")), graph.input((3,)), graph.input((1,))
    with pytest.raises(ShapeError, match=r"momentum 0\.9 needs a velocity"):
        ops.sgd(theta, g, rate, momentum=0.9)
    with pytest.raises(ShapeError, match=r"of one shape, got \[\(3,\), \(4,\)\]"):
        ops.sgd(theta, graph.input((4,)), rate)
    with pytest.raises(ShapeError, match=r"one learning rate, got shape \(3,\)"):
        ops.sgd(theta, g, g)
    with pytest.raises(TypeError, match="theta is written in place: expected the value of a variable"):
        ops.sgd(g, g, rate)
    with pytest.raises(ShapeError, match=r"a step int64\[1\], got float32\[1\]"):
        ops.adam(theta, g, rate, theta, theta, rate)
    with pytest.raises(ShapeError, match=r"a value of shape \(3,\), got \(1,\)"):
        ops.assign(theta, rate)
    with pytest.raises(TypeError, match="counter is written in place"):
        ops.increment(g)
