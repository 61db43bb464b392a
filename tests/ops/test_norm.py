"""Batch normalisation and its gradients against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.run import run

from edgenet.graph import Graph, ShapeError, emit, gradients
from edgenet.ops.norm import batch_norm
from edgenet.ops.norm_train import batch_norm_train
from oracle import norm as oracle
from oracle.difference import central_difference
from tolerance import tolerance

# rows × channels: around vectors and periods, one row, one channel, several blocks of rows
SHAPES = [
    (1, 1), (7, 1), (3, 5), (2, 3, 3, 7), (4, 5, 6, 8), (2, 9, 9, 15), (33, 16), (2, 4, 4, 17), (3, 7, 5, 33),
    (1, 64), (130, 255), (12, 256), (12, 257), (5, 600), (4, 40, 41, 6), (3, 50, 50, 24), (20000, 1), (2000, 130),
]  # fmt: skip
SHAPE = pytest.mark.parametrize("shape", SHAPES, ids=repr)
EPSILON = 1e-3


def problem(shape, seed=0, shift=0.5):
    """x, dy, gamma, beta, mean, var."""
    rng = np.random.default_rng([seed, *shape])
    c = shape[-1]
    x, dy = rng.standard_normal(shape) + shift, rng.standard_normal(shape)
    gamma, beta, mean, var = (
        rng.uniform(0.5, 2, c),
        rng.standard_normal(c),
        rng.standard_normal(c),
        rng.uniform(0.1, 2, c),
    )
    return tuple(a.astype(np.float32) for a in (x, dy, gamma, beta, mean, var))


def rows(shape):
    return int(np.prod(shape[:-1]))


def batch_norm_dx(dy, gamma, var, **attrs):
    return emit("batch_norm_dx", [dy, gamma, var], **attrs)


def batch_norm_dw(x, mean, var, dy, **attrs):
    return emit("batch_norm_dw", [x, mean, var, dy], **attrs)


def batch_norm_train_dx(x, gamma, beta, mean, var, dy, activation=None, **attrs):
    return emit("batch_norm_train_dx", [x, gamma, beta, mean, var, dy], activation=activation, **attrs)


def batch_norm_again(x, gamma, beta, mean, var, activation=None, **attrs):
    return emit("batch_norm_again", [x, gamma, beta, mean, var], activation=activation, **attrs)


def fused(x, gamma, beta, res=None, **attrs):
    return emit("batch_norm_train", [x, gamma, beta, res], **attrs)


def activated(y, activation):
    """y behind an activation, and what of its gradient passes."""
    if activation is None:
        return y, np.ones(y.shape)
    low, high = (0, np.inf) if activation[0] == "relu" else activation[1:]
    return np.clip(y, low, high), (low < y) & (y < high)


def moments(x):
    axes = tuple(range(x.ndim - 1))
    return x.mean(axes, np.float64).astype(np.float32), x.var(axes, np.float64).astype(np.float32)


@SHAPE
@pytest.mark.parametrize("fixed", [(), (1, 2, 3, 4)], ids=["statistics vary", "folded once"])
def test_inference(shape, fixed):
    x, _, *vectors = problem(shape)
    y = run(batch_norm, x, *vectors, fixed=fixed, epsilon=EPSILON)
    # (x - mean) and beta are of order one, the scale is at most 2 / sqrt(0.1)
    assert_allclose(y, oracle.batch_norm(x, *vectors, epsilon=EPSILON), *tolerance(y.dtype, 7))


@SHAPE
def test_training(shape):
    x, _, gamma, beta, *moving = problem(shape)
    y, mean, var = run(batch_norm_train, x, gamma, beta, epsilon=EPSILON)
    want_y, want_mean, want_var, *_ = oracle.batch_norm_train(x, gamma, beta, *moving, epsilon=EPSILON)
    assert_allclose(mean, want_mean, *tolerance(y.dtype))
    assert_allclose(var, want_var, *tolerance(y.dtype))
    scale = (2 / np.sqrt(want_var + EPSILON)).max()
    assert_allclose(y, want_y, *tolerance(y.dtype, 4 * scale))


@SHAPE
def test_training_gradient(shape):
    x, dy, gamma, beta, *_ = problem(shape)
    got = run(batch_norm_train_dx, x, gamma, beta, *moments(x), dy, epsilon=EPSILON)
    dx, dgamma, dbeta = oracle.batch_norm_train_grad(dy, x, gamma, epsilon=EPSILON)
    scale = max((2 / np.sqrt(moments(x)[1] + EPSILON)).max(), 1)
    for g, want, k in zip(got, (dx, dgamma, dbeta), (8 * scale, rows(shape), rows(shape)), strict=True):
        assert_allclose(g, want, *tolerance(g.dtype, k))


ACTIVATION = pytest.mark.parametrize("activation", [None, ("relu",), ("clip", -0.5, 1.0)], ids=["none", "relu", "clip"])


@SHAPE
@ACTIVATION
@pytest.mark.parametrize("with_res", [False, True], ids=["plain", "residual"])
def test_training_with_residual_and_activation(shape, activation, with_res):
    x, res, gamma, beta, *moving = problem(shape)
    y, mean, var = run(fused, x, gamma, beta, res if with_res else None, activation=activation, epsilon=EPSILON)
    want, want_mean, want_var, *_ = oracle.batch_norm_train(x, gamma, beta, *moving, epsilon=EPSILON)
    want = activated(want + res if with_res else want, activation)[0]
    assert_allclose(mean, want_mean, *tolerance(y.dtype))
    assert_allclose(var, want_var, *tolerance(y.dtype))
    assert_allclose(y, want, *tolerance(y.dtype, 4 * (2 / np.sqrt(want_var + EPSILON)).max()))


@SHAPE
@ACTIVATION
def test_the_same_result_again(shape, activation):
    x, _, gamma, beta, *moving = problem(shape)
    y = run(batch_norm_again, x, gamma, beta, *moments(x), activation=activation, epsilon=EPSILON)
    want = activated(oracle.batch_norm_train(x, gamma, beta, *moving, epsilon=EPSILON)[0], activation)[0]
    assert_allclose(y, want, *tolerance(y.dtype, 4 * (2 / np.sqrt(moments(x)[1] + EPSILON)).max()))


@SHAPE
@ACTIVATION
def test_training_gradient_through_an_activation(shape, activation):
    x, dy, gamma, beta, *moving = problem(shape)
    y = oracle.batch_norm_train(x, gamma, beta, *moving, epsilon=EPSILON)[0]
    bounds = {None: (), "relu": (0,), "clip": (-0.5, 1.0)}[activation and activation[0]]
    dy[np.any([np.abs(y - b) < 1e-3 for b in bounds], axis=0)] = 0  # where rounding decides, nothing flows
    got = run(batch_norm_train_dx, x, gamma, beta, *moments(x), dy, activation=activation, epsilon=EPSILON)
    want = oracle.batch_norm_train_grad(dy * activated(y, activation)[1], x, gamma, epsilon=EPSILON)
    scale = max((2 / np.sqrt(moments(x)[1] + EPSILON)).max(), 1)
    for g, w, k in zip(got, want, (8 * scale, rows(shape), rows(shape)), strict=True):
        assert_allclose(g, w, *tolerance(g.dtype, k))


@SHAPE
def test_frozen_gradient(shape):
    x, dy, gamma, _, mean, var = problem(shape)
    dx = run(batch_norm_dx, dy, gamma, var, epsilon=EPSILON)
    dgamma, dbeta = run(batch_norm_dw, x, mean, var, dy, epsilon=EPSILON)
    want = oracle.batch_norm_grad(dy, x, gamma, mean, var, epsilon=EPSILON)
    for g, w, k in zip((dx, dgamma, dbeta), want, (7, 4 * rows(shape), rows(shape)), strict=True):
        assert_allclose(g, w, *tolerance(g.dtype, k))


@pytest.mark.parametrize("shape", [(6, 2), (2, 3, 2, 3)], ids=repr)
@pytest.mark.parametrize("of", range(3), ids=["x", "gamma", "beta"])
@pytest.mark.parametrize("train", [False, True], ids=["frozen", "train"])
def test_gradients_by_central_differences(shape, of, train):
    """The whole way: autodiff, compiler, kernels, against the slope of the oracle."""
    x, dy, gamma, beta, mean, var = problem(shape)

    def gradient(x, gamma, beta, mean, var, dy):
        y = batch_norm_train(x, gamma, beta)[0] if train else batch_norm(x, gamma, beta, mean, var)
        loss = emit("sum", [y * dy], axes=tuple(range(len(shape))), keepdims=False)
        return gradients(loss, [(x, gamma, beta)[of]])[0]

    def forward(v):
        args = [x, gamma, beta, mean, var]
        args[of] = v
        return oracle.batch_norm_train(*args)[0] if train else oracle.batch_norm(*args)

    got = run(gradient, x, gamma, beta, mean, var, dy)
    assert_allclose(got, central_difference(forward, (x, gamma, beta)[of], dy), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("number", [1, 2], ids=["mean", "var"])
def test_gradients_through_the_statistics(number):
    x, _, gamma, beta, weights, _ = problem((9, 4))

    def gradient(x, gamma, beta, weights):
        y = batch_norm_train(x, gamma, beta)
        loss = emit("sum", [y[number] * weights], axes=(0,), keepdims=False)
        return gradients(loss, [x])[0]

    def forward(x):
        return oracle.batch_norm_train(x, gamma, beta, weights, weights)[number]

    got = run(gradient, x, gamma, beta, weights)
    assert_allclose(got, central_difference(forward, x, weights), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 40, 41, 6), (3, 50, 50, 24), (2000, 130), (100000, 1)], ids=repr)
def test_threads_change_no_bit(shape):
    x, dy, gamma, beta, mean, var = problem(shape)
    for function, arrays in (
        (batch_norm, (x, gamma, beta, mean, var)),
        (batch_norm_dx, (dy, gamma, var)),
        (batch_norm_dw, (x, mean, var, dy)),
        (batch_norm_train, (x, gamma, beta)),
        (batch_norm_train_dx, (x, gamma, beta, mean, var, dy)),
        (batch_norm_again, (x, gamma, beta, mean, var)),
    ):
        one, two, four = (run(function, *arrays, threads=t, epsilon=EPSILON) for t in (1, 2, 4))
        for a, b, c in zip(*(r if isinstance(r, list) else [r] for r in (one, two, four)), strict=True):
            assert_array_equal(a, b)
            assert_array_equal(a, c)


def test_a_large_mean_does_not_drown_the_variance():
    """With E[x²] - E[x]² in float32 nothing would be left of a variance of one beside a mean of 4096."""
    x, _, gamma, beta, *moving = problem((3000, 24), shift=4096)
    y, mean, var = run(batch_norm_train, x, gamma, beta, epsilon=EPSILON)
    want_y, want_mean, want_var, *_ = oracle.batch_norm_train(x, gamma, beta, *moving, epsilon=EPSILON)
    assert_allclose(mean, want_mean, *tolerance(y.dtype))
    assert_allclose(var, want_var, rtol=1e-4)
    assert_allclose(y, want_y, rtol=1e-3, atol=1e-3)  # the mean itself is only known to 2^-12


def test_nan_and_infinity_stay_in_their_channel():
    x, _, gamma, beta, mean, var = problem((40, 5))
    x[3, 1], x[4, 2] = np.nan, np.inf
    y = run(batch_norm, x, gamma, beta, mean, var)
    assert_array_equal(np.isnan(y), np.isnan(x))
    assert_array_equal(np.isinf(y), np.isinf(x))
    y, mean, var = run(batch_norm_train, x, gamma, beta)
    for a in (y, var):
        assert_array_equal(np.isnan(np.atleast_2d(a)).all(axis=0), [False, True, True, False, False])
    assert np.isnan(mean[1])
    assert np.isposinf(mean[2])


def test_an_empty_batch():
    x, dy, gamma, beta, mean, var = problem((0, 4, 4, 3))
    assert run(batch_norm, x, gamma, beta, mean, var).shape == x.shape
    y, batch_mean, batch_var = run(batch_norm_train, x, gamma, beta)
    assert y.shape == x.shape
    assert np.isnan(batch_mean).all()
    assert np.isnan(batch_var).all()
    dx, dgamma, dbeta = run(batch_norm_train_dx, x, gamma, beta, mean, var, dy, epsilon=EPSILON)
    assert dx.shape == x.shape
    assert_array_equal([dgamma, dbeta], np.zeros((2, 3)))
    assert_array_equal(run(batch_norm_dw, x, mean, var, dy, epsilon=EPSILON), np.zeros((2, 3)))


def test_an_unknown_batch_passes_through():
    g = Graph()
    x, v = g.input(("batch", 3, 3, 4)), g.constant(np.ones(4))
    assert batch_norm(x, v, v, v, v).shape == x.shape
    assert [y.shape for y in batch_norm_train(x, v, v)] == [x.shape, (4,), (4,)]


def test_what_does_not_fit_is_refused():
    g = Graph()
    x, four, five = g.input((2, 4)), g.constant(np.ones(4)), g.constant(np.ones(5))
    with pytest.raises(ShapeError, match=r"batch_norm: expected beta of shape \(4,\), got \(5,\)"):
        batch_norm(x, four, five, four, four)
    with pytest.raises(ShapeError, match=r"batch_norm_train: expected gamma of shape \(4,\), got \(5,\)"):
        batch_norm_train(x, five, four)
    with pytest.raises(ShapeError, match="last axis of known size"):
        batch_norm_train(g.input((2, "c")), four, four)
