"""where, power and cast against NumPy; gradients by central differences."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import check_gradient, pull
from ops.run import run

from edgenet import ops
from edgenet.graph import Graph, ShapeError

SPECIAL = np.array([0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, np.inf, -np.inf, np.nan, 1e-40, 3e38], np.float32)


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("shapes", [((5, 7),) * 3, ((5, 1), (7,), (5, 7)), ((), (3, 4099), ()), ((0, 3), (3,), (1, 1))])
def test_where(shapes):
    c, a, b = (numbers(i, *s) for i, s in enumerate(shapes))
    assert_array_equal(run(lambda c, a, b: ops.where(c > 0, a, b), c, a, b), np.where(c > 0, a, b))


def test_where_lets_nothing_through_of_what_is_not_chosen():
    x = np.array([1.0, -1.0, np.nan, 0.0], np.float32)
    assert_array_equal(run(lambda x: ops.where(x > 0, ops.log(x), 0.0), x), [0, 0, 0, 0])
    (dx,) = pull(lambda x: ops.where(x > 0, x * x, 0.0), x, dy=[1, 1, 1, 1])
    assert_array_equal(dx, [2, -0.0, 0 * np.nan, 0])
    assert_array_equal(run(lambda x: ops.where(x, 1.0, 2.0), x), [1, 1, 1, 2])  # NaN is not 0


def test_where_gradient():
    a, b, c = numbers(1, 4, 1), numbers(2, 1, 5), numbers(3, 4, 5)
    check_gradient(lambda a, b, c: ops.where(c > 0, a, b), lambda a, b, c: np.where(c > 0, a, b), a, b, c, seed=1,
                   wrt=(0, 1), k=5)  # fmt: skip


def test_power_of_special_numbers():
    a, b = SPECIAL[:, None], SPECIAL[None, :]
    with np.errstate(all="ignore"):
        want = (a.astype(np.float64) ** b.astype(np.float64)).astype(np.float32)
    got = run(lambda a, b: a**b, a, b)
    assert_array_equal(np.isnan(got), np.isnan(want))
    assert_allclose(got, want, rtol=1e-5, atol=1e-37)  # e^(b log a) loses |b log a| roundings, up to 88
    assert_array_equal(np.signbit(got)[~np.isnan(got)], np.signbit(want)[~np.isnan(want)])


@pytest.mark.parametrize("shapes", [((9, 33), (9, 33)), ((9, 33), (33,)), ((9, 1), (1, 33)), ((), (4097,))])
def test_power(shapes):
    a, b = np.abs(numbers(1, *shapes[0])) + 0.1, 3 * numbers(2, *shapes[1])
    want = a.astype(np.float64) ** b
    assert_allclose(run(ops.power, a, b), want, rtol=5e-6)
    assert_allclose(run(lambda a: ops.power(a, 3), -a), -(a.astype(np.float64) ** 3), rtol=5e-6)
    if a.ndim:
        check_gradient(ops.power, lambda a, b: a**b, a, b, seed=2, k=40, scale=4)


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
