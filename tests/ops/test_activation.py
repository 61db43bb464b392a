"""Activations and softmax against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import bits_equal, check_gradient, pull
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError
from oracle import activation as oracle
from tolerance import tolerance

ACTIVATIONS = {
    "relu": {}, "leaky_relu": {"negative_slope": 0.2}, "clip": {"x_min": -0.5, "x_max": 1.25},
    "sigmoid": {}, "tanh": {},
}  # fmt: skip
SOFTMAX_SHAPES = [
    ((1, 1), -1), ((128, 10), -1), ((7, 1), 1), ((3, 15), -1), ((3, 16), -1), ((3, 17), -1), ((2, 1000), 1),
    ((2, 5000), -1),
    ((33,), 0), ((4, 5), 0), ((2, 3, 4, 5), 1), ((2, 7, 3), 1), ((1, 21, 700), 1), ((3, 2, 513), -2), ((0, 4), -1),
    ((3, 0), -1), ((2, 4, 0), 1), ((300, 2, 2, 9), 3),
]  # fmt: skip


def numbers(seed, *shape, spread=2.0):
    return (spread * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def judge(name, attrs):
    """The oracle's function; its leaky_relu calls alpha the slope."""
    return lambda x: getattr(oracle, name)(x, *attrs.values())


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("n", [0, 1, 7, 15, 16, 17, 33, 4095, 4096, 4097, 10001])
def test_forward(name, n):
    attrs, x = ACTIVATIONS[name], numbers(n, n)
    y = run(getattr(ops, name), x, **attrs)
    assert_allclose(y, judge(name, attrs)(x), *tolerance(y.dtype))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_special_numbers(name):
    x = np.tile(np.array([np.nan, np.inf, -np.inf, 1000, -1000, 0, -0.0, 1e-40, 88, -88, -104], np.float32), 3)
    attrs = ACTIVATIONS[name]
    y = run(getattr(ops, name), x, **attrs)
    assert_allclose(y, judge(name, attrs)(x).astype(np.float32), *tolerance(y.dtype))
    with np.errstate(all="ignore"):
        want = getattr(oracle, name + "_dx")(np.ones_like(x), x, *attrs.values())
    (dx,) = pull(getattr(ops, name), x, dy=np.ones_like(x), **attrs)
    finite = ~np.isnan(x)
    assert_allclose(dx[finite], want[finite], *tolerance(y.dtype))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradient(name):
    attrs = ACTIVATIONS[name]
    check_gradient(getattr(ops, name), judge(name, attrs), numbers(1, 9, 17), seed=1, k=4, **attrs)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradient_agrees_with_the_oracle(name):
    attrs, x, dy = ACTIVATIONS[name], numbers(2, 4097), numbers(3, 4097)
    x[:3] = 0, *list(attrs.values())[-2:], *[1.0] * (2 - len(attrs))
    (dx,) = pull(getattr(ops, name), x, dy=dy, **attrs)
    assert_allclose(dx, getattr(oracle, name + "_dx")(dy, x, *attrs.values()), *tolerance(dx.dtype, 4))


@pytest.mark.parametrize("alpha", [-0.5, 0.0, 0.3, 1.0, 2.0])
def test_leaky_relu_of_any_slope(alpha):
    x, dy = numbers(4, 100), numbers(5, 100)
    y = run(ops.leaky_relu, x, negative_slope=alpha)
    assert_allclose(y, oracle.leaky_relu(x, alpha), *tolerance(y.dtype))
    (dx,) = pull(ops.leaky_relu, x, dy=dy, negative_slope=alpha)
    assert_allclose(dx, oracle.leaky_relu_dx(dy, x, alpha), *tolerance(dx.dtype))


def test_clip_may_be_open():
    x = numbers(6, 50)
    assert_array_equal(run(ops.clip, x, x_min=0.0, x_max=float("inf")), np.maximum(x, 0))
    assert_array_equal(run(ops.clip, x, x_min=-float("inf"), x_max=0.0), np.minimum(x, 0))


@pytest.mark.parametrize(("shape", "axis"), SOFTMAX_SHAPES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name, shape, axis):
    x, dy = numbers(7, *shape), numbers(8, *shape)
    y = run(getattr(ops, name), x, axis=axis)
    if x.size == 0:
        assert y.shape == shape
        return
    assert_allclose(y, getattr(oracle, name)(x, axis), *tolerance(y.dtype, shape[axis]))
    (dx,) = pull(getattr(ops, name), x, dy=dy, axis=axis)
    assert_allclose(dx, getattr(oracle, name + "_dx")(dy, x, axis), *tolerance(dx.dtype, 4 * shape[axis]))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_gradient_of_softmax(name, axis):
    function = getattr(oracle, name)
    check_gradient(getattr(ops, name), lambda x: function(x, axis), numbers(9, 3, 4, 5), seed=9, k=20, axis=axis)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_far_numbers(name, axis):
    x = np.array([[1000, -1000, 0], [-1e30, 1e30, 0], [3e38, 3e38, -3e38], [-200, -201, -202]], np.float32)
    x = np.ascontiguousarray(x if axis else x.T)
    y = run(getattr(ops, name), x, axis=axis)
    with np.errstate(all="ignore"):
        want = getattr(oracle, name)(x, axis).astype(np.float32)
    assert_allclose(y, want, *tolerance(y.dtype))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf], ids=["nan", "negative nan", "inf"])
def test_softmax_of_a_row_with_nan_is_nan(name, axis, bad):
    x = numbers(10, 40, 40)
    x[(3, 37) if axis else (37, 3)] = bad
    y = np.isnan(run(getattr(ops, name), x, axis=axis))
    want = np.zeros_like(y)
    want[(3,) if axis else (slice(None), 3)] = True
    assert_array_equal(y, want)


def test_threads_change_no_bit():
    x, dy = numbers(11, 64, 999), numbers(12, 64, 999)
    for name, attrs in [
        *ACTIVATIONS.items(),
        ("softmax", {"axis": 1}),
        ("log_softmax", {"axis": 0}),
        ("softmax", {"axis": 0}),
    ]:
        function = getattr(ops, name)
        for call in (
            lambda t, f=function, a=attrs: run(f, x, threads=t, **a),
            lambda t, f=function, a=attrs: pull(f, x, dy=dy, threads=t, **a)[0],
        ):
            one, two, four = (call(t) for t in (1, 2, 4))
            assert bits_equal(one, two)
            assert bits_equal(one, four)


def test_refusals():
    x = Graph().input((2, 3))
    with pytest.raises(ShapeError, match=r"clip: expected low <= high, got low=2.0 and high=1.0"):
        ops.clip(x, 2, 1)
    with pytest.raises(ShapeError, match=r"softmax: axis 2 is outside of shape \(2, 3\)"):
        ops.softmax(x, axis=2)
