"""Losses from logits against the oracle, sample by sample."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import bits_equal, check_gradient, pull
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError
from oracle import loss as oracle
from tolerance import tolerance

SHAPES = [(1, 1), (1, 2), (128, 10), (5, 15), (5, 16), (5, 17), (3, 1000), (2, 3000), (0, 4), (2, 3, 4, 5), (6,)]


def problem(seed, shape, spread=3.0):
    """Logits, labels, targets that sum to about one, and weights of the samples."""
    rng = np.random.default_rng(seed)
    z = (spread * rng.standard_normal(shape)).astype(np.float32)
    t = rng.random(shape).astype(np.float32) / (shape[-1] / 2)
    labels = np.asarray(rng.integers(0, shape[-1], shape[:-1]), np.int32)
    return z, labels, t, np.asarray(rng.standard_normal(shape[:-1]), np.float32)


def by_sample(function, target, z):
    """The oracle's loss (or gradient) of each sample; it takes a target and logits and gives a mean."""
    rows = [
        function(np.asarray(t), row, from_logits=True)
        for t, row in zip(target, z.reshape(-1, z.shape[-1]), strict=True)
    ]
    return np.array(rows)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sparse(shape):
    z, labels, _, dy = problem(1, shape)
    y = run(ops.sparse_softmax_cross_entropy, z, labels)
    (dz,) = pull(ops.sparse_softmax_cross_entropy, z, labels, dy=dy, wrt=[0])
    want = by_sample(oracle.sparse_categorical_crossentropy, labels.ravel(), z)
    assert_allclose(y, want.reshape(labels.shape), *tolerance(y.dtype, shape[-1]))
    want = by_sample(oracle.sparse_categorical_crossentropy_dx, labels.ravel(), z).reshape(shape)
    assert_allclose(dz, want * dy[..., None], *tolerance(y.dtype, shape[-1]))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_dense_targets(shape):
    z, _, t, dy = problem(2, shape)
    y = run(ops.softmax_cross_entropy, z, t)
    (dz,) = pull(ops.softmax_cross_entropy, z, t, dy=dy, wrt=[0])
    rows = t.reshape(-1, shape[-1])
    assert_allclose(
        y, by_sample(oracle.categorical_crossentropy, rows, z).reshape(shape[:-1]), *tolerance(y.dtype, shape[-1])
    )
    want = by_sample(oracle.categorical_crossentropy_dx, rows, z).reshape(shape)
    assert_allclose(dz, want * dy[..., None], *tolerance(y.dtype, shape[-1]))


@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 4095, 4096, 4097])
def test_sigmoid(n):
    z, _, t, _ = problem(3, (1, n), spread=4.0) if n else (np.zeros((1, 0), np.float32),) * 4
    dy = np.ones_like(z)
    y = run(ops.sigmoid_cross_entropy, z, t)
    (dz,) = pull(ops.sigmoid_cross_entropy, z, t, dy=dy, wrt=[0])
    want = [oracle.binary_crossentropy(a, b, from_logits=True) for a, b in zip(t.ravel(), z.ravel(), strict=True)]
    assert_allclose(y.ravel(), want, *tolerance(y.dtype, 4))
    if n:
        assert_allclose(dz, n * oracle.binary_crossentropy_dx(t, z, from_logits=True), *tolerance(y.dtype, 4))


def test_gradients_by_central_differences():
    z, labels, t, _ = problem(4, (5, 7))

    def sparse(z, labels):
        return by_sample(oracle.sparse_categorical_crossentropy, labels, z)

    def dense(z, t):
        return by_sample(oracle.categorical_crossentropy, t, z)

    def sigmoid(z, t):
        pairs = zip(t.ravel(), z.ravel(), strict=True)
        return np.array([oracle.binary_crossentropy(a, b, from_logits=True) for a, b in pairs]).reshape(z.shape)

    check_gradient(ops.sparse_softmax_cross_entropy, sparse, z, labels, seed=4, wrt=[0], k=7)
    check_gradient(ops.softmax_cross_entropy, dense, z, t, seed=4, k=7)
    check_gradient(ops.sigmoid_cross_entropy, sigmoid, z, t, seed=4, k=4)


def test_far_logits_stay_finite():
    z = np.array([[1000, -1000, 0], [3e38, -3e38, 0]], np.float32)
    labels = np.array([0, 1], np.int32)
    assert_array_equal(run(ops.sparse_softmax_cross_entropy, z, labels)[0], 0)
    assert_array_equal(run(ops.sparse_softmax_cross_entropy, z[:1], labels[1:]), [2000])
    (dz,) = pull(ops.sparse_softmax_cross_entropy, z, labels, dy=np.ones(2), wrt=[0])
    assert_array_equal(dz, [[0, 0, 0], [1, -1, 0]])
    far = np.array([1000, -1000, 1000, -1000], np.float32)
    assert_array_equal(run(ops.sigmoid_cross_entropy, far, np.array([1, 0, 0, 1], np.float32)), [0, 0, 1000, 1000])


def test_small_losses_keep_their_digits():
    z = np.array([-10, -20, -50, -80], np.float32)
    y = run(ops.sigmoid_cross_entropy, z, np.zeros(4, np.float32))
    assert_allclose(y, np.log1p(np.exp(z.astype(np.float64))), rtol=tolerance(np.float32)[0])


def test_nan_stays():
    z, labels, t, _ = problem(5, (4, 20))
    z[1, 3] = np.nan
    for y in (run(ops.sparse_softmax_cross_entropy, z, labels), run(ops.softmax_cross_entropy, z, t)):
        assert_array_equal(np.isnan(y), [False, True, False, False])
    assert_array_equal(np.isnan(run(ops.sigmoid_cross_entropy, z, t)), np.isnan(z))


@pytest.mark.parametrize("bad", [-1, 20, 2**31 - 1, -(2**31)])
def test_a_label_outside_gives_nan_for_its_sample_only(bad):
    z, labels, _, dy = problem(6, (4, 20))
    labels[2] = bad
    assert_array_equal(np.isnan(run(ops.sparse_softmax_cross_entropy, z, labels)), [False, False, True, False])
    (dz,) = pull(ops.sparse_softmax_cross_entropy, z, labels, dy=dy, wrt=[0])
    assert_array_equal(np.isnan(dz).all(axis=1), [False, False, True, False])
    assert_array_equal(np.isnan(dz).any(axis=1), [False, False, True, False])


@pytest.mark.parametrize("shape", [(), (1,), (7,), (0,), (2, 3)], ids=str)
@pytest.mark.parametrize("depth", [1, 5, 16, 33])
def test_one_hot(shape, depth):
    labels = np.asarray(np.random.default_rng(7).integers(-2, depth + 2, shape), np.int32)
    y = run(ops.one_hot, labels, num_classes=depth)
    assert_array_equal(y, (labels[..., None] == np.arange(depth)).astype(np.float32))


def test_threads_change_no_bit():
    z, labels, t, dy = problem(8, (400, 300))
    for function, other in (
        (ops.sparse_softmax_cross_entropy, labels), (ops.softmax_cross_entropy, t), (ops.sigmoid_cross_entropy, t),
    ):  # fmt: skip
        weights = t if function is ops.sigmoid_cross_entropy else dy
        for call in (
            lambda n, f=function, o=other: run(f, z, o, threads=n),
            lambda n, f=function, o=other, w=weights: pull(f, z, o, dy=w, wrt=[0], threads=n)[0],
        ):
            one, two, four = (call(n) for n in (1, 2, 4))
            assert bits_equal(one, two)
            assert bits_equal(one, four)


def test_refusals():
    graph = Graph()
    z, labels = graph.input((8, 10)), graph.input((8,), "int32")
    assert ops.sparse_softmax_cross_entropy(graph.input(("batch", 3)), graph.input(("batch",), "int32")).shape == (
        "batch",
    )
    with pytest.raises(ShapeError, match=r"need labels of shape \(8,\), got \(8, 10\)"):
        ops.sparse_softmax_cross_entropy(z, graph.input((8, 10), "int32"))
    with pytest.raises(ShapeError, match="expected int32 labels, got float32"):
        ops.sparse_softmax_cross_entropy(z, graph.input((8,)))
    with pytest.raises(ShapeError, match=r"need targets of shape \(8, 10\), got \(8,\)"):
        ops.softmax_cross_entropy(z, graph.input((8,)))
    with pytest.raises(ShapeError, match=r"need targets of that shape, got \(8,\)"):
        ops.sigmoid_cross_entropy(z, graph.input((8,)))
    with pytest.raises(ShapeError, match="at least one class"):
        ops.softmax_cross_entropy(graph.input((8, 0)), graph.input((8, 0)))
    with pytest.raises(ShapeError, match="a depth of at least 1, got 0"):
        ops.one_hot(labels, 0)
