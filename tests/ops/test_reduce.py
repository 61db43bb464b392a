"""Reductions over all kinds of axes against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import bits_equal, check_gradient, pull
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError
from edgenet.ops.reduction import stages
from oracle import reduce as oracle
from tolerance import tolerance

KINDS = ("sum", "mean", "max", "min")
CASES = [
    ((), None), ((1,), 0), ((5,), ()), ((7,), None), ((16385,), 0), ((100003,), None), ((3, 40001), 1),
    ((3, 40001), (0,)),
    ((40001, 3), 0), ((2500, 16), 0), ((1000, 17), 0), ((999, 63), 0), ((777, 64), 0), ((66, 1025), 0), ((70000, 1), 0),
    ((513, 130), 0), ((1, 9), 0), ((8, 2049), 0), ((9, 5), 0), ((129, 10), 1), ((300, 257), (0, 1)),
    ((4, 6, 6, 20), (1, 2)),
    ((4, 33, 33, 8), (0, 1, 2)), ((2, 3, 4, 5, 6), (0, 2, 4)), ((2, 3, 4, 5, 6), (1, 3)), ((2, 3, 4, 5, 6), (-1, 0)),
    ((3, 1, 5), 1), ((3, 1, 5), (0, 1)), ((2, 70000, 2), 1), ((2, 130, 40, 3), (0, 2)),
]  # fmt: skip


def cases(seed):
    """A shape and some of its axes."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(d) for d in rng.choice((1, 2, 3, 5, 8, 15, 16, 17, 33), rng.integers(1, 5)))
    axes = tuple(i for i in range(len(shape)) if rng.random() < 0.5)
    return shape, axes


def numbers(seed, shape):
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), np.float32)


def count(shape, axes):
    axes = range(len(shape)) if axes is None else np.atleast_1d(np.array(axes, int))
    return int(np.prod([shape[i] for i in axes], dtype=np.int64))


ALL = [*CASES, *(cases(seed) for seed in range(30))]


@pytest.mark.parametrize("kind", KINDS)
def test_forward(kind):
    for seed, (shape, axes) in enumerate(ALL):
        x = numbers(seed, shape)
        for keepdims in (False, True):
            y = run(getattr(ops, kind), x, axis=axes, keepdims=keepdims)
            want = getattr(oracle, "reduce_" + kind)(x, axes, keepdims=keepdims)
            assert y.shape == np.shape(want)
            k = count(shape, axes) if kind == "sum" else 1
            assert_allclose(y, want, *tolerance(y.dtype, k), err_msg=f"seed {seed}: {shape}, {axes}")


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_agrees_with_the_oracle(kind):
    for seed, (shape, axes) in enumerate(ALL):
        x = np.round(2 * numbers(seed, shape)) if seed % 2 else numbers(seed, shape)
        dy = numbers(seed + 1000, oracle.reduce_sum(x, axes).shape)
        (dx,) = pull(getattr(ops, kind), x, dy=dy, axis=axes)
        judge = getattr(oracle, f"reduce_{kind}_dx")
        want = judge(dy, x, axes) if kind in ("max", "min") else judge(dy, x.shape, axes)
        assert_allclose(dx, want, *tolerance(dx.dtype), err_msg=f"seed {seed}: {shape}, {axes}")


@pytest.mark.parametrize("axes", [None, 0, (1,), (0, 2), (-1,)])
@pytest.mark.parametrize("kind", KINDS)
def test_gradient(kind, axes):
    x = np.random.default_rng(1).permutation(60).astype(np.float32).reshape(3, 4, 5) / 8
    judge = getattr(oracle, "reduce_" + kind)
    check_gradient(getattr(ops, kind), lambda v: judge(v, axes), x, seed=1, k=4, axis=axes)
    check_gradient(
        getattr(ops, kind), lambda v: judge(v, axes, keepdims=True), x, seed=1, k=4, axis=axes, keepdims=True
    )


def test_the_error_of_a_long_sum_stays_small():
    # every term rounds the same way; summed one after the other, the relative error would be 4e-2
    x = np.full((2**22, 1), 1.1, np.float32)
    for shape in ((2**22,), (2**18, 16), (2**16, 64), (2, 2**21)):
        y = run(ops.sum, x.reshape(shape), axis=(0,) if shape[0] != 2 else (1,))
        assert_allclose(y, x.reshape(shape).astype(np.float64).sum(axis=0 if shape[0] != 2 else 1), 4e-5)


@pytest.mark.parametrize(
    ("shape", "axis"), [((5, 40), 1), ((40, 5), 0), ((40, 70), 0), ((3, 9000, 2), 1), ((40000,), 0)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_nan_and_infinity(kind, shape, axis):
    for bad in (np.nan, -np.nan, np.inf, -np.inf):
        x = numbers(2, shape)
        where = tuple(d // 2 for d in shape)
        x[where] = bad
        y = run(getattr(ops, kind), x, axis=axis)
        want = getattr(oracle, "reduce_" + kind)(x, axis).astype(np.float32)
        assert_allclose(y, want, *tolerance(y.dtype, shape[axis]))
        assert_array_equal(run(ops.argmax, x, axis=axis), oracle.argmax(x, axis))


@pytest.mark.parametrize(
    ("shape", "axes"), [((0,), 0), ((0, 5), 0), ((5, 0), 1), ((0, 5), 1), ((3, 0, 2), (0, 1)), ((0, 40), None)]
)
def test_no_numbers(shape, axes):
    x = np.zeros(shape, np.float32)
    assert_array_equal(run(ops.sum, x, axis=axes), x.sum(axis=axes))
    if (0 if axes is None else axes) != 1:
        assert np.isnan(run(ops.mean, x, axis=axes)).all()


@pytest.mark.parametrize(
    ("shape", "axis"), [((1,), 0), ((7, 10), 1), ((7, 10), 0), ((2, 3, 4), 1), ((2, 3, 4), -1), ((0, 3), 1)]
)
def test_argmax(shape, axis):
    for scale in (1, 8):  # with ties, and almost without
        x = np.round(scale * numbers(3, shape))
        y = run(ops.argmax, x, axis=axis)
        assert y.dtype == np.int32
        assert_array_equal(y, oracle.argmax(x, axis))


def test_argmax_finds_the_first_nan():
    x = np.array([[1, np.nan, 9, np.nan, np.inf], [np.nan, -np.nan, 0, 0, 0], [np.inf, 0, 0, np.inf, 0]], np.float32)
    assert_array_equal(run(ops.argmax, x, axis=-1), [1, 0, 0])


def test_threads_change_no_bit():
    for shape, axes in (
        ((300000,), 0),
        ((40000, 10), 0),
        ((5000, 100), 0),
        ((100, 3000), 1),
        ((8, 30, 30, 64), (1, 2)),
    ):
        x = numbers(4, shape)
        for kind in KINDS:
            one, two, four = (run(getattr(ops, kind), x, axis=axes, threads=t) for t in (1, 2, 4))
            assert bits_equal(one, two)
            assert bits_equal(one, four)


def test_stages_reduce_the_largest_axis_first():
    assert stages((1, 5, 1), (0, 2)) == []
    assert stages((4, 100, 3, 7), (0, 2)) == [(1, 4, 2100), (100, 3, 7)]
    assert stages((4, 5, 6), (0, 1, 2)) == [(1, 120, 1)]


def test_symbolic_sizes_and_refusals():
    x = Graph().input(("batch", 4, 0))
    assert ops.mean(x, axis=(1, 2)).shape == ("batch",)
    assert ops.sum(x, axis=0, keepdims=True).shape == (1, 4, 0)
    assert ops.argmax(x, axis=0).spec.shape == (4, 0)
    with pytest.raises(ShapeError, match=r"axes \(3,\) do not fit a shape of 3 axes"):
        ops.sum(x, axis=3)
    for function in (lambda: ops.max(x, axis=2), lambda: ops.argmax(x, axis=-1)):
        with pytest.raises(ShapeError, match="no numbers to choose from"):
            function()


def test_prod():
    for seed, (shape, axes) in enumerate(ALL):
        x = np.exp(0.1 * numbers(seed, shape)).astype(np.float32)
        y, k = run(ops.prod, x, axis=axes), count(shape, axes)
        assert_allclose(y, oracle.reduce_prod(x, axes), *(8 * t for t in tolerance(y.dtype, k)), err_msg=f"seed {seed}")
    assert_array_equal(run(ops.prod, np.zeros((2, 0), np.float32), axis=1), [1, 1])


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_gradient_of_prod_with_zeros(zeros):
    x = numbers(3, (3, 4))
    x[1, :zeros] = 0
    for axes in (None, 0, (1,)):
        check_gradient(ops.prod, lambda v, a=axes: oracle.reduce_prod(v, a), x, seed=1, k=16, scale=4, axis=axes)
