"""where and power against the oracle, casts against NumPy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import check_gradient, pull
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError, emit
from oracle import select as oracle
from tolerance import tolerance

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, -0.5, 1.5, -1.5, 2.5, 1e-30, -1e-40], np.float32)


def test_power():
    rng = np.random.default_rng(3)
    a, b = np.abs(rng.standard_normal((4, 5))) + 0.1, 3 * rng.standard_normal((4, 5))
    a, b = a.astype(np.float32), b.astype(np.float32)
    assert_allclose(run(ops.power, a, b), oracle.power(a, b), *tolerance(a.dtype))
    check_gradient(ops.power, oracle.power, a, b, seed=3, k=8, scale=20)


def test_power_of_corners():
    a, b = (
        v.ravel() for v in np.meshgrid(SPECIAL[1:], np.float32([0, 1, 2, -2, 3, 0.5, -0.5, np.inf, -np.inf, np.nan]))
    )
    with np.errstate(over="ignore"):
        want = oracle.power(a, b).astype(np.float32)
    y = run(ops.power, a, b)
    assert_allclose(y, want, *tolerance(y.dtype))


@pytest.mark.parametrize(("p", "q", "r"), [((3, 4),) * 3, ((4,), (3, 1), ()), ((2, 1, 4), (3, 4), (2, 3, 4))])
def test_where(p, q, r):
    rng = np.random.default_rng(5)
    c = (rng.standard_normal(p) > 0).astype(np.float32)
    a, b = (rng.standard_normal(s).astype(np.float32) for s in (q, r))
    assert_array_equal(run(ops.where, c, a, b), oracle.where(c, a, b).astype(np.float32))
    check_gradient(ops.where, oracle.where, c, a, b, seed=5, wrt=[1, 2], k=12)


def test_what_is_not_chosen_does_not_count():
    c, a = np.float32([1, 0]), np.float32([2, np.nan])
    assert_array_equal(run(ops.where, c, a, np.float32([np.inf, 3])), [2, 3])
    (da,) = pull(lambda v: ops.where(emit("greater", [v, 0.0]), emit("log", [v]), 0.0), np.float32([2, -1]), dy=[1, 1])
    assert_allclose(da, [0.5, 0])


def test_refusals():
    g = Graph()
    with pytest.raises(ShapeError, match="do not broadcast"):
        ops.where(g.input((2, 3)), g.input((2,)), 0.0)


def test_power_gradient_where_the_base_is_not_positive():
    a = np.array([-2.0, 0.0, 1.5], np.float32)
    (da,) = pull(lambda a: a**3, a, dy=[1, 1, 1])
    assert_allclose(da, 3 * a**2, rtol=5e-6)


@pytest.mark.parametrize(
    ("exponent", "op"), [(2, "square"), (0.5, "sqrt"), (-1, "div"), (np.float32(2), "square"), (3, "power")]
)
def test_plain_exponents_are_plain_ops(exponent, op):
    assert (Graph().input((3,)) ** exponent).node.op == op


def test_cast():
    x = np.array([1.9, -1.9, 0, np.nan, np.inf, -np.inf, 3e9, 2.0**31 - 128], np.float32)
    whole = run(lambda x: ops.cast(x, "int32"), x)
    assert whole.dtype == np.int32
    assert_array_equal(whole, [1, -1, 0, 0, 2**31 - 1, -(2**31), 2**31 - 1, 2**31 - 128])
    y = run(lambda x: ops.cast(x, np.float32), whole)
    assert y.dtype == np.float32
    assert_array_equal(y, whole.astype(np.float32))
    assert_array_equal(run(lambda x: ops.cast(x, "bool"), x), [1, 1, 0, 1, 1, 1, 1, 1])
    with pytest.raises(ShapeError, match=r"between float32 and int32.*'float16'"):
        ops.cast(Graph().input((3,)), "float16")
