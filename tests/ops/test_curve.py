"""erf, elu, silu, gelu, gelu_tanh, hard_silu, softplus and mish against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from ops.pull import bits_equal, check_gradient, pull
from ops.run import run

import edgenet.ops  # noqa: F401  registers the ops
from edgenet.graph import emit
from oracle import curve as oracle
from tolerance import tolerance

CURVES = {
    "erf": {}, "elu": {"alpha": 0.7}, "silu": {}, "gelu": {}, "gelu_tanh": {}, "hard_silu": {}, "softplus": {},
    "mish": {},
}  # fmt: skip


def numbers(seed, *shape, spread=2.5):
    return (spread * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def op(name):
    return lambda x, **attrs: emit(name, [x], **attrs)


def judge(name, attrs):
    return lambda x: getattr(oracle, name)(x, *attrs.values())


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("n", [0, 1, 7, 17, 4095, 4097, 10001])
def test_forward(name, n):
    attrs, x = CURVES[name], numbers(n, n)
    y = run(op(name), x, **attrs)
    assert_allclose(y, judge(name, attrs)(x) if n else y, *tolerance(y.dtype, 2))


@pytest.mark.parametrize("name", CURVES)
def test_far_numbers(name):
    x = np.array([np.nan, 1000, -1000, 0, -0.0, 1e-40, 88, -88, -104, 20, -20, 1e30, -1e30], np.float32)
    attrs = CURVES[name]
    y = run(op(name), x, **attrs)
    assert_allclose(y, judge(name, attrs)(x).astype(np.float32), *tolerance(y.dtype))
    (dx,) = pull(op(name), x, dy=np.ones_like(x), **attrs)
    assert np.isfinite(dx[1:]).all()
    assert dx[2] == 0
    assert dx[1] == (0 if name == "erf" else 1)


@pytest.mark.parametrize("name", CURVES)
def test_gradient(name):
    attrs = CURVES[name]
    check_gradient(op(name), judge(name, attrs), numbers(1, 9, 17), seed=1, k=4, **attrs)


def test_gradient_of_elu_at_zero():
    (dx,) = pull(op("elu"), np.zeros(1, np.float32), dy=np.ones(1), alpha=0.5)
    assert dx == 0.5


@pytest.mark.parametrize("name", CURVES)
def test_threads_change_no_bit(name):
    x, dy, attrs = numbers(11, 64, 999), numbers(12, 64, 999), CURVES[name]
    assert bits_equal(*(run(op(name), x, threads=t, **attrs) for t in (1, 2)))
    assert bits_equal(*(pull(op(name), x, dy=dy, threads=t, **attrs)[0] for t in (1, 2)))
